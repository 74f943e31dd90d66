from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.members.model import Member
from auth.members.permissions import Role
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class MemberRepository:
    """The members of the transaction's organization."""

    tx: Transaction

    async def standing_of(
        self, user_id: UUID, session_id: UUID | None = None
    ) -> tuple[Role, UUID | None, bool, bool] | None:
        """The role somebody acts in here now, if any, and by which agency.

        And whether their account is suspended, and the session too weak for this organization.
        """
        row = await self.tx.fetchrow(
            """
            SELECT coalesce(m.role, sent.role) AS role, sent.agency_id, u.suspended_at IS NOT NULL AS suspended,
                   o.requires_second_factor AND NOT EXISTS (
                       SELECT FROM sessions WHERE id = $3 AND user_id = $2 AND strong_at IS NOT NULL
                       UNION ALL
                       SELECT FROM oauth_grants WHERE id = $3 AND user_id = $2 AND strong
                   ) AS weak
            FROM users AS u
            JOIN organizations AS o ON o.id = $1
            LEFT JOIN members AS m ON m.user_id = u.id AND m.organization_id = $1
            LEFT JOIN LATERAL delegated_to(CASE WHEN m.role IS NULL THEN u.id END, $1) AS sent ON true
            WHERE u.id = $2
            """,
            self.tx.organization_id,
            user_id,
            session_id,
        )
        if row is None or row["role"] is None:
            return None
        return Role(row["role"]), row["agency_id"], row["suspended"], row["weak"]

    async def role_of(self, user_id: UUID) -> Role | None:
        """The role somebody has as a member, if they are one."""
        role = await self.tx.fetchval(
            "SELECT role FROM members WHERE organization_id = $1 AND user_id = $2", self.tx.organization_id, user_id
        )
        return None if role is None else Role(role)

    async def owners_of(self, organization_id: UUID) -> list[UUID]:
        """The users who own an organization, of those that the transaction is bound to; not more than a hundred."""
        rows = await self.tx.fetch(
            "SELECT user_id FROM members WHERE organization_id = $1 AND role = 'owner' ORDER BY id LIMIT 100",
            organization_id,
        )
        return [row["user_id"] for row in rows]

    async def is_suspended(self) -> bool:
        """Whether nobody acts in the organization."""
        found = await self.tx.fetchval(
            "SELECT suspended_at IS NOT NULL FROM organizations WHERE id = $1", self.tx.organization_id
        )
        return bool(found)

    async def lock_organization(self) -> bool:
        """Let changes of members happen one after the other; False when there is no such organization."""
        found = await self.tx.fetchval(
            "SELECT true FROM organizations WHERE id = $1 FOR NO KEY UPDATE", self.tx.organization_id
        )
        return bool(found)

    async def add(self, member_id: UUID, user_id: UUID, role: Role) -> bool:
        """Make somebody a member; False when they are one already, or their account is gone."""
        touched = await self.tx.execute(
            """
            INSERT INTO members (id, organization_id, user_id, role)
            SELECT $1, $2, u.id, $4 FROM users AS u WHERE u.id = $3 FOR KEY SHARE
            ON CONFLICT (organization_id, user_id) DO NOTHING
            """,
            member_id,
            self.tx.organization_id,
            user_id,
            role,
        )
        return touched == 1

    async def find(self, member_id: UUID) -> Member | None:
        """One member."""
        return await self._one("m.id", member_id)

    async def find_user(self, user_id: UUID) -> Member | None:
        """The membership of a user."""
        return await self._one("m.user_id", user_id)

    async def _one(self, column: str, value: UUID) -> Member | None:
        row = await self.tx.fetchrow(
            f"""
            SELECT m.id, m.user_id, m.role, m.version, m.joined_at, address.id AS identity_id, address.sealed
            FROM members AS m
            LEFT JOIN LATERAL (
                SELECT i.id, i.sealed FROM identities AS i WHERE i.user_id = m.user_id ORDER BY i.id LIMIT 1
            ) AS address ON true
            WHERE m.organization_id = $1 AND {column} = $2
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            value,
        )
        return None if row is None else _member(row)

    async def page(self, after: UUID | None, at_most: int) -> list[Member]:
        """Members in the order of their ids, each with an address."""
        rows = await self.tx.fetch(
            """
            SELECT m.id, m.user_id, m.role, m.version, m.joined_at, address.id AS identity_id, address.sealed
            FROM members AS m
            LEFT JOIN LATERAL (
                SELECT i.id, i.sealed FROM identities AS i WHERE i.user_id = m.user_id ORDER BY i.id LIMIT 1
            ) AS address ON true
            WHERE m.organization_id = $1 AND m.id > $2
            ORDER BY m.id
            LIMIT $3
            """,
            self.tx.organization_id,
            after or UUID(int=0),
            at_most,
        )
        return [_member(row) for row in rows]

    async def count(self) -> int:
        """How many there are; to be believed only under the organization's lock."""
        count: int = await self.tx.fetchval(
            "SELECT count(*) FROM members WHERE organization_id = $1", self.tx.organization_id
        )
        return count

    async def count_owners(self) -> int:
        """How many owners there are; to be believed only under the organization's lock."""
        count: int = await self.tx.fetchval(
            "SELECT count(*) FROM members WHERE organization_id = $1 AND role = 'owner'", self.tx.organization_id
        )
        return count

    async def save_role(self, member: Member) -> None:
        """Write role and version."""
        await self.tx.execute(
            "UPDATE members SET role = $3, version = $4 WHERE organization_id = $1 AND id = $2",
            self.tx.organization_id,
            member.id,
            member.role,
            member.version,
        )

    async def remove(self, member_id: UUID) -> None:
        """Let somebody go."""
        await self.tx.execute(
            "DELETE FROM members WHERE organization_id = $1 AND id = $2", self.tx.organization_id, member_id
        )

    async def has_address(self, blind: bytes) -> bool:
        """Whether somebody with this verified address is a member."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM identities AS i JOIN members AS m ON m.user_id = i.user_id AND m.organization_id = $1
                WHERE i.kind = 'email' AND i.blind = $2 AND i.verified_at IS NOT NULL
            )
            """,
            self.tx.organization_id,
            blind,
        )
        return found


@dataclass(frozen=True, slots=True)
class PersonsMemberships:
    """Memberships of one user in all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """Where somebody is what, and since when."""
        return await self.tx.fetch(
            """
            SELECT m.id, m.organization_id, o.name AS organization, m.role, m.joined_at
            FROM members AS m JOIN organizations AS o ON o.id = m.organization_id
            WHERE m.user_id = $1 AND m.organization_id = ANY ($2)
            ORDER BY m.organization_id
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def lock(self, user_id: UUID) -> list[UUID]:
        """The organizations somebody belongs to, locked: changes of their members wait until we commit."""
        rows = await self.tx.fetch(
            """
            SELECT o.id FROM organizations AS o
            WHERE o.id IN (SELECT organization_id FROM members WHERE user_id = $1) AND o.id = ANY ($2)
            ORDER BY o.id
            FOR NO KEY UPDATE
            """,
            user_id,
            self.tx.organization_ids,
        )
        return [row["id"] for row in rows]

    async def ids(self, user_id: UUID, organization_ids: Sequence[UUID]) -> list[UUID]:
        """The memberships in these."""
        rows = await self.tx.fetch(
            "SELECT id FROM members WHERE user_id = $1 AND organization_id = ANY ($2) ORDER BY id",
            user_id,
            organization_ids,
        )
        return [row["id"] for row in rows]

    async def is_last_owner(self, user_id: UUID, organization_ids: Sequence[UUID]) -> bool:
        """Whether one of these would be left without an owner; to be believed only under their locks."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM members AS own
                WHERE own.user_id = $1 AND own.role = 'owner' AND own.organization_id = ANY ($2) AND NOT EXISTS (
                    SELECT FROM members AS other
                    WHERE other.organization_id = own.organization_id AND other.role = 'owner'
                      AND other.user_id <> $1
                )
            )
            """,
            user_id,
            organization_ids,
        )
        return found

    async def delete(self, user_id: UUID, organization_ids: Sequence[UUID]) -> list[Row]:
        """End the memberships in these."""
        return await self.tx.fetch(
            """
            DELETE FROM members WHERE user_id = $1 AND organization_id = ANY ($2)
            RETURNING id, organization_id, role, version
            """,
            user_id,
            organization_ids,
        )


async def organizations_of(tx: Transaction, user_id: UUID) -> list[UUID]:
    """Where somebody is known: as a member, by an invitation, or as who made a key or a program there."""
    rows = await tx.fetch(
        """
        SELECT organization_id FROM organizations_of_user($1)
        UNION SELECT organization_id FROM organizations_of_maker($1)
        UNION SELECT organization_id FROM organizations_of_registrar($1)
        ORDER BY 1
        """,
        user_id,
    )
    return [row["organization_id"] for row in rows]


def _member(row: Row) -> Member:
    address = None if row["sealed"] is None else SealedAddress(row["identity_id"], row["sealed"])
    return Member(row["id"], row["user_id"], Role(row["role"]), row["version"], row["joined_at"], address)
