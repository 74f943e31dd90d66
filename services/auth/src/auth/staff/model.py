"""What a session of staff is worth, and for how long: plain functions of values."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from auth.sessions.model import Verdict
from auth.staff.permissions import StaffRole

ABSOLUTE_LIFE: Final = timedelta(hours=8)
IDLE_LIFE: Final = timedelta(minutes=30)
GRACE: Final = timedelta(seconds=10)
TOKEN_LIFE: Final = timedelta(minutes=10)
FRESH: Final = timedelta(minutes=10)
ENROLMENT_LIFE: Final = timedelta(hours=24)

FREE_ATTEMPTS: Final = 5
LONGEST_WAIT: Final = timedelta(minutes=5)
FORGET_AFTER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff as the list shows them."""

    id: UUID
    email_sealed: bytes = field(repr=False)
    role: StaffRole
    enrolled: bool
    version: int
    created_at: datetime
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signing in is judged by."""

    staff_id: UUID
    role: StaffRole
    epoch: int
    password_hash: str = field(repr=False)
    totp_sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Somebody who is about to set password and code app."""

    staff_id: UUID
    email_sealed: bytes = field(repr=False)
    totp_sealed: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A session of staff."""

    id: UUID
    staff_id: UUID
    role: StaffRole
    epoch: int
    counter: int
    rotated_at: datetime | None
    used_at: datetime
    expires_at: datetime
    ended: bool

    def judge(self, counter: int, now: datetime) -> Verdict:
        """What a refresh token with this counter is worth now; as for customers, tabs that refresh together go on."""
        if self.ended or now >= self.expires_at or now >= self.used_at + IDLE_LIFE:
            return Verdict.ENDED
        graced = self.rotated_at is not None and now < self.rotated_at + GRACE
        if counter == self.counter:
            return Verdict.REPEAT if graced else Verdict.ROTATE
        if counter == self.counter - 1 and graced:
            return Verdict.REPEAT
        return Verdict.REUSED


@dataclass(frozen=True, slots=True)
class StaffTokens:
    """What signing in and refreshing give."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    session_id: UUID
    staff_id: UUID
    role: StaffRole
    permissions: list[str]


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session of staff as the list shows it."""

    id: UUID
    agent: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime


def is_alive(expires_at: datetime, used_at: datetime, now: datetime) -> bool:
    """Whether a session that nobody ended goes on."""
    return now < expires_at and now < used_at + IDLE_LIFE
