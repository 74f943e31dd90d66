from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class SegmentRepository:
    """Asks plans of the transaction's organization. Blocked contacts, and those shown as another, are never meant."""

    tx: Transaction

    async def count(self, plan: dict[str, Any]) -> int:
        """How many contacts are meant now."""
        counted: int = await self.tx.fetchval("SELECT segment_count($1, $2)", self.tx.organization_id, plan)
        return counted

    async def page(self, plan: dict[str, Any], after: UUID | None, limit: int) -> list[UUID]:
        """Who is meant now, in the order of ids. `segment_contacts` also stands in an INSERT … SELECT."""
        rows = await self.tx.fetch(
            "SELECT contact_id FROM segment_contacts($1, $2, $3, $4)",
            self.tx.organization_id,
            plan,
            after,
            limit,
        )
        return [row["contact_id"] for row in rows]

    async def labels(self) -> frozenset[UUID]:
        """The labels there are; some hundred at most."""
        rows = await self.tx.fetch(
            "SELECT id FROM labels WHERE organization_id = $1 AND deleted_at IS NULL", self.tx.organization_id
        )
        return frozenset(row["id"] for row in rows)
