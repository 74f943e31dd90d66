from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from billing.entitlements.model import PlanOf
from billing.entitlements.plans import Plan, highest
from billing.entitlements.repository import EntitlementRepository
from billing.grants.repository import GrantRepository
from contracts.billing import EntitlementsChanged
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class EntitlementService:
    """What other programs ask of entitlements."""

    database: Database

    async def plans(self, after: UUID, at_most: int) -> Sequence[PlanOf]:
        """The plans of the organizations after this one."""
        async with self.database.transaction() as tx:
            return await EntitlementRepository(tx).plans_after(after, at_most)


async def settle(tx: Transaction) -> None:
    """See to it that the plan in force is the highest of the organization's own and those granted to it.

    To be called under `GrantRepository.lock`. While billing has not heard of the organization nothing happens: what
    is granted waits in its rows.
    """
    held = await EntitlementRepository(tx).held()
    if held is None:
        return
    in_force, own = held
    plan = highest(own, *await GrantRepository(tx).active())
    if plan.name != in_force:
        await grant(plan, tx)


async def grant(plan: Plan, tx: Transaction) -> None:
    """Give the transaction's organization what the plan grants, and let the other services know with the commit."""
    version = await EntitlementRepository(tx).grant(plan)
    await tx.emit(
        EntitlementsChanged(
            organization_id=tx.organization_id, version=version, plan=plan.name, limits=dict(plan.limits)
        ),
        audited("billing.plan.changed", SYSTEM, "organization", tx.organization_id, plan=plan.name),
        audited("billing.entitlements.changed", SYSTEM, "entitlements", tx.organization_id, version=version),
    )
