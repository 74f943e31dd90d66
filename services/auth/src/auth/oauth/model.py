"""What a program asks for, what a person grants, and what code and refresh token are worth: plain functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

REQUEST_LIFE: Final = timedelta(minutes=10)
CODE_LIFE: Final = timedelta(seconds=60)
ABSOLUTE_LIFE: Final = timedelta(days=90)
IDLE_LIFE: Final = timedelta(days=30)
GRACE: Final = timedelta(seconds=10)
"""For so long after an exchange a refresh token and its parent give the same successor: an answer may be lost, and
two processes of a partner may refresh at once."""
MOST_GRANTS: Final = 20
"""Grants of one person to one program; with one more the oldest ends."""


WEAK: Final = "second-factor-demanded"
"""Why a grant ends that was given without a second factor, where one is demanded."""


def program_id(text: str) -> UUID:
    """A program's id as it is written in requests; what cannot be one is nobody's."""
    try:
        return UUID(text) if len(text) == 36 else UUID(int=0)
    except ValueError:
        return UUID(int=0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a program that nobody has decided yet."""

    id: UUID
    client_id: UUID
    redirect_uri: str
    stated: bool
    """Whether the program named the address, so that it must name it again."""
    scopes: Sequence[str]
    state: str | None
    nonce: str | None
    code_challenge: str
    asks_again: bool
    """Whether the program wants the person to be asked although they have agreed before."""


class CodeWorth(Enum):
    """What a code is worth."""

    GOOD = "it is exchanged for tokens"
    REUSED = "it was used before: what was made from it ends"
    OVER = "its time is over, or the grant has ended"


class RefreshWorth(Enum):
    """What a refresh token is worth."""

    ROTATE = "the current one: its successor becomes current"
    REPEAT = "the current one or its parent, within the grace: the current one is given again"
    REUSED = "an older one: somebody has a copy, the grant ends"
    OVER = "the grant has ended"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person let a program do in an organization."""

    id: UUID
    client_id: UUID
    user_id: UUID
    organization_id: UUID
    scopes: Sequence[str]
    epoch: int
    redirect_uri: str | None
    code_challenge: str
    nonce: str | None
    authenticated_at: datetime
    code_expires_at: datetime
    code_used_at: datetime | None
    counter: int
    rotated_at: datetime | None
    used_at: datetime
    expires_at: datetime
    strong: bool
    """Whether a second factor was shown in the session in which it was granted."""
    ended: bool

    def judge_code(self, now: datetime, sessions_from_epoch: int) -> CodeWorth:
        """What the code of this grant is worth now."""
        if self.code_used_at is not None:
            return CodeWorth.REUSED
        over = self.ended or now >= self.code_expires_at or self.epoch < sessions_from_epoch
        return CodeWorth.OVER if over else CodeWorth.GOOD

    def judge_refresh(self, counter: int, now: datetime, sessions_from_epoch: int) -> RefreshWorth:
        """What a refresh token with this counter is worth now; who signed out everywhere has ended it, too."""
        if not self.is_alive(now, sessions_from_epoch) or self.code_used_at is None:
            return RefreshWorth.OVER
        graced = self.rotated_at is not None and now < self.rotated_at + GRACE
        if counter == self.counter:
            return RefreshWorth.REPEAT if graced else RefreshWorth.ROTATE
        if counter == self.counter - 1 and graced:
            return RefreshWorth.REPEAT
        return RefreshWorth.REUSED

    def is_alive(self, now: datetime, sessions_from_epoch: int) -> bool:
        """Whether anything may still be made from this grant."""
        over = self.ended or now >= self.expires_at or now >= self.used_at + IDLE_LIFE
        return not over and self.epoch >= sessions_from_epoch
