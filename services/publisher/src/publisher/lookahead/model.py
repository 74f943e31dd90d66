"""What will go wrong with posts that are still to leave, as far as it shows today."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postrules.limits import LIMITS, Platform
from postrules.versions import SPOKEN
from publisher.accounts.model import Account, AccountState
from publisher.budgets.model import Budget


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a delivery will fail or wait: a name for programs, words for people, and what to do."""

    code: str
    detail: str
    fix: str
    pointer: str | None = None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A delivery that will fail or wait."""

    post_id: UUID
    delivery_id: UUID
    account_id: UUID
    platform: Platform
    publish_at: datetime
    troubles: tuple[Trouble, ...]


def of_account(account: Account, at: datetime, *, on: bool) -> Iterator[Trouble]:
    """What stands in the way at the account and its platform."""
    name = LIMITS[account.platform].name
    if not on:
        yield Trouble("platform-switched-off", f"{name} is switched off here.", "Ask whoever runs this.")
    if account.state is AccountState.DISCONNECTED:
        yield Trouble("account-disconnected", "The account is disconnected.", "Connect it again, or choose another.")
    elif account.state is AccountState.RECONNECT_NEEDED:
        yield Trouble("permission-ended", account.reason or "The permission has ended.", "Connect the account again.")
    elif account.good_until is not None and account.good_until <= at:
        yield Trouble(
            "permission-ends",
            f"The permission ends on {account.good_until:%d %B %Y}, before the post leaves.",
            "Connect the account again before that.",
        )
    if SPOKEN[account.platform].sunset <= at.date():
        yield Trouble(
            "version-ends", f"{name} may refuse our version of its API by then.", "Update this software before that."
        )


def of_budgets(budgets: Sequence[Budget], times: Sequence[datetime], at: datetime) -> Iterator[Trouble]:
    """Whether there are more posts within a window than the platform takes; `times` are all of them."""
    for budget in budgets:
        yield from _of_budget(budget, times, at)


def _of_budget(budget: Budget, times: Sequence[datetime], at: datetime) -> Iterator[Trouble]:
    if sum(at - budget.window < each <= at for each in times) > budget.room(at):
        yield Trouble(
            "over-budget",
            f"The platform takes {budget.limit} posts of this account in {budget.span}; there are more by then.",
            "Give some of them another time.",
        )
