"""When staff act in a person's place, and until when: plain functions of values."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

TOKEN_LIFE: Final = timedelta(minutes=10)
LONGEST: Final = timedelta(minutes=60)
KEPT: Final = timedelta(days=730)


class EndedBy(StrEnum):
    """Who ended it before its time."""

    STAFF = "staff"
    USER = "user"
    ORGANIZATION = "organization"
    SESSION = "session"
    """The session of the member of staff ended."""


@dataclass(frozen=True, slots=True)
class Impersonation:
    """A member of staff in a person's place."""

    id: UUID
    staff_id: UUID
    staff_session_id: UUID
    user_id: UUID
    organization_id: UUID | None
    reason_sealed: bytes = field(repr=False)
    created_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    ended_by: EndedBy | None
    over: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ActingToken:
    """An access token of an impersonation; there is no refresh token, it is asked for anew."""

    impersonation: Impersonation
    access_token: str = field(repr=False)
    expires_in: int


def token_life(ends_at: datetime, now: datetime) -> timedelta:
    """As long as any token, and not beyond the end of the impersonation."""
    return min(TOKEN_LIFE, ends_at - now)
