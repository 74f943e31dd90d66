"""A subscription's statuses and what moves it from one to another; and when a failed payment is tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "canceled", "paused"]
FinalAction = Literal["cancel", "unpaid", "past_due"]

DAY = 86_400
INCOMPLETE_FOR = 23 * 3600
"""A first invoice can be paid for 23 hours, then the subscription has expired."""
DRAFT_FOR = 3600
"""A renewal's invoice stays a draft for about an hour."""
TRIAL_WARNING = 3 * DAY
"""`customer.subscription.trial_will_end` comes three days before, or at once in a shorter trial."""

ENDED: frozenset[Status] = frozenset(("canceled", "incomplete_expired"))
MOVES: dict[Status, frozenset[Status]] = {
    "incomplete": frozenset(("active", "trialing", "incomplete_expired", "canceled")),
    "incomplete_expired": frozenset(),
    "trialing": frozenset(("active", "past_due", "unpaid", "paused", "canceled")),
    "active": frozenset(("trialing", "past_due", "unpaid", "canceled", "paused")),
    "past_due": frozenset(("active", "trialing", "unpaid", "canceled")),
    "unpaid": frozenset(("active", "trialing", "past_due", "canceled")),
    "paused": frozenset(("active", "canceled", "past_due", "trialing")),
    "canceled": frozenset(),
}


class NoSuchMove(ValueError):
    """A status that does not follow from the one before."""


def moved(before: Status, after: Status) -> Status:
    """The new status, if it follows.

    Raises:
        NoSuchMove: It does not.
    """
    if before != after and after not in MOVES[before]:
        raise NoSuchMove(f"{before} -> {after}")
    return after


@dataclass(frozen=True, slots=True)
class Dunning:
    """What the account does with failed renewals: days to wait before each retry, and what comes after the last."""

    retry_days: Sequence[int] = (3, 5, 7)
    final: FinalAction = "cancel"

    def next_attempt(self, attempts: int, at: int) -> int | None:
        """When to try again after so many attempts have failed, the last of them now; None after the last retry."""
        return at + self.retry_days[attempts - 1] * DAY if attempts <= len(self.retry_days) else None


def first_status(*, trial: bool, paid: bool, manual: bool) -> Status:
    """What a subscription is created as; one that sends invoices is active at once."""
    if trial:
        return "trialing"
    return "active" if paid or manual else "incomplete"


def after_retries(final: FinalAction) -> Status:
    """What the account's setting makes of a subscription that could not be collected."""
    return {"cancel": "canceled", "unpaid": "unpaid", "past_due": "past_due"}[final]  # type: ignore[return-value]
