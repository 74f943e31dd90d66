from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.accounts.address import SealedAddress


@dataclass(frozen=True, slots=True)
class Identity:
    """An address of a user."""

    id: UUID
    user_id: UUID
    kind: str
    blind: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Account:
    """What signing in needs of a user."""

    user_id: UUID
    password_hash: str
    verified: bool
    epoch: int
    """As of the look-up."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as shown to that user; `email` and `phone` are there once they were opened."""

    user_id: UUID
    address: SealedAddress | None
    number: SealedAddress | None
    verified: bool
    email: str | None = None
    phone: str | None = None

    @property
    def places(self) -> list[SealedAddress]:
        """Address and number, as far as there are any, the one to be called by at the front."""
        return [each for each in (self.address, self.number) if each is not None]


@dataclass(frozen=True, slots=True)
class PersonsAddress:
    """An address that somebody has proven to be theirs, or has only typed."""

    kind: str
    blind: bytes
    address: SealedAddress
    verified_at: datetime | None
    created_at: datetime
