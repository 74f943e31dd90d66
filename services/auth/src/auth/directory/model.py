"""Users and organizations as staff see them; addresses are masked unless somebody opens them on record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.organizations.model import Membership
from auth.sign_ins.model import Proof


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; what is None does not matter."""

    email: str | None = None
    phone: str | None = None
    id: UUID | None = None
    organization_id: UUID | None = None
    created_after: datetime | None = None
    suspended: bool | None = None

    @property
    def by(self) -> str:
        """By what is looked for, in words that may stand in the audit trail."""
        names = [name for name in self.__slots__ if getattr(self, name) is not None]
        return "+".join(names) or "all"


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """An address of a user, as stored."""

    user_id: UUID
    kind: str
    address: SealedAddress
    verified: bool


@dataclass(frozen=True, slots=True)
class ShownAddress:
    """An address of a user, opened or masked."""

    kind: str
    address: str | None = field(repr=False)
    verified: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A user in a list."""

    id: UUID
    created_at: datetime
    verified_at: datetime | None
    suspended_at: datetime | None
    addresses: Sequence[ShownAddress] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """How somebody uses their account."""

    sessions: int
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserPage:
    """All that staff see of a user at once."""

    user: Found
    memberships: Sequence[Membership]
    factors: Sequence[Proof]
    sight: Sight


@dataclass(frozen=True, slots=True)
class FoundOrganization:
    """An organization in a list."""

    id: UUID
    name: str
    version: int
    created_at: datetime
    suspended_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrganizationPage:
    """All that staff see of an organization at once."""

    organization: FoundOrganization
    members: int
    owners: Sequence[UUID]


def masked(kind: str, address: str | None) -> str | None:
    """Enough to recognise an address by, too little to use it."""
    if address is None:
        return None
    if kind == "email":
        local, _, domain = address.rpartition("@")
        name, _, last = domain.rpartition(".")
        return f"{local[:1]}***@{name[:1]}***.{last}" if name else f"{local[:1]}***@{domain[:1]}***"
    return f"{address[:3]}***{address[-2:]}" if len(address) > 5 else "***"
