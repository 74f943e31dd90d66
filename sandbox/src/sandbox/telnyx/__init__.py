"""Telnyx, as far as it sends text messages."""

from sandbox.telnyx.member import Telnyx

__all__ = ("Telnyx",)
