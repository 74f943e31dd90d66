"""The roles, and what follows from them; who may do what stands in `contracts.permissions`."""

from enum import StrEnum
from typing import Final

from contracts.permissions import allows


class Role(StrEnum):
    """What a member is in an organization."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    APPROVER = "approver"
    AGENT = "agent"
    ANALYST = "analyst"
    CLIENT = "client"
    PROVIDER = "provider"
    NAVIGATOR = "navigator"


EVERY_ROLE: Final = frozenset(Role)
BELOW_OWNER: Final = EVERY_ROLE - {Role.OWNER}
NONE: Final[frozenset[Role]] = frozenset()


def manages(role: Role, *, delegated: bool = False) -> frozenset[Role]:
    """The roles that this one may invite to, give, take and remove: never more than its own."""
    below = BELOW_OWNER if allows("members.manage", role, delegated=delegated) else NONE
    return below | ({Role.OWNER} if allows("owners.manage", role, delegated=delegated) else NONE)
