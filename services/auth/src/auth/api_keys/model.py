"""What an API key is, and what may become of it: plain functions of values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Final
from uuid import UUID

from auth.api_keys.errors import ApiKeyOver, ApiKeyRoleTooHigh
from auth.members.permissions import Role

DEFAULT_LIFE: Final = timedelta(days=90)
LONGEST_LIFE: Final = timedelta(days=365)
LONGEST_OVERLAP: Final = timedelta(days=7)
TOKEN_LIFE: Final = timedelta(minutes=5)
"""How long the access token lives that a key is exchanged for."""
KEPT_FOR: Final = timedelta(days=90)
"""How long a key that is over is still shown."""
MOST_KEYS: Final = 100
"""Keys in use in one organization."""


class KeyState(StrEnum):
    """Where a key stands."""

    ACTIVE = "active"
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key is allowed: it never says more than its maker could."""

    role: Role
    scopes: Sequence[str]
    allowed_addresses: Sequence[str] = ()
    """Networks it may come from; none stands for everywhere."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is shown: all but itself."""

    id: UUID
    name: str
    grant: Grant
    hint: str
    """The last letters of the key, by which its owner recognises it."""
    made_by: UUID | None
    replaced_by: UUID | None
    version: int
    state: KeyState
    expires_at: datetime
    created_at: datetime
    last_used_at: datetime | None
    ended_at: datetime | None

    @property
    def role(self) -> Role:
        """What the key is in its organization."""
        return self.grant.role

    @property
    def scopes(self) -> Sequence[str]:
        """What it may do, within its role."""
        return self.grant.scopes

    @property
    def allowed_addresses(self) -> Sequence[str]:
        """Networks it may come from; none stands for everywhere."""
        return self.grant.allowed_addresses

    def check_rotation(self) -> None:
        """A key is replaced once, while it is good.

        Raises:
            ApiKeyOver: it is over, or has a successor.
        """
        if self.state is not KeyState.ACTIVE or self.replaced_by is not None:
            raise ApiKeyOver


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key with its text, which is there once; None when an earlier request has shown it."""

    key: ApiKey
    text: str | None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What a gateway gets for a key; without a token where the visitor's address is not allowed."""

    access_token: str | None
    expires_in: int
    allowed_addresses: Sequence[str]


def check_maker(managed: frozenset[Role], role: Role) -> None:
    """Whether somebody who manages these roles may make, replace or end a key with this role.

    Raises:
        ApiKeyRoleTooHigh: the key would be more than they are, or an owner.
    """
    if role is Role.OWNER or role not in managed:
        raise ApiKeyRoleTooHigh


def network(text: str) -> str:
    """The usual spelling of an address or network.

    Raises:
        ValueError: it is neither; bits beyond the prefix are refused, since they hint at a mistake.
    """
    return str(ip_network(text.strip()))


def may_come_from(allowed: Sequence[str], address: str) -> bool:
    """Whether a visitor with this address may use a key; an address that cannot be read is nowhere."""
    if not allowed:
        return True
    try:
        visitor = ip_address(address)
    except ValueError:
        return False
    return any(visitor in ip_network(each) for each in allowed)
