from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

MOST_PASSKEYS: Final = 10
CHALLENGE_BYTES: Final = 32
CHALLENGE_LIFE: Final = timedelta(minutes=5)
HANDLE_BYTES: Final = 32
SHORTEST_ID: Final = 16
LONGEST_ID: Final = 1023


class Purpose(StrEnum):
    """What a challenge is for; an answer to one of another purpose is worth nothing."""

    REGISTRATION = "registration"
    SIGN_IN = "sign-in"
    SECOND_FACTOR = "second-factor"
    STEP_UP = "step-up"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A question to authenticators: for whom it is, and for which session or sign-in; for nobody when signing in."""

    purpose: Purpose
    user_id: UUID | None = None
    about: UUID | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """A passkey as a browser is told of it, to find it or to leave it out."""

    credential_id: bytes
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator has made for us."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as an assertion is checked against it."""

    id: UUID
    user_id: UUID
    handle: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    sign_count: int
    backup_eligible: bool


@dataclass(frozen=True, slots=True)
class Asserted:
    """What an authenticator says, once its signature was right."""

    sign_count: int
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What a browser hands to its authenticators, as WebAuthn writes it."""

    options: dict[str, Any]
    expires_in: int = int(CHALLENGE_LIFE.total_seconds())


def regressed(seen: int, said: int) -> bool:
    """Whether a counter that counts went back, or stood still: there may be a copy of the passkey.

    Passkeys that are synchronised between devices do not count: theirs is always 0.
    """
    return (seen > 0 or said > 0) and said <= seen
