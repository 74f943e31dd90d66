from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from auth.delegations.model import MOST_ASSIGNMENTS, Assignment, Delegation, DelegationState
from auth.members.permissions import Role
from kit.http.models import Model, Out


def _below_owner(role: Role) -> Role:
    if role is Role.OWNER:
        raise ValueError("Nobody is sent as an owner.")
    return role


Delegable = Annotated[Role, AfterValidator(_below_owner)]
Roles = Annotated[
    list[Delegable],
    Field(
        min_length=1, max_length=8, description="In which roles at most its people may act.", examples=[["editor"]]
    ),
]


class OfferDelegation(Model):
    """To which agency, in which roles, until when."""

    agency_id: UUID = Field(description="The organization of the agency.")
    roles: Roles
    ends_at: AwareDatetime = Field(description="Within two years.")


class AskDelegation(Model):
    """Which client, in which roles, until when."""

    client_id: UUID = Field(description="The organization of the client, who has told you this id.")
    roles: Roles
    ends_at: AwareDatetime = Field(description="Within two years.")


class DelegationOut(Out):
    """What a client lets an agency do."""

    id: UUID
    client_id: UUID
    agency_id: UUID
    name: str | None = Field(description="What the other side is called; null while a client is merely asked.")
    roles: list[Role]
    state: DelegationState
    ends_at: AwareDatetime
    granted_at: AwareDatetime | None
    ended_because: str | None = Field(description="`client`, `agency` or `expired`.")
    version: int
    created_at: AwareDatetime

    @classmethod
    def of(cls, held: Delegation) -> Self:
        """The delegation as shown."""
        return cls(
            id=held.id,
            client_id=held.organization_id,
            agency_id=held.agency_id,
            name=held.name,
            roles=list(held.roles),
            state=held.state,
            ends_at=held.ends_at,
            granted_at=held.granted_at,
            ended_because=held.ended_because,
            version=held.version,
            created_at=held.created_at,
        )


class AssignmentIn(Model):
    """A member, a team, or (neither) everybody of the agency, and the role."""

    role: Delegable
    member_id: UUID | None = None
    team_id: UUID | None = None

    def said(self) -> Assignment:
        """As a value."""
        return Assignment(self.role, self.member_id, self.team_id)


class Assign(Model):
    """Whom to send: these and nobody else."""

    items: list[AssignmentIn] = Field(max_length=MOST_ASSIGNMENTS)


class AssignmentOut(Out):
    """Somebody who is sent."""

    role: Role
    member_id: UUID | None
    team_id: UUID | None


class AssignmentsOut(Out):
    """Whom an agency sends; what is said of a member counts before teams, and teams before everybody."""

    items: list[AssignmentOut]
    version: int = Field(description="Also the ETag.")
