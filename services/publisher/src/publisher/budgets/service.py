from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db.database import Database
from kit.http.caller import MemberCaller
from publisher.accounts.repository import AccountRepository
from publisher.budgets.model import Budget, Told, longest
from publisher.budgets.planning import budgets_of
from publisher.budgets.repository import BudgetRepository


@dataclass(frozen=True, slots=True)
class Standing:
    """How the budget of an account stands at a time: of several the one of which least is left."""

    budget: Budget | None
    told: Told | None
    used: int
    at: datetime

    @property
    def left(self) -> int:
        """How many more may leave now, where a budget is known."""
        return 0 if self.budget is None else max(0, self.budget.room(self.at) - self.used)


@dataclass(frozen=True, slots=True)
class BudgetService:
    """What people ask about the budgets of accounts."""

    database: Database

    async def find(self, account_id: UUID, caller: MemberCaller) -> Standing:
        """How the budget of common posts stands.

        Raises:
            AccountNotFound: there is no such account.
        """
        now = self.database.clock.now()
        async with self.database.snapshot(caller.organization_id) as tx:
            account, rows = await AccountRepository(tx).find(account_id), BudgetRepository(tx)
            told = await rows.told([account_id])
            budgets = budgets_of({account_id: account}, told, "post").get(account_id, ())
            taken = await rows.taken([account_id], now - longest(budgets), now)
        times, known = taken.get(account_id, []), told.get(account_id)
        standing = [Standing(budget, known, budget.used(times, now), now) for budget in budgets]
        return min(standing, key=lambda each: each.left, default=Standing(None, known, 0, now))
