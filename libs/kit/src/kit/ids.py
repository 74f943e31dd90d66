"""Identifiers: UUIDv7 (RFC 9562), which sort by the time they were made."""

import random
import time

from contracts.event import new_id

__all__ = ["new_id", "new_request_id"]


def new_request_id() -> str:
    """A UUIDv7 as text, for names that only have to be different: its 74 random bits are no secret, but cheap."""
    noise = random.getrandbits(74)
    text = f"{time.time_ns() // 1_000_000:012x}7{noise >> 62:03x}{noise & 0x3FFF_FFFF_FFFF_FFFF | 1 << 63:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
