"""Who may do what in an organization: the whole matrix, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


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


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a role allows.

    `manages` are the roles it may invite to, give, take and remove: never more than its own. To leave, nobody needs
    a permission.
    """

    manages: frozenset[Role] = NONE
    reads_members: bool = True
    renames: bool = False

    @property
    def invites(self) -> bool:
        """Whether it may see and make invitations."""
        return bool(self.manages)


MATRIX: Final[Mapping[Role, Permissions]] = MappingProxyType(
    {
        Role.OWNER: Permissions(manages=EVERY_ROLE, renames=True),
        Role.ADMIN: Permissions(manages=BELOW_OWNER, renames=True),
        Role.EDITOR: Permissions(),
        Role.APPROVER: Permissions(),
        Role.AGENT: Permissions(),
        Role.ANALYST: Permissions(),
        Role.CLIENT: Permissions(reads_members=False),
        Role.PROVIDER: Permissions(reads_members=False),
        Role.NAVIGATOR: Permissions(reads_members=False),
    }
)
