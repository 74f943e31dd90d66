"""An invoice as Stripe says it is, and what there is to tell when it has changed; functions of values."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

FINAL: Final = (
    "number",
    "currency",
    "subtotal",
    "discount",
    "tax",
    "total",
    "lines",
    "period_start",
    "period_end",
    "finalized_at",
)
"""What of an invoice never changes once it is finalised."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line; amounts in the minor unit, `amount` without what `tax` adds to it, negative for what is credited."""

    stripe_id: str
    amount: int
    tax: int
    quantity: int
    price: str
    proration: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What Stripe says of an invoice, as far as we follow it; amounts are integers in the currency's minor unit.

    `payments` are the payment intents that pay it. Names and addresses on it are not kept: Stripe has them.
    """

    stripe_id: str
    subscription: str | None
    number: str | None
    status: str
    reason: str
    currency: str
    subtotal: int
    discount: int
    tax: int
    total: int
    due: int
    paid: int
    remaining: int
    lines: tuple[Line, ...]
    period_start: datetime
    period_end: datetime
    due_at: datetime | None
    next_attempt_at: datetime | None
    attempts: int
    finalized_at: datetime | None
    paid_at: datetime | None
    created_at: datetime
    payments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice of an organization; `version` rises with every change of what is seen."""

    id: UUID
    seen: Seen
    credited: int
    version: int

    def follow(self, seen: Seen) -> "Invoice":
        """The invoice after this; the same one when nothing has changed.

        What a finalised invoice says stays as it was, whatever is said later: `contradicts` tells whether it differs.
        """
        if self.seen.finalized_at is not None:
            kept = {name: getattr(self.seen, name) for name in FINAL}
            seen = replace(seen, **kept, status=self.seen.status if seen.status == "draft" else seen.status)
        return self if seen == self.seen else replace(self, seen=seen, version=self.version + 1)

    def contradicts(self, seen: Seen) -> tuple[str, ...]:
        """What is said otherwise than when the invoice was finalised."""
        if self.seen.finalized_at is None:
            return ()
        return tuple(name for name in FINAL if getattr(self.seen, name) != getattr(seen, name))


class Change(StrEnum):
    """What there is to tell of an invoice."""

    FINALIZED = "finalized"
    PAID = "paid"
    VOIDED = "voided"


def changes(before: Invoice | None, after: Invoice) -> tuple[Change, ...]:
    """What happened between two looks, in the order in which it is told."""
    was, now = before.seen if before else None, after.seen
    told = []
    if now.finalized_at is not None and (was is None or was.finalized_at is None):
        told.append(Change.FINALIZED)
    if now.status == "paid" and (was is None or was.status != "paid"):
        told.append(Change.PAID)
    if now.status in ("void", "uncollectible") and (was is None or was.status != now.status):
        told.append(Change.VOIDED)
    return tuple(told)
