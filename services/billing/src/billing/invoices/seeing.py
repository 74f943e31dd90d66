"""Reads an invoice out of Stripe's object in the shape of 2026: subscription in `parent`, intents in `payments`."""

from collections.abc import Sequence
from typing import Any, Final

from billing.invoices.model import Line, Seen
from billing.stripe_objects import (
    Json,
    amount_of,
    currency_of,
    id_of,
    id_or_none,
    instant,
    instant_or_none,
    readable,
    whole,
)

_STATUSES: Final = (None, "draft", "open", "paid", "uncollectible", "void")
_MOST_ATTEMPTS: Final = 10_000


@readable("an invoice")
def seen_of(invoice: Json, lines: Sequence[Json]) -> Seen:
    """What we follow of an invoice; `lines` are all of its lines, of which the object itself holds the first ten.

    Raises:
        Unreadable: something that every invoice has is missing.
    """
    moments = invoice["status_transitions"]
    return Seen(
        stripe_id=id_of(invoice["id"]),
        subscription=_subscription(invoice.get("parent")),
        number=invoice.get("number"),
        status=_status(invoice["status"]),
        reason=str(invoice.get("billing_reason") or "manual"),
        currency=currency_of(invoice["currency"]),
        subtotal=whole(invoice["subtotal"]),
        discount=amount_of(_sum(invoice.get("total_discount_amounts"))),
        tax=_sum(invoice.get("total_taxes")),
        total=whole(invoice["total"]),
        due=whole(invoice["amount_due"]),
        paid=amount_of(invoice["amount_paid"]),
        remaining=amount_of(invoice["amount_remaining"]),
        lines=tuple(_line(each) for each in lines),
        period_start=instant(invoice["period_start"]),
        period_end=instant(invoice["period_end"]),
        due_at=instant_or_none(invoice.get("due_date")),
        next_attempt_at=instant_or_none(invoice.get("next_payment_attempt")),
        attempts=min(amount_of(invoice.get("attempt_count") or 0), _MOST_ATTEMPTS),
        finalized_at=instant_or_none(moments["finalized_at"]),
        paid_at=instant_or_none(moments["paid_at"]),
        created_at=instant(invoice["created"]),
        payments=_payments(invoice.get("payments")),
    )


def _status(status: Any) -> str:
    """Stripe's word for it; an invoice without one is being made."""
    if status not in _STATUSES:
        raise ValueError("a status")
    return str(status or "draft")


def _subscription(parent: Any) -> str | None:
    details = (parent or {}).get("subscription_details") or {}
    return id_or_none(details.get("subscription"))


def _payments(payments: Any) -> tuple[str, ...]:
    named = [each["payment"] for each in (payments or {}).get("data", ())]
    return tuple(sorted(id_of(each["payment_intent"]) for each in named if each.get("payment_intent")))


def _line(line: Json) -> Line:
    parent = line.get("parent") or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    price = ((line.get("pricing") or {}).get("price_details") or {}).get("price")
    return Line(
        stripe_id=id_of(line["id"]),
        amount=whole(line["amount"]),
        tax=_sum(line.get("taxes")),
        quantity=whole(line.get("quantity") or 0),
        price=id_or_none(price) or "",
        proration=bool(details.get("proration")),
        period_start=instant(line["period"]["start"]),
        period_end=instant(line["period"]["end"]),
    )


def _sum(amounts: Any) -> int:
    return sum(whole(each["amount"]) for each in amounts or ())
