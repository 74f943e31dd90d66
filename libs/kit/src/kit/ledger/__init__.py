"""The ledger: what is to be done in the outside world, and what came of it.

One row per effect. Workers claim rows of a lane, call with no transaction open, and record under a fence; what may
have been accepted is unknown until it was looked for, and is never repeated before.
"""
