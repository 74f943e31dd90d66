"""Disputes: https://docs.stripe.com/disputes. A bank takes a payment back, and evidence may win it again."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from sandbox.stripe import balance, errors, ids
from sandbox.stripe.cards import Card
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import FLAG, ID, LIST, METADATA, PERIOD, Call, Operation, listing, page, reading
from sandbox.stripe.params import Choice, Hash, Shape, Text, noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

KIND: Final = Kind(
    "dispute",
    links={"charge": "charge", "payment_intent": "payment_intent"},
)
WARNING: Final = Kind(
    "radar.early_fraud_warning",
    noun="early fraud warning",
    links={"charge": "charge", "payment_intent": "payment_intent"},
)
FEE: Final = 2_000
ANSWER_WITHIN: Final = 9 * balance.DAY
"""Test disputes are to be answered within nine days."""
CLOSED: Final = frozenset({"won", "lost", "warning_closed"})
Outcome = Literal["won", "lost"]

_TEXTS: Final = (
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal "
    "customer_communication customer_email_address customer_name customer_purchase_ip customer_signature "
    "duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt "
    "refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number "
    "uncategorized_file uncategorized_text"
)
EVIDENCE: Final = tuple(_TEXTS.split())
_FIELDS: Final[Mapping[str, Shape]] = {name: Text(20_000) for name in EVIDENCE}
_NETWORK_REASONS: Final = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1"}
_WORDS: Final[Mapping[str, Outcome | Literal["escalated"]]] = {
    "winning_evidence": "won",
    "losing_evidence": "lost",
    "escalate_inquiry_evidence": "escalated",
}


def operations() -> tuple[Operation, ...]:
    """All that is done with disputes."""
    filters = {"charge": ID, "created": PERIOD, "payment_intent": ID}
    changes = {
        "evidence": Hash(_FIELDS),
        "intended_submission_method": Choice("manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes"),
        "metadata": METADATA,
        "submit": FLAG,
    }
    return (
        listing("dispute", "charge", "payment_intent", path="/v1/disputes", **filters),
        reading("dispute", "/v1/disputes/{}"),
        Operation("POST", "/v1/disputes/{}", _update, changes),
        Operation("POST", "/v1/disputes/{}/close", _close),
        Operation("GET", "/v1/radar/early_fraud_warnings", _warnings, {**LIST, **filters}),
        reading("radar.early_fraud_warning", "/v1/radar/early_fraud_warnings/{}"),
    )


def follow(world: World, charge: Record) -> None:
    """What comes after a payment with some test cards, by itself."""
    card: Card = charge.more["card"]
    if not charge.data["captured"]:
        return
    if card.warned:
        _warn(world, charge)
    if card.dispute:
        make(world, charge, reason=card.dispute, inquiry=card.inquiry)


def make(
    world: World, charge: Record, *, reason: str = "fraudulent", amount: int | None = None, inquiry: bool = False
) -> Record:
    """The bank takes a payment back, or, where it is an inquiry, asks about it only.

    Raises:
        Refusal: The charge was never paid, is disputed already, or was not so much.
    """
    if charge.data["disputed"] or not charge.data["captured"]:
        raise errors.invalid("This charge cannot be disputed: it is not captured, or disputed already.", "charge")
    disputed = charge.data["amount_captured"] if amount is None else amount
    if not 0 < disputed <= charge.data["amount_captured"]:
        raise errors.invalid("The amount of a dispute is at most that of its charge.", "amount")
    now = world.now(charge.clock)
    brand = charge.data["payment_method_details"]["card"]["brand"]
    data: Doc = {
        "id": ids.long_id("du"),
        "object": "dispute",
        "amount": disputed,
        "balance_transactions": [],
        "charge": charge.id,
        "created": now,
        "currency": charge.data["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + ANSWER_WITHIN,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge.data["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": brand,
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": brand,
                "network_reason_code": _NETWORK_REASONS.get(reason, "10.4"),
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    dispute = world.add("dispute", data, clock=charge.clock)
    with world.changing(charge, "charge.updated") as changed:
        changed["disputed"] = True
    charge.more["refundable"] = inquiry
    world.tell("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(world, dispute)
    return dispute


def _withdraw(world: World, dispute: Record) -> None:
    _book(world, dispute, -dispute.data["amount"], fee=FEE, category="dispute")
    world.tell("charge.dispute.funds_withdrawn", dispute)


def _book(world: World, dispute: Record, amount: int, *, fee: int, category: str) -> None:
    words = f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute.data['charge']}"
    booked = balance.book(world, dispute, amount, what="adjustment", fee=fee, category=category, description=words)
    dispute.data["balance_transactions"].append(booked.shown())


def close(world: World, dispute: Record, outcome: Outcome) -> None:
    """The bank has decided; what was won comes back, its fee does too.

    Raises:
        Refusal: It has decided before.
    """
    if dispute.data["status"] in CLOSED:
        raise errors.invalid("This dispute is already closed.", code="dispute_closed")
    inquiry = dispute.data["status"].startswith("warning")
    won = outcome == "won"
    dispute.data["status"] = "warning_closed" if inquiry and won else outcome
    if inquiry and not won:
        _withdraw(world, dispute)
    dispute.data["is_charge_refundable"] = False
    world.tell("charge.dispute.closed", dispute)
    if won and not inquiry:
        _book(world, dispute, dispute.data["amount"], fee=-FEE, category="dispute_reversal")
        world.tell("charge.dispute.funds_reinstated", dispute)


def _update(call: Call) -> Record:
    world, dispute = call.world, call.world.need("dispute", call.ids[0])
    if dispute.data["status"] in CLOSED or dispute.data["evidence_details"]["submission_count"]:
        raise errors.invalid("This dispute is closed, or its evidence was submitted: it cannot be changed.")
    submits = call.get("submit", True)
    given: Mapping[str, Any] = call.get("evidence") or {}
    said = _WORDS.get(str(given.get("uncategorized_text")))
    with world.changing(dispute, "charge.dispute.updated") as data:
        data["evidence"] = {**data["evidence"], **given}
        details = data["evidence_details"]
        details["has_evidence"] = any(data["evidence"][name] for name in EVIDENCE)
        if call.has("metadata"):
            data["metadata"] = noted(data["metadata"], call.given["metadata"])
        if submits and details["has_evidence"]:
            details["submission_count"] += 1
            warned = data["status"].startswith("warning")
            data["status"] = "warning_under_review" if warned else "under_review"
    if submits and said is not None:
        _decide(world, dispute, said)
    return dispute


def _decide(world: World, dispute: Record, said: Outcome | Literal["escalated"]) -> None:
    if said == "escalated":
        _escalate(world, dispute)
    else:
        close(world, dispute, said)


def _escalate(world: World, dispute: Record) -> None:
    """An inquiry becomes a dispute, to be answered anew."""
    with world.changing(dispute, "charge.dispute.updated") as data:
        data["status"] = "needs_response"
        data["is_charge_refundable"] = False
        data["evidence_details"] |= {"has_evidence": False, "submission_count": 0}
        data["payment_method_details"]["card"]["case_type"] = "chargeback"
    world.need("charge", dispute.data["charge"]).more["refundable"] = False
    _withdraw(world, dispute)


def _close(call: Call) -> Record:
    """The business gives in: the dispute is lost."""
    dispute = call.world.need("dispute", call.ids[0])
    close(call.world, dispute, "lost")
    return dispute


def _warn(world: World, charge: Record) -> None:
    data: Doc = {
        "id": ids.long_id("issfr"),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": charge.id,
        "created": world.now(charge.clock),
        "fraud_type": "unauthorized_use_of_card",
        "livemode": False,
        "payment_intent": charge.data["payment_intent"],
    }
    world.tell("radar.early_fraud_warning.created", world.add("radar.early_fraud_warning", data, clock=charge.clock))


def _warnings(call: Call) -> Doc:
    found = (
        one
        for one in call.world.store.all("radar.early_fraud_warning")
        if all(one.data[name] == call.given[name] for name in ("charge", "payment_intent") if call.has(name))
    )
    return page(call, found, kind="radar.early_fraud_warning")
