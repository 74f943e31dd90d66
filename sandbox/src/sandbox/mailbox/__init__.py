"""A mail server that keeps every message and delivers none."""

from sandbox.mailbox.member import Mailbox

__all__ = ["Mailbox"]
