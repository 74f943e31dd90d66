"""Identifiers: UUIDv7 (RFC 9562), which sort by the time they were made."""

import random
import time

from contracts.event import new_id

__all__ = ["new_id", "new_request_id"]

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def new_request_id() -> str:
    """A UUIDv7 as text, for names that only have to be different: its 74 random bits are no secret, but cheap."""
    text = (time.time_ns() // 1_000_000 << 80 | random.getrandbits(80)).to_bytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:]}"
