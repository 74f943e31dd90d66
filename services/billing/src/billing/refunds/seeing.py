"""Reads a refund out of Stripe's object."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from billing.refunds.model import GONE, REASONS, STATES, Seen, State
from billing.stripe_objects import Json, amount_of, currency_of, id_of, id_or_none, instant, readable


@readable("a refund")
def seen_of(refund: Json) -> Seen:
    """What we follow of a refund.

    Raises:
        Unreadable: something that every refund has is missing.
    """
    state = STATES.get(str(refund["status"]), State.PENDING)
    reason = str(refund.get("reason") or "other")
    return Seen(
        stripe_id=id_of(refund["id"]),
        payment=id_or_none(refund.get("payment_intent")),
        charge=id_or_none(refund.get("charge")),
        row_id=row_of(refund.get("metadata")),
        currency=currency_of(refund["currency"]),
        amount=amount_of(refund["amount"], least=1),
        reason=reason if reason in REASONS else "other",
        state=state,
        failure=str(refund.get("failure_reason") or "unknown")[:40] if state in GONE else "",
        created_at=instant(refund["created"]),
    )


def row_of(metadata: Mapping[str, Any] | None) -> UUID | None:
    """The id of our row that an object was made from, if it was."""
    try:
        return UUID(str((metadata or {})["row_id"]))
    except (KeyError, ValueError):
        return None
