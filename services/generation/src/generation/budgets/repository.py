from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL


@dataclass(frozen=True, slots=True)
class BudgetRepository:
    """The budget of the transaction's organization."""

    tx: Transaction

    async def save(self, monthly: int, by: UUID) -> int:
        """Limit the month anew; the budget's version."""
        return int(
            await self.tx.fetchval(
                """
                INSERT INTO budgets AS held (organization_id, monthly, changed_by) VALUES ($1, $2, $3)
                ON CONFLICT (organization_id) DO UPDATE SET monthly = excluded.monthly,
                    changed_by = excluded.changed_by, version = held.version + 1, changed_at = kit_now()
                RETURNING version
                """,
                self.tx.organization_id,
                monthly,
                by,
            )
        )


@dataclass(frozen=True, slots=True)
class PersonsBudgets:
    """Budgets that one user set last, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Budgets in the order of their organizations, which are their ids."""
        return await self.tx.fetch(
            """
            SELECT organization_id AS id, organization_id, monthly, changed_at FROM budgets
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
            UPDATE budgets SET changed_by = NULL, version = version + 1
            WHERE organization_id IN (
                SELECT organization_id FROM budgets WHERE changed_by = $1 AND organization_id = ANY ($2)
                ORDER BY organization_id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )
