"""Reads payment and setup intents out of Stripe's objects; their client secrets are passed by."""

from typing import Any

from billing.payments.declines import told
from billing.payments.model import Seen, State, state_of
from billing.stripe_objects import Json, amount_of, currency_of, id_of, id_or_none, instant, readable


@readable("a payment intent")
def seen_of(intent: Json) -> Seen:
    """What we follow of a payment intent.

    Raises:
        Unreadable: something that every intent has is missing.
    """
    trouble = intent.get("last_payment_error")
    state = state_of(str(intent["status"]), failed=bool(trouble))
    charge = id_or_none(intent.get("latest_charge"))
    return Seen(
        stripe_id=id_of(intent["id"]),
        charge=charge,
        currency=currency_of(intent["currency"]),
        amount=amount_of(intent["amount"]),
        received=amount_of(intent.get("amount_received") or 0),
        state=state,
        failure=_failure(state, trouble),
        attempt=charge or _named(trouble),
        created_at=instant(intent["created"]),
    )


@readable("a setup intent")
def setup_of(intent: Json) -> Seen:
    """The same of a setup intent, which moves no money."""
    trouble = intent.get("last_setup_error")
    state = state_of(str(intent["status"]), failed=bool(trouble))
    return Seen(
        stripe_id=id_of(intent["id"]),
        charge=None,
        currency="",
        amount=0,
        received=0,
        state=state,
        failure=_failure(state, trouble),
        attempt=id_or_none(intent.get("latest_attempt")) or _named(trouble),
        created_at=instant(intent["created"]),
    )


def _failure(state: State, trouble: Any) -> str:
    if state is not State.FAILED or not trouble:
        return ""
    return told(str(trouble.get("decline_code") or trouble.get("code") or "unknown"))


def _named(trouble: Any) -> str:
    """A name for a try that made no charge."""
    return str((trouble or {}).get("charge") or (trouble or {}).get("code") or "")
