"""What staff grant an organization, and until when: plain functions of values."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from contracts.names import PLANS

GRANTABLE: Final = PLANS[1:]
LONGEST: Final = timedelta(days=2 * 366)
MOST_OPEN: Final = 20


class GrantReason(StrEnum):
    """Why, in a word."""

    GOODWILL = "goodwill"
    TRIAL = "trial"
    PARTNER = "partner"
    INCIDENT = "incident"
    INTERNAL = "internal"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Grant:
    """A plan that an organization has until a date, whatever it pays for."""

    id: UUID
    organization_id: UUID
    plan: str
    until: datetime
    reason: GrantReason
    note_sealed: bytes | None = field(repr=False)
    granted_by: UUID
    version: int
    created_at: datetime
    revoked_by: UUID | None
    revoked_at: datetime | None
    active: bool
    note: str | None = None


def months_later(start: datetime, months: int) -> datetime:
    """The same day of a later month, or its last day where it is shorter."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = start.day
    while True:
        try:
            return start.replace(year=year, month=month + 1, day=day)
        except ValueError:
            day -= 1
