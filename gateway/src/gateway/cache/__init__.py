"""Answers that are kept: in the process and in Redis, until an event or a change says that they hold no longer."""
