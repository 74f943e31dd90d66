"""What a refresh token is worth: a plain function of the session and the time."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

ABSOLUTE_LIFE: Final = timedelta(days=30)
IDLE_LIFE: Final = timedelta(days=14)
GRACE: Final = timedelta(seconds=10)
TOKEN_LIFE: Final = timedelta(seconds=600)


def attempted(key: bytes, blind: bytes) -> bytes:
    """By what attempts to sign in with an address are counted; whoever reads it learns of no row of anybody."""
    return hmac.digest(key, blind, hashlib.sha256)


class Verdict(Enum):
    """What to do with a refresh token."""

    ROTATE = "the current token: its successor becomes current"
    REPEAT = "the current token, or its parent, within the grace: the current one is given again"
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

    def judge(self, counter: int, now: datetime, sessions_from_epoch: int) -> Verdict:
        """What a token with this counter is worth now.

        The counter moves at most once within the grace. So whoever holds a token that was current during the last
        ten seconds, in whatever tab and however late its request arrives, holds the current one or its parent: no
        interleaving of honest requests looks like reuse.
        """
        if (
            self.ended
            or now >= self.expires_at
            or now >= self.used_at + IDLE_LIFE
            or self.epoch < sessions_from_epoch
        ):
            return Verdict.ENDED
        graced = self.rotated_at is not None and now < self.rotated_at + GRACE
        if counter == self.counter:
            return Verdict.REPEAT if graced else Verdict.ROTATE
        if counter == self.counter - 1 and graced:
            return Verdict.REPEAT
        return Verdict.REUSED


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user is at this moment: the epoch tokens carry, the oldest epoch of sessions, and where they act."""

    epoch: int
    sessions_from_epoch: int
    organization_id: UUID | None = None
    role: str | None = None
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Strength:
    """What was shown in a session, when last anything, and when last two distinct factors."""

    proofs: tuple[str, ...]
    proven_at: datetime
    strong_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What signing in and refreshing give."""

    access_token: str
    expires_in: int
    refresh_token: str
    session_id: UUID
    user_id: UUID
    organization_id: UUID | None
    role: str | None


@dataclass(frozen=True, slots=True)
class Revocation:
    """What gateways must refuse: one session, or all tokens older than the epoch."""

    user_id: UUID
    session_id: UUID | None
    epoch: int
    revoked_at: datetime
