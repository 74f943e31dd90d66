from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.challenges.schemas import Address, LinkToken
from auth.invitations.model import InvitationState
from auth.members.permissions import Role
from kit.http.models import Model, Out


class Invite(Model):
    """Whom to invite, and as what."""

    email: Address
    role: Role


class AcceptInvitation(Model):
    """The token of a link."""

    token: LinkToken


class InvitationOut(Out):
    """An offer of a membership."""

    id: UUID
    email: str | None = Field(description="Null when the person was forgotten.")
    role: Role
    state: InvitationState
    expires_at: AwareDatetime
    created_at: AwareDatetime
    version: int
