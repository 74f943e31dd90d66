"""What a refresh token is worth: a plain function of the session and the time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

GRACE: Final = timedelta(seconds=10)
LOST_LIFE: Final = timedelta(days=1)
"""For how long after an exchange its device may ask again for what it never got: a laptop may be closed meanwhile."""
TOKEN_LIFE: Final = timedelta(seconds=600)


@dataclass(frozen=True, slots=True)
class Limits:
    """When a session ends by itself: so long after it began, and so long after it was last used."""

    absolute: timedelta = timedelta(days=30)
    idle: timedelta = timedelta(days=14)
    parallel: int = 100
    """So many of one person go on at once; one more ends the one that was used least lately (OWASP ASVS 7.1.2)."""


class Verdict(Enum):
    """What to do with a refresh token."""

    ROTATE = "the current token: its successor becomes current"
    REPEAT = "the current token, or its parent, within the grace: the current one is given again"
    RETRY = "the parent, once more from the same device: the answer with the current one was lost"
    REUSED = "an older token: somebody has a copy, the family ends"
    ENDED = "the session has ended"


@dataclass(frozen=True, slots=True)
class Session:
    """A family of refresh tokens."""

    id: UUID
    user_id: UUID
    epoch: int
    organization_id: UUID | None
    counter: int
    rotated_at: datetime | None
    used_at: datetime
    expires_at: datetime
    ended: bool
    strong: bool = False
    """Whether two distinct factors were shown in it."""
    device: UUID | None = None
    """What the token of the device proves on which it was begun."""
    confirmed: bool = False
    """Whether the current token was ever shown: then its answer had arrived."""
    retried: bool = False
    """Whether the current token was given once more after the grace."""
    through: UUID | None = None
    """The organization's identity provider by whose word it began; when that is disabled, it has ended."""

    def judge(
        self,
        counter: int,
        now: datetime,
        sessions_from_epoch: int,
        *,
        device: UUID | None = None,
        limits: Limits = Limits(),
    ) -> Verdict:
        """What a token with this counter is worth now, shown with the token of this device.

        The counter moves at most once within the grace. So whoever holds a token that was current during the last
        ten seconds, in whatever tab and however late its request arrives, holds the current one or its parent: no
        interleaving of honest requests looks like reuse.

        After the grace the parent is good once more within a day, for the same device and while nobody has shown the
        current one: then the answer that brought it was lost on the way, and whoever asks gets the same again.
        """
        if (
            self.ended
            or now >= self.expires_at
            or now >= self.used_at + limits.idle
            or self.epoch < sessions_from_epoch
        ):
            return Verdict.ENDED
        graced = self.rotated_at is not None and now < self.rotated_at + GRACE
        if counter == self.counter:
            return Verdict.REPEAT if graced else Verdict.ROTATE
        if counter == self.counter - 1 and graced:
            return Verdict.REPEAT
        if counter == self.counter - 1 and self._was_lost(now, device):
            return Verdict.RETRY
        return Verdict.REUSED

    def _was_lost(self, now: datetime, device: UUID | None) -> bool:
        if self.confirmed or self.retried or self.rotated_at is None:
            return False
        return device is not None and device == self.device and now < self.rotated_at + LOST_LIFE


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user is at this moment: the epoch tokens carry, the oldest epoch of sessions, and where they act."""

    epoch: int
    sessions_from_epoch: int
    organization_id: UUID | None = None
    role: str | None = None
    suspended: bool = False
    organization_suspended: bool = False
    """Whether nobody acts in the organization that was asked for, so that none is acted in."""
    demanding: bool = False
    """Whether the organization lets in only sessions that are strong."""
    enforcing: bool = False
    """Whether it lets some in through an identity provider of its own alone."""
    agency_id: UUID | None = None
    """The agency that sends them, where they are no member."""
    until: datetime | None = None
    """When that ends."""
    factors: tuple[str, ...] = ()
    """Their second factors in use, the one to offer first at the front; told to who begins a session."""

    def bounded(self, life: timedelta, now: datetime) -> timedelta:
        """How long a token may live: not longer than what it says holds."""
        return life if self.until is None else max(timedelta(seconds=1), min(life, self.until - now))


@dataclass(frozen=True, slots=True)
class Strength:
    """What was shown in a session, when last anything, and when last two distinct factors."""

    proofs: tuple[str, ...]
    proven_at: datetime
    strong_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What signing in and refreshing give."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    session_id: UUID
    user_id: UUID
    organization_id: UUID | None
    role: str | None
    refresh_life: timedelta = timedelta(days=1)
    """For how long the refresh token can be good at most."""
    device_token: str | None = field(default=None, repr=False)
    """By which the device is known from now on; given when a session begins."""
    csrf_token: str | None = field(default=None, repr=False)
    """Set for a browser that has its tokens in cookies."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What gateways must refuse: one session, or all tokens older than the epoch."""

    user_id: UUID
    session_id: UUID | None
    epoch: int
    revoked_at: datetime
