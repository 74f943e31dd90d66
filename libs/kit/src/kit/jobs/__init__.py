"""Bulk work that lasts: submitted once, found, worked in batches, counted, cancelled, tried again, told of.

A batch is worked and recorded in one transaction together with the job's counts, so what a process was in the middle
of when it died has not happened. What is to be done outside, a batch hands to the ledger in that same transaction.
"""
