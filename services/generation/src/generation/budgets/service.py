from dataclasses import dataclass

from generation.allowances.model import GENERATIONS, QUOTA
from generation.budgets.repository import BudgetRepository
from generation.calls.accounting import Accounting
from generation.calls.model import Spending
from kit.audit import audited
from kit.http.caller import MemberCaller
from kit.quota import Use


@dataclass(frozen=True, slots=True)
class BudgetService:
    """What an organization may spend on generation in a month, and how many generations its plan includes."""

    accounting: Accounting

    async def read(self, caller: MemberCaller) -> tuple[Spending, Use]:
        """How this month stands."""
        async with self.accounting.database.snapshot(caller.organization_id) as tx:
            return await self.accounting.spending(tx), await QUOTA.use(tx, GENERATIONS)

    async def change(self, caller: MemberCaller, monthly: int) -> tuple[Spending, Use]:
        """Limit this month and those that follow; what is set aside already stays so."""
        async with self.accounting.database.transaction(caller.organization_id) as tx:
            await BudgetRepository(tx).save(monthly, caller.user_id)
            await tx.emit(
                audited(
                    "generation.budget.changed", caller, "organization", caller.organization_id, monthly=str(monthly)
                )
            )
            return await self.accounting.spending(tx), await QUOTA.use(tx, GENERATIONS)
