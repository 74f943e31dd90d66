from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.members.permissions import Role


@dataclass(frozen=True, slots=True)
class Membership:
    """An organization as one of its members sees it."""

    organization_id: UUID
    name: str
    role: Role
    member_id: UUID
    version: int
    created_at: datetime
    joined_at: datetime
