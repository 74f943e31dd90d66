from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from generation.moderations.model import Decision, Policy
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL


@dataclass(frozen=True, slots=True)
class PolicyRepository:
    """The policy of the transaction's organization."""

    tx: Transaction

    async def find(self) -> Policy:
        """What it wishes; nothing of its own where it said nothing."""
        found = await self.tx.fetchval(
            "SELECT categories FROM moderation_policies WHERE organization_id = $1", self.tx.organization_id
        )
        return Policy(found or {})

    async def save(self, categories: Mapping[str, Decision], by: UUID) -> None:
        """Put this in place of what it wished before."""
        await self.tx.execute(
            """
            INSERT INTO moderation_policies AS held (organization_id, categories, changed_by) VALUES ($1, $2, $3)
            ON CONFLICT (organization_id) DO UPDATE SET categories = excluded.categories,
                changed_by = excluded.changed_by, version = held.version + 1, changed_at = kit_now()
            """,
            self.tx.organization_id,
            dict(categories),
            by,
        )


@dataclass(frozen=True, slots=True)
class PersonsPolicies:
    """Policies that one user set last, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Policies in the order of their organizations, which are their ids."""
        return await self.tx.fetch(
            """
            SELECT organization_id AS id, organization_id, categories, changed_at FROM moderation_policies
            WHERE changed_by = $1 AND organization_id = ANY ($2) AND organization_id > $3
            ORDER BY organization_id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Keep as many of them as nobody's; how many."""
        return await self.tx.execute(
            """
            UPDATE moderation_policies SET changed_by = NULL, version = version + 1
            WHERE organization_id IN (
                SELECT organization_id FROM moderation_policies WHERE changed_by = $1 AND organization_id = ANY ($2)
                ORDER BY organization_id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )
