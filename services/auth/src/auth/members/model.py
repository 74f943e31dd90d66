from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.members.errors import NotAllowed
from auth.members.permissions import Role


@dataclass(frozen=True, slots=True)
class Member:
    """A user's place in an organization; `email` is there once the address was opened."""

    id: UUID
    user_id: UUID
    role: Role
    version: int
    joined_at: datetime
    address: SealedAddress | None
    email: str | None = None

    def promoted(self, role: Role, managed: frozenset[Role]) -> Self:
        """The member in another role, given by somebody who manages these.

        Raises:
            NotAllowed: whoever does it may not manage the role they have, or the role they would have.
        """
        if not {self.role, role} <= managed:
            raise NotAllowed
        return self if role is self.role else replace(self, role=role, version=self.version + 1)

    def check_removal(self, by_user: UUID, managed: frozenset[Role]) -> None:
        """Everyone may leave; to remove somebody else one must manage their role.

        Raises:
            NotAllowed: that is not so.
        """
        if by_user != self.user_id and self.role not in managed:
            raise NotAllowed
