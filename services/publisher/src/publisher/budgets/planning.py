"""Whether a post can leave at its time, as far as its accounts' budgets are known: looked up, never asked for."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.event import rfc3339
from kit.db.database import Transaction
from postrules.limits import LIMITS
from publisher.accounts.model import Account
from publisher.budgets.model import Budget, Told, first_fit, holding, longest
from publisher.budgets.repository import BudgetRepository
from publisher.posts.errors import TimeNotAcceptable

FRESH: Final = timedelta(hours=1)
"""How old what a platform said may be, before a post is planned, without it being asked again."""

_AHEAD: Final = 8
"""How many windows ahead another time is looked for."""


def assumed(account: Account, kind: str) -> int | None:
    """What the rules say of posts within 24 hours; None where they say nothing."""
    limit = LIMITS[account.platform].find("posts.day", kind=kind, account=account.kind.value)
    return None if limit is None else int(limit.number)


def budgets_of(
    accounts: Mapping[UUID, Account], told: Mapping[UUID, Told], kind: str
) -> dict[UUID, tuple[Budget, ...]]:
    """What holds for each of these accounts that has budgets."""
    found = {each: holding(assumed(account, kind), told.get(each)) for each, account in accounts.items()}
    return {each: budgets for each, budgets in found.items() if budgets}


async def within_budgets(
    tx: Transaction, post_id: UUID, at: datetime, accounts: Mapping[UUID, Account], kind: str
) -> None:
    """Let a post leave then; who plans for the same accounts waits until we commit, so no budget is passed.

    Raises:
        TimeNotAcceptable: it would be one too many; `suggestions` holds the first time that has room on all accounts.
    """
    rows = BudgetRepository(tx)
    if not accounts:
        return
    await rows.lock(accounts)
    budgets = budgets_of(accounts, await rows.told(accounts), kind)
    await rows.want(accounts, FRESH)
    if not budgets:
        return
    window = longest(each for own in budgets.values() for each in own)
    taken = await rows.taken(budgets, at - window, at + window, post_id)
    full = [
        (account_id, budget)
        for account_id, own in budgets.items()
        for budget in own
        if not budget.fits(taken.get(account_id, []), at)
    ]
    if full:
        account_id, budget = full[0]
        ahead = await rows.taken(budgets, at - window, at + window * _AHEAD, post_id)
        known = [(each, ahead.get(one, [])) for one, own in budgets.items() for each in own]
        later = first_fit(known, at, at + window * (_AHEAD - 1))
        raise _refused(LIMITS[accounts[account_id].platform].name, budget, later)


def _refused(name: str, budget: Budget, later: datetime | None) -> TimeNotAcceptable:
    """Which account has no room then, and when there is."""
    detail = f"{name} lets this account publish {budget.limit} posts within {budget.span}, and they are taken then"
    detail += f" ({budget.elsewhere} by what was published elsewhere)" if budget.elsewhere else ""
    if later is None:
        return TimeNotAcceptable(
            "#/publish_at", f"{detail}; choose a time more than a week later, or another account."
        )
    return TimeNotAcceptable("#/publish_at", f"{detail}; choose a later time.", suggestions=(rfc3339(later),))
