from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.members.permissions import Role
from kit.http.models import Model, Out


class ChangeRole(Model):
    """Another role."""

    role: Role


class MemberOut(Out):
    """A member of an organization."""

    id: UUID
    user_id: UUID
    email: str | None = Field(description="Null when the person was forgotten.")
    role: Role
    joined_at: AwareDatetime
    version: int
