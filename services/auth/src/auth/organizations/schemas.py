from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.members.permissions import Role
from auth.organizations.model import Membership
from kit.http.models import Line, Model, Out


class CreateOrganization(Model):
    """A new organization."""

    name: Line


class ChangeOrganization(Model):
    """Another name, another demand, or both."""

    name: Line | None = None
    requires_second_factor: bool | None = Field(
        None, description="Whether only those act here who have shown a second factor; takes a fresh proof to change."
    )


class OrganizationOut(Out):
    """An organization of the caller."""

    id: UUID
    name: str
    role: Role = Field(description="The caller's role in it.")
    agency_id: UUID | None = Field(description="The agency that sent the caller, where they are no member.")
    requires_second_factor: bool = Field(description="Whether only those act here who have shown a second factor.")
    version: int = Field(description="Also the ETag.")
    created_at: AwareDatetime

    @classmethod
    def of(cls, held: Membership) -> Self:
        """The organization as its member sees it."""
        return cls(
            id=held.organization_id,
            name=held.name,
            role=held.role,
            agency_id=held.agency_id,
            requires_second_factor=held.requires_second_factor,
            version=held.version,
            created_at=held.created_at,
        )


class MembershipOut(Out):
    """The caller's place in an organization."""

    organization_id: UUID
    name: str
    member_id: UUID | None = Field(description="Null where an agency sent the caller.")
    role: Role
    agency_id: UUID | None = Field(description="The agency that sent the caller, where they are no member.")
    joined_at: AwareDatetime | None
