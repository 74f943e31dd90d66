"""A refund as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class State(StrEnum):
    """Where a refund stands.

    `asked` is on its way to Stripe. `pending` and `action_required` are Stripe's: the money has not arrived yet. A
    refund that succeeded may fail days later, when the bank sends the money back.
    """

    ASKED = "asked"
    PENDING = "pending"
    ACTION_REQUIRED = "action_required"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


STATES: Final = {
    "pending": State.PENDING,
    "requires_action": State.ACTION_REQUIRED,
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "canceled": State.CANCELLED,
}
"""Stripe's words."""

REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")
"""Stripe's reasons; whatever else it may say is kept as `other`."""

GONE: Final = frozenset({State.FAILED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Seen:
    """What Stripe says of a refund. `row_id` is ours, if it was asked for here."""

    stripe_id: str
    payment: str | None
    charge: str | None
    row_id: UUID | None
    currency: str
    amount: int
    reason: str
    state: State
    failure: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund of a payment; the amount in the minor unit."""

    id: UUID
    payment_id: UUID
    stripe_id: str | None
    currency: str
    amount: int
    reason: str
    state: State
    failure: str
    version: int
    created_at: datetime


class Change(StrEnum):
    """What there is to tell of a refund."""

    ISSUED = "issued"
    FAILED = "failed"


def change(before: State | None, after: State) -> Change | None:
    """What happened between two looks: Stripe took it, or the money does not arrive after all."""
    fresh = before in (None, State.ASKED)
    if after in GONE:
        return Change.FAILED if before not in GONE else None
    return Change.ISSUED if fresh and after is not State.ASKED else None
