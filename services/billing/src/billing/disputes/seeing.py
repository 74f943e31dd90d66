"""Reads a dispute out of Stripe's object."""

from typing import Final

from billing.disputes.model import STATES, Seen, State
from billing.stripe_objects import Json, amount_of, currency_of, id_of, id_or_none, instant, instant_or_none, readable

_REASONS: Final = frozenset(
    {
        "bank_cannot_process",
        "check_returned",
        "credit_not_processed",
        "customer_initiated",
        "debit_not_authorized",
        "duplicate",
        "fraudulent",
        "general",
        "incorrect_account_details",
        "insufficient_funds",
        "noncompliant",
        "product_not_received",
        "product_unacceptable",
        "subscription_canceled",
        "unrecognized",
    }
)
"""https://docs.stripe.com/api/disputes/object#dispute_object-reason; whatever else is kept as `general`."""


@readable("a dispute")
def seen_of(dispute: Json) -> Seen:
    """What we follow of a dispute; the evidence, which names people, is not read.

    Raises:
        Unreadable: something that every dispute has is missing.
    """
    reason = str(dispute["reason"])
    return Seen(
        stripe_id=id_of(dispute["id"]),
        payment=id_or_none(dispute.get("payment_intent")),
        charge=id_or_none(dispute.get("charge")),
        currency=currency_of(dispute["currency"]),
        amount=amount_of(dispute["amount"]),
        reason=reason if reason in _REASONS else "general",
        state=STATES.get(str(dispute["status"]), State.OPENED),
        evidence_due_at=instant_or_none((dispute.get("evidence_details") or {}).get("due_by")),
        created_at=instant(dispute["created"]),
    )
