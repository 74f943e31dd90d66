"""Identifiers: UUIDv7 (RFC 9562), which sort by the time they were made."""

import random
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from contracts.event import new_id

__all__ = ["AFTER_ALL", "BEFORE_ALL", "BEGINNING_OF_TIME", "END_OF_TIME", "new_id", "new_request_id"]

BEFORE_ALL: Final = UUID(int=0)
"""Less than every id: after it comes the first page, by the same condition as every other.

A condition that may be missing (`$1 IS NULL OR id > $1`) is one that a plan which is kept for all values cannot begin
with: it would read all that comes before a deep page.
"""

AFTER_ALL: Final = UUID(int=(1 << 128) - 1)
"""More than every id, for lists that begin with the newest."""

BEGINNING_OF_TIME: Final = datetime(1, 1, 1, tzinfo=UTC)
END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Before and after every moment, for lists that are in the order of a time."""

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def new_request_id() -> str:
    """A UUIDv7 as text, for names that only have to be different: its 74 random bits are no secret, but cheap."""
    text = (time.time_ns() // 1_000_000 << 80 | random.getrandbits(80)).to_bytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:]}"
