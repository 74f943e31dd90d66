from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.members.permissions import Role


@dataclass(frozen=True, slots=True)
class Membership:
    """An organization as somebody who acts in it sees it; who was sent by an agency is no member of it."""

    organization_id: UUID
    name: str
    role: Role
    member_id: UUID | None
    version: int
    created_at: datetime
    joined_at: datetime | None
    agency_id: UUID | None = None
