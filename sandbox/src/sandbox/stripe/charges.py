"""Charges: each try to take money from a card, made by payment intents; https://docs.stripe.com/api/charges."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.stripe import balance, errors, ids
from sandbox.stripe.cards import Card, Decline
from sandbox.stripe.kinds import Kind, sublist
from sandbox.stripe.operations import ID, METADATA, PERIOD, Call, Operation, listing, reading
from sandbox.stripe.params import Choice, Hash, Text, noted
from sandbox.stripe.searching import searching
from sandbox.stripe.store import Doc, Record, Store
from sandbox.stripe.world import World


def _refunds(_: Store, charge: Record) -> Doc:
    mine = [one.shown() for one in reversed(charge.more.get("refunds", []))]
    return sublist(f"/v1/charges/{charge.id}/refunds", mine)


def _dispute(store: Store, charge: Record) -> str | None:
    return next((one.id for one in store.all("dispute") if one.data["charge"] == charge.id), None)


KIND: Final = Kind(
    "charge",
    links={
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "payment_method": "payment_method",
    },
    on_demand={"dispute": _dispute, "refunds": _refunds},
    searched={
        "amount": "amount",
        "currency": "currency",
        "customer": "customer",
        "payment_method_details.card.last4": "payment_method_details.card.last4",
        "refunded": "refunded",
        "status": "status",
    },
)


def operations() -> tuple[Operation, ...]:
    """All that is done with charges; they are made by payment intents only."""
    changes = {
        "description": Text(),
        "fraud_details": Hash(user_report=Choice("fraudulent", "safe", unsets=True)),
        "metadata": METADATA,
        "receipt_email": Text(),
    }
    filters = {"created": PERIOD, "customer": ID, "payment_intent": ID}
    return (
        listing("charge", "customer", "payment_intent", path="/v1/charges", **filters),
        searching(KIND, "/v1/charges/search"),
        reading("charge", "/v1/charges/{}"),
        Operation("POST", "/v1/charges/{}", _update, changes),
        Operation("POST", "/v1/charges", _refuse, {"amount": ID, "currency": ID, "customer": ID, "source": ID}),
    )


def make(
    world: World, intent: Record, method: Record, *, decline: Decline | None, captures: bool, secured: bool
) -> Record:
    """A charge for an intent, that its bank takes or declines; `secured` is whether its customer was authenticated.

    The events about it are told, and the money is booked where it was captured.
    """
    card: Card = method.more["card"]
    amount, good = intent.data["amount"], decline is None
    identifier = ids.long_id("ch", 3)
    data: Doc = {
        "id": identifier,
        "object": "charge",
        "amount": amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method.shown()["billing_details"],
        "calculated_statement_descriptor": intent.data["statement_descriptor"] or "SANDBOX",
        "captured": False,
        "created": world.now(intent.clock),
        "currency": intent.data["currency"],
        "customer": intent.data["customer"],
        "description": intent.data["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent.data["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(card, decline),
        "paid": good,
        "payment_intent": intent.id,
        "payment_method": method.id,
        "payment_method_details": {"card": _card_details(method, amount if good else None, secured), "type": "card"},
        "receipt_email": intent.data["receipt_email"],
        "receipt_number": None,
        "receipt_url": f"{world.pages}/receipts/{identifier}" if good else None,
        "refunded": False,
        "review": None,
        "shipping": intent.data["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent.data["statement_descriptor"],
        "statement_descriptor_suffix": None,
        "status": "succeeded" if good else "failed",
        "transfer_data": None,
        "transfer_group": None,
    }
    charge = world.add("charge", data, more={"card": card}, clock=intent.clock)
    if not good:
        world.tell("charge.failed", charge)
        return charge
    if captures:
        take(world, charge, amount)
    world.tell("charge.succeeded", charge)
    return charge


def take(world: World, charge: Record, amount: int) -> None:
    """Capture money of an authorized charge, and book it."""
    card: Card = charge.more["card"]
    booked = balance.book(
        world,
        charge,
        amount,
        what="charge",
        fee=balance.fee_of(amount),
        settles_after=0 if card.settles_at_once else balance.SETTLES_AFTER,
        description=charge.data["description"],
    )
    charge.data |= {
        "amount_captured": amount,
        "amount_refunded": charge.data["amount"] - amount,
        "balance_transaction": booked.id,
        "captured": True,
    }


def _outcome(card: Card, decline: Decline | None) -> Doc:
    base = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": card.risk,
        "risk_score": {"normal": 20, "elevated": 70, "highest": 95}[card.risk],
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    if decline is None:
        return base
    if card.blocked:
        blocked = {"network_status": "not_sent_to_network", "reason": "highest_risk_level", "type": "blocked"}
        return {**base, **blocked, "seller_message": "Stripe blocked this payment as too risky."}
    return {
        **base,
        "advice_code": decline.advice,
        "network_decline_code": "51" if decline.reason == "insufficient_funds" else "01",
        "network_status": "declined_by_network",
        "reason": decline.reason,
        "seller_message": f"The bank returned the decline code `{decline.reason}`.",
        "type": "issuer_declined",
    }


def _card_details(method: Record, authorized: int | None, secured: bool) -> Doc:
    card = method.data["card"]
    same = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "regulated_status")
    secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": ids.letters(24),
        "version": "2.2.0",
    }
    unavailable = {"status": "unavailable"}
    return {
        **{name: card[name] for name in same},
        "amount_authorized": authorized,
        "authorization_code": None if authorized is None else ids.letters(6).upper(),
        "checks": dict(card["checks"]),
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": unavailable,
        "installments": None,
        "mandate": None,
        "multicapture": unavailable,
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None if authorized is None else ids.letters(15),
        "overcapture": {"maximum_amount_capturable": authorized or 0, "status": "unavailable"},
        "three_d_secure": secure if secured else None,
        "transaction_link_id": None,
        "wallet": None,
    }


def _update(call: Call) -> Record:
    charge = call.world.need("charge", call.ids[0])
    with call.world.changing(charge) as data:
        for name in ("description", "receipt_email"):
            if call.has(name):
                data[name] = call.given[name]
        report: Mapping[str, Any] = call.get("fraud_details") or {}
        if report.get("user_report"):
            data["fraud_details"] = dict(report)
        if call.has("metadata"):
            data["metadata"] = noted(data["metadata"], call.given["metadata"])
    return charge


def _refuse(_: Call) -> Record:
    raise errors.invalid("The sandbox makes charges by payment intents only: POST /v1/payment_intents.")
