"""What is sent to an address so that whoever has it may do something: plain values."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

MOST_CHALLENGES: Final = 5
"""Of one purpose for one address within an hour; what is asked for beyond that is answered alike, and not sent."""
WITHIN: Final = timedelta(hours=1)
MOST_TRIES: Final = 5
"""Of one code."""
_DIGITS: Final = 6


class Purpose(StrEnum):
    """What may be done by whoever has the address."""

    SIGN_UP = "sign-up"
    RESET = "reset"
    MAGIC_LINK = "magic-link"
    CHANGE = "change"
    UNDO = "undo"


CODE_LIFE: Final = timedelta(minutes=10)
LINK_LIFE: Final = {
    Purpose.SIGN_UP: timedelta(hours=24),
    Purpose.RESET: timedelta(minutes=30),
    Purpose.MAGIC_LINK: timedelta(minutes=10),
    Purpose.CHANGE: timedelta(hours=1),
    Purpose.UNDO: timedelta(hours=72),
}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One of them. `identity_id` and `user_id` are whose the address is, or the ids that they would get.

    `known` says whether somebody had the address when this was asked for, `epoch` from which on sessions were good
    then: a challenge from before a password was changed, or all sessions were ended, is void.
    """

    id: UUID
    purpose: Purpose
    kind: str
    blind: bytes
    identity_id: UUID
    user_id: UUID
    known: bool
    sealed: bytes | None
    password_hash: str
    epoch: int | None
    locale: str
    expired: bool
    used: bool

    @property
    def open(self) -> bool:
        """Whether it may still be used."""
        return not self.expired and not self.used


@dataclass(frozen=True, slots=True)
class TextCodes:
    """The codes of text messages: six digits computed from the id of the challenge, which stand nowhere."""

    key: bytes = field(repr=False)

    def of(self, challenge_id: UUID) -> str:
        """The code of a challenge."""
        drawn = int.from_bytes(hmac.digest(self.key, challenge_id.bytes, hashlib.sha256))
        return f"{drawn % 10**_DIGITS:0{_DIGITS}}"

    def match(self, challenge_id: UUID, code: str) -> bool:
        """Whether it is the one, in time that tells nothing."""
        return hmac.compare_digest(self.of(challenge_id).encode(), code.encode())
