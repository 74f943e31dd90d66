from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.organizations.schemas import MembershipOut
from auth.sign_ins.model import Proof
from kit.http.models import Out


class AddressOut(Out):
    """An address of a user: masked, unless it was opened."""

    kind: str
    address: str | None = Field(description="Null once the user was forgotten.")
    verified: bool


class UserOut(Out):
    """A user as staff see them in lists."""

    id: UUID
    addresses: list[AddressOut]
    created_at: AwareDatetime
    verified_at: AwareDatetime | None
    suspended_at: AwareDatetime | None


class SightOut(Out):
    """How the account is used."""

    sessions: int = Field(description="How many go on.")
    last_seen_at: AwareDatetime | None


class UserPageOut(Out):
    """All that staff see of a user at once."""

    user: UserOut
    memberships: list[MembershipOut] = Field(description="The first hundred.")
    factors: list[Proof]
    sight: SightOut


class AddressesOut(Out):
    """The addresses of one user as they were typed."""

    items: list[AddressOut]


class OrganizationForStaffOut(Out):
    """An organization as staff see it in lists."""

    id: UUID
    name: str
    version: int
    created_at: AwareDatetime
    suspended_at: AwareDatetime | None


class OrganizationPageOut(Out):
    """All that staff see of an organization at once."""

    organization: OrganizationForStaffOut
    members: int
    owners: list[UUID] = Field(description="The first twenty.")
