from dataclasses import dataclass, replace
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
    requires_second_factor: bool = False


def changed_by(held: Membership, name: str | None, requires_second_factor: bool | None) -> Membership:
    """The organization as it is wanted; what is not named stays as it is."""
    return replace(
        held,
        name=held.name if name is None else name,
        requires_second_factor=(
            held.requires_second_factor if requires_second_factor is None else requires_second_factor
        ),
    )
