"""A payment as Stripe says it is, and what there is to tell when it has changed; functions of values."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class State(StrEnum):
    """Where a payment, or the keeping of a card for later ones, stands.

    `action_required` is nothing wrong: the bank wants its customer to confirm (3-D Secure), by the link of the
    invoice. `failed` is no end: another try, by Stripe's schedule or by its payer, may succeed.
    """

    PENDING = "pending"
    ACTION_REQUIRED = "action_required"
    PROCESSING = "processing"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"


STATES: Final = {
    "requires_confirmation": State.PENDING,
    "requires_action": State.ACTION_REQUIRED,
    "processing": State.PROCESSING,
    "requires_capture": State.PROCESSING,
    "succeeded": State.SUCCEEDED,
    "canceled": State.CANCELLED,
}
"""Stripe's words; `requires_payment_method` is failed when a try has failed, and pending before the first."""

_FALTERING: Final = frozenset({State.FAILED, State.ACTION_REQUIRED})


def state_of(status: str, *, failed: bool) -> State:
    """The state that an intent's status means; a word that is not known is as before the first try."""
    if status == "requires_payment_method":
        return State.FAILED if failed else State.PENDING
    return STATES.get(status, State.PENDING)


@dataclass(frozen=True, slots=True)
class Seen:
    """What Stripe says of a payment intent; amounts in the minor unit.

    `attempt` names the try that the state comes from, so that two failures are two; `failure` is why it failed.
    """

    stripe_id: str
    charge: str | None
    currency: str
    amount: int
    received: int
    state: State
    failure: str
    attempt: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of an organization; `refunded` is what was promised back of it."""

    id: UUID
    seen: Seen
    refunded: int
    faltered: bool
    version: int
    invoice_id: UUID | None = None

    @property
    def refundable(self) -> int:
        """What can still be given back."""
        return self.seen.received - self.refunded

    def follow(self, seen: Seen) -> "Payment":
        """The payment after this; the same one when nothing has changed."""
        if seen == self.seen:
            return self
        faltered = self.faltered or seen.state in _FALTERING
        return replace(self, seen=seen, faltered=faltered, version=self.version + 1)


def begun(payment_id: UUID, seen: Seen) -> Payment:
    """A payment that is seen for the first time."""
    return Payment(payment_id, seen, refunded=0, faltered=seen.state in _FALTERING, version=1)


class Change(StrEnum):
    """What there is to tell of a payment."""

    FAILED = "failed"
    ACTION_REQUIRED = "action_required"
    SUCCEEDED = "succeeded"
    RECOVERED = "recovered"


def change(before: Payment | None, after: Payment) -> Change | None:
    """What happened between two looks; a second failure is told, the same one seen again is not."""
    was, now = before.seen if before else None, after.seen
    same = was is not None and was.state is now.state and was.attempt == now.attempt
    match now.state:
        case State.FAILED if not same:
            return Change.FAILED
        case State.ACTION_REQUIRED if not same:
            return Change.ACTION_REQUIRED
        case State.SUCCEEDED if was is None or was.state is not State.SUCCEEDED:
            return Change.RECOVERED if before is not None and before.faltered else Change.SUCCEEDED
    return None
