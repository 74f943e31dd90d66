from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from billing.entitlements.model import PlanOf
from billing.entitlements.plans import Plan
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class EntitlementRepository:
    """The snapshot of what the transaction's organization may use."""

    tx: Transaction

    async def grant(self, plan: Plan) -> int:
        """Write the plan's limits over what was granted before and return the new version."""
        version: int = await self.tx.fetchval(
            """
            INSERT INTO entitlements AS held (organization_id, plan, limits)
            VALUES ($1, $2, $3)
            ON CONFLICT (organization_id) DO UPDATE
            SET plan = excluded.plan, limits = excluded.limits, version = held.version + 1, changed_at = kit_now()
            RETURNING version
            """,
            self.tx.organization_id,
            plan.name,
            dict(plan.limits),
        )
        return version

    async def held(self) -> tuple[str, str] | None:
        """The plan in force and the organization's own, for update; None while billing has not heard of it."""
        row = await self.tx.fetchrow(
            "SELECT plan, own_plan FROM entitlements WHERE organization_id = $1 FOR NO KEY UPDATE",
            self.tx.organization_id,
        )
        return None if row is None else (row["plan"], row["own_plan"])

    async def plans_after(self, after: UUID, at_most: int) -> Sequence[PlanOf]:
        """The plans of all organizations after this one, of whatever tenant, in the order of their ids."""
        rows = await self.tx.fetch("SELECT * FROM plans_after($1, $2)", after, at_most)
        return [PlanOf(**row) for row in rows]
