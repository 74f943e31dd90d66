"""A dispute as values, and what it means for the plan.

The policy: while a dispute is open the organization keeps its plan, for its payer may be right or mistaken; nothing
is refunded meanwhile, for the bank has taken the money already. Won or closed, nothing has happened. Lost, the plan
that the organization pays for is withheld from that moment, as if it were on the free one, until staff lift that;
what staff granted and what an agency pays for stays.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class State(StrEnum):
    """Where a dispute stands; an `inquiry` is a question of the bank's that takes no money."""

    INQUIRY = "inquiry"
    OPENED = "opened"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


STATES: Final = {
    "warning_needs_response": State.INQUIRY,
    "warning_under_review": State.INQUIRY,
    "warning_closed": State.CLOSED,
    "needs_response": State.OPENED,
    "under_review": State.UNDER_REVIEW,
    "won": State.WON,
    "lost": State.LOST,
    "prevented": State.CLOSED,
}
"""Stripe's words."""

OVER: Final = frozenset({State.WON, State.LOST, State.CLOSED})


@dataclass(frozen=True, slots=True)
class Seen:
    """What Stripe says of a dispute; `evidence_due_at` is until when it can be answered."""

    stripe_id: str
    payment: str | None
    charge: str | None
    currency: str
    amount: int
    reason: str
    state: State
    evidence_due_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute about a payment of an organization."""

    id: UUID
    payment_id: UUID
    seen: Seen
    withholds: bool
    version: int

    def follow(self, seen: Seen) -> "Dispute":
        """The dispute after this; the same one when nothing has changed."""
        if seen == self.seen:
            return self
        lost = seen.state is State.LOST and (self.withholds or self.seen.state is not State.LOST)
        return replace(self, seen=seen, withholds=lost, version=self.version + 1)


def begun(dispute_id: UUID, payment_id: UUID, seen: Seen) -> Dispute:
    """A dispute that is seen for the first time."""
    return Dispute(dispute_id, payment_id, seen, withholds=seen.state is State.LOST, version=1)


class Change(StrEnum):
    """What there is to tell of a dispute."""

    OPENED = "opened"
    CLOSED = "closed"


def changes(before: Dispute | None, after: Dispute) -> tuple[Change, ...]:
    """What happened between two looks, in the order in which it is told."""
    told = (Change.OPENED,) if before is None else ()
    over = before is not None and before.seen.state in OVER
    return (*told, Change.CLOSED) if after.seen.state in OVER and not over else told
