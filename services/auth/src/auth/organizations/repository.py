from dataclasses import dataclass
from uuid import UUID

from auth.members.permissions import Role
from auth.organizations.model import Membership
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class OrganizationRepository:
    """Organizations as their members see them."""

    tx: Transaction

    async def add(self, name: str) -> None:
        """Make the transaction's organization."""
        await self.tx.execute("INSERT INTO organizations (id, name) VALUES ($1, $2)", self.tx.organization_id, name)

    async def find(self, user_id: UUID, role: Role, agency_id: UUID | None) -> Membership | None:
        """The transaction's organization as this user sees it, who acts in it in this role."""
        row = await self.tx.fetchrow(
            """
            SELECT o.id AS organization_id, o.name, m.id AS member_id, o.version, o.created_at, m.joined_at,
                   o.requires_second_factor
            FROM organizations AS o LEFT JOIN members AS m ON m.organization_id = o.id AND m.user_id = $2
            WHERE o.id = $1
            """,
            self.tx.organization_id,
            user_id,
        )
        return None if row is None else Membership(**row, role=role, agency_id=agency_id)

    async def lock(self) -> None:
        """Let other changes of the organization and its members wait until we commit."""
        await self.tx.execute("SELECT FROM organizations WHERE id = $1 FOR NO KEY UPDATE", self.tx.organization_id)

    async def save(self, name: str, *, requires_second_factor: bool) -> None:
        """Write another name, or another demand."""
        await self.tx.execute(
            """
            UPDATE organizations SET name = $2, requires_second_factor = $3, version = version + 1 WHERE id = $1
            """,
            self.tx.organization_id,
            name,
            requires_second_factor,
        )

    async def shut(self) -> None:
        """Let nobody become a member until we commit, nor anybody who is about to unnoticed."""
        await self.tx.execute("SELECT FROM organizations WHERE id = $1 FOR UPDATE", self.tx.organization_id)

    async def of(self, user_id: UUID, after: UUID | None, at_most: int) -> list[Membership]:
        """All organizations in which a user may act, in the order of their ids; a question that crosses tenants."""
        rows = await self.tx.fetch(
            """
            SELECT organization_id, name, role, member_id, version, created_at, joined_at, agency_id
            FROM organizations_open_to($1, $2, $3)
            """,
            user_id,
            after or UUID(int=0),
            at_most,
        )
        return [_membership(row) for row in rows]


def _membership(row: Row) -> Membership:
    return Membership(**{**row, "role": Role(row["role"])})
