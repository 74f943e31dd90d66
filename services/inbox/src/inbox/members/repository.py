from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.auth import MemberAdded, MemberRemoved, MemberRoleChanged
from inbox.members.model import ANSWERING
from kit.db.database import Row, Transaction

Told = MemberAdded | MemberRoleChanged | MemberRemoved
User = tuple[UUID, UUID]
"""Organization and user."""


@dataclass(frozen=True, slots=True)
class MemberRepository:
    """Members as auth tells them, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def settle(self, told: Sequence[Told]) -> None:
        """Write each membership as its newest event tells; what is not newer than the row changes nothing.

        Of one that ended the row is kept without whose it was, and nothing puts that back.
        """
        await self.tx.execute(
            """
            INSERT INTO members (member_id, organization_id, user_id, role, version)
            SELECT DISTINCT ON (member_id) member_id, organization_id, user_id, role, version
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[])
                AS heard (member_id, organization_id, user_id, role, version)
            ORDER BY member_id, version DESC
            ON CONFLICT (member_id) DO UPDATE
            SET role = excluded.role, version = excluded.version,
                user_id = CASE WHEN excluded.role <> '' THEN members.user_id END
            WHERE members.version < excluded.version
            """,
            [each.member_id for each in told],
            [each.organization for each in told],
            [None if isinstance(each, MemberRemoved) else each.user_id for each in told],
            ["" if isinstance(each, MemberRemoved) else each.role for each in told],
            [each.version for each in told],
        )

    async def answers(self, user_id: UUID) -> bool:
        """Whether the user works on conversations here; if so they stay a member until we commit."""
        rows = await self.tx.fetch(
            """
            SELECT member_id FROM members
            WHERE organization_id = $1 AND user_id = $2 AND role = ANY ($3)
            ORDER BY member_id
            FOR SHARE
            """,
            self.tx.organization_id,
            user_id,
            ANSWERING,
        )
        return bool(rows)

    async def role(self, user_id: UUID) -> str | None:
        """As what the user works on conversations here; if they do they stay a member until we commit."""
        role: str | None = await self.tx.fetchval(
            """
            SELECT role FROM members
            WHERE organization_id = $1 AND user_id = $2 AND role = ANY ($3)
            ORDER BY member_id LIMIT 1
            FOR SHARE
            """,
            self.tx.organization_id,
            user_id,
            ANSWERING,
        )
        return role

    async def not_answering(self, users: Collection[User]) -> list[User]:
        """Those of these users without any membership that works on conversations."""
        return await self._without(users, list(ANSWERING))

    async def not_here(self, users: Collection[User]) -> list[User]:
        """Those of these users without any membership."""
        return await self._without(users, None)

    async def _without(self, users: Collection[User], roles: list[str] | None) -> list[User]:
        rows = await self.tx.fetch(
            """
            SELECT DISTINCT asked.organization_id, asked.user_id
            FROM unnest($1::uuid[], $2::uuid[]) AS asked (organization_id, user_id)
            WHERE NOT EXISTS (
                SELECT FROM members AS m
                WHERE m.organization_id = asked.organization_id AND m.user_id = asked.user_id
                  AND CASE WHEN $3::text[] IS NULL THEN m.role <> '' ELSE m.role = ANY ($3) END
            )
            """,
            [organization_id for organization_id, _ in users],
            [user_id for _, user_id in users],
            roles,
        )
        return [(row["organization_id"], row["user_id"]) for row in rows]


@dataclass(frozen=True, slots=True)
class PersonsMemberships:
    """Memberships of one user, also ended ones, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """What is kept of them."""
        return await self.tx.fetch(
            """
            SELECT member_id, organization_id, user_id, role FROM members
            WHERE user_id = $1 AND organization_id = ANY ($2) ORDER BY member_id
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def lock(self, user_id: UUID) -> None:
        """Let nobody assign a conversation to them until we commit."""
        await self.tx.execute(
            """
            SELECT FROM members WHERE user_id = $1 AND organization_id = ANY ($2) ORDER BY member_id FOR UPDATE
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def unlink(self, user_id: UUID) -> int:
        """Keep the rows as nobody's; how many."""
        return await self.tx.execute(
            "UPDATE members SET user_id = NULL WHERE user_id = $1 AND organization_id = ANY ($2)",
            user_id,
            self.tx.organization_ids,
        )


async def organizations_of(tx: Transaction, user_id: UUID) -> list[UUID]:
    """Where a user is or was a member, has written, or has left something of the work at the desk."""
    rows = await tx.fetch(
        """
        SELECT organization_id FROM organizations_of_user($1)
        UNION SELECT organization_id FROM organizations_worked_in($1)
        UNION SELECT organization_id FROM organizations_arranged_in($1) ORDER BY 1
        """,
        user_id,
    )
    return [row["organization_id"] for row in rows]
