"""Devices by which people are known again: plain functions and values."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

REMEMBERED_FOR: Final = timedelta(days=30)
"""For how long a remembered device spares the second factor."""
KEPT_FOR: Final = timedelta(days=400)
"""For how long a device is known that nobody uses; browsers keep no cookie longer."""
MOST_DEVICES: Final = 100
"""Devices of one person; the one that was used least lately makes room."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A device at a sign-in: its row, what its token proves, and whether it is a stranger among others."""

    id: UUID
    token_id: UUID
    unknown: bool
    """Whether it was not known of this person, who has signed in elsewhere before."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its owner is shown it."""

    id: UUID
    name: str | None
    remembered_until: datetime | None
    version: int
    seen_at: datetime
    created_at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class StoredDevice:
    """A device as its row has it."""

    id: UUID
    name_sealed: bytes | None = field(repr=False)
    remembered_until: datetime | None
    version: int
    seen_at: datetime
    created_at: datetime
    current: bool
