"""Logs, traces and metrics: what an operator sees."""
