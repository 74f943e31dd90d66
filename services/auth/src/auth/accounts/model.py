from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from auth.accounts.address import SealedAddress

LINK_LIFE: Final = timedelta(hours=24)
MOST_MAILS: Final = 5
"""Mails to one address within an hour; what is asked beyond that is answered alike and not sent."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An address of a user."""

    id: UUID
    user_id: UUID
    verified: bool


@dataclass(frozen=True, slots=True)
class Account:
    """What signing in needs of a user."""

    user_id: UUID
    password_hash: str
    verified: bool
    epoch: int


@dataclass(frozen=True, slots=True)
class Verification:
    """A proof of an address under way, with the password of the sign-up that began it."""

    id: UUID
    identity: Identity
    address: SealedAddress
    password_hash: str
    expired: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as shown to that user; `email` is there once the address was opened."""

    user_id: UUID
    address: SealedAddress
    verified: bool
    email: str | None = None


@dataclass(frozen=True, slots=True)
class PersonsAddress:
    """An address that somebody has proven to be theirs, or has only typed."""

    blind: bytes
    address: SealedAddress
    verified_at: datetime | None
    created_at: datetime
