"""Refunds: https://docs.stripe.com/api/refunds. Those to `pm_card_pendingRefund` and `pm_card_refundFail` last."""

from typing import Final

from sandbox.stripe import balance, errors, ids
from sandbox.stripe.cards import Card
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import ID, METADATA, PERIOD, Call, Operation, listing, reading
from sandbox.stripe.params import Choice, Integer, Text, noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

KIND: Final = Kind(
    "refund",
    links={
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
)
REASONS: Final = Choice("duplicate", "fraudulent", "requested_by_customer")


def operations() -> tuple[Operation, ...]:
    """All that is done with refunds."""
    creation = {
        "amount": Integer(least=1),
        "charge": ID,
        "instructions_email": Text(),
        "metadata": METADATA,
        "payment_intent": ID,
        "reason": REASONS,
    }
    filters = {"charge": ID, "created": PERIOD, "payment_intent": ID}
    return (
        Operation("POST", "/v1/refunds", _create, creation),
        listing("refund", "charge", "payment_intent", path="/v1/refunds", **filters),
        reading("refund", "/v1/refunds/{}"),
        Operation("POST", "/v1/refunds/{}", _update, {"metadata": METADATA}),
        Operation("POST", "/v1/refunds/{}/cancel", _cancel),
    )


def make(
    world: World, charge: Record, amount: int | None, *, reason: str | None = None, metadata: Doc | None = None
) -> Record:
    """Give money of a charge back; all that is left where no amount is said.

    Raises:
        Refusal: There is not so much left, or the bank has taken it back by a dispute already.
    """
    left = refundable(charge)
    _refuse(charge, amount, left)
    taken = left if amount is None else amount
    card: Card = charge.more["card"]
    pending = card.refund == "pending"
    data: Doc = {
        "id": ids.long_id("re", 3),
        "object": "refund",
        "amount": taken,
        "balance_transaction": None,
        "charge": charge.id,
        "created": world.now(charge.clock),
        "currency": charge.data["currency"],
        "customer": charge.data["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {
                "reference": None if pending else ids.letters(12),
                "reference_status": "pending" if pending else "available",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata or {},
        "payment_intent": charge.data["payment_intent"],
        "payment_method": charge.data["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if pending else "succeeded",
        "transfer_reversal": None,
    }
    refund = world.add("refund", data, more={"fate": card.refund}, clock=charge.clock)
    charge.more.setdefault("refunds", []).append(refund)
    data["balance_transaction"] = balance.book(world, refund, -taken, what="refund").id
    world.tell("refund.created", refund)
    _count(world, charge, "charge.refunded")
    if card.refund != "succeeded":
        world.later(
            world.account.settles_after_seconds, lambda: settle(world, refund, failed=card.refund == "failed")
        )
    return refund


def refundable(charge: Record) -> int:
    """How much of a charge can still be given back."""
    return int(charge.data["amount_captured"]) - _given_back(charge)


def _given_back(charge: Record) -> int:
    mine: list[Record] = charge.more.get("refunds", [])
    return sum(one.data["amount"] for one in mine if one.data["status"] not in {"failed", "canceled"})


def _refuse(charge: Record, amount: int | None, left: int) -> None:
    data = charge.data
    if data["status"] != "succeeded" or not data["captured"]:
        raise errors.invalid(f"Charge {charge.id} has not been captured: there is nothing to refund.", "charge")
    if data["disputed"] and not charge.more.get("refundable"):
        raise errors.invalid(
            f"Charge {charge.id} has been charged back; cannot issue a refund.", "charge", "charge_disputed"
        )
    if left <= 0:
        raise errors.invalid(f"Charge {charge.id} has already been refunded.", "charge", "charge_already_refunded")
    if amount is not None and amount > left:
        raise errors.invalid(
            f"Refund amount ({amount} {data['currency']}) is greater than unrefunded amount on charge "
            f"({left} {data['currency']})",
            "amount",
        )


def _count(world: World, charge: Record, told: str) -> None:
    with world.changing(charge, told) as data:
        back = _given_back(charge)
        data["amount_refunded"] = back + data["amount"] - data["amount_captured"]
        data["refunded"] = back >= data["amount_captured"]


def settle(world: World, refund: Record, *, failed: bool, why: str = "unknown") -> None:
    """The bank has said at last what becomes of a refund; a failed one comes back to the account's balance."""
    if refund.data["status"] in {"failed", "canceled"} or (refund.data["status"] == "succeeded" and not failed):
        return
    charge = world.need("charge", refund.data["charge"])
    if failed:
        with world.changing(refund, "refund.failed") as data:
            booked = balance.book(world, refund, data["amount"], what="refund_failure")
            data |= {"status": "failed", "failure_reason": why, "failure_balance_transaction": booked.id}
        _count(world, charge, "charge.updated")
    else:
        with world.changing(refund, "refund.updated") as data:
            data["status"] = "succeeded"
            data["destination_details"]["card"] |= {"reference": ids.letters(12), "reference_status": "available"}
    world.tell("charge.refund.updated", refund)


def _create(call: Call) -> Record:
    charge = call.named("charge", "charge")
    intent = call.named("payment_intent", "payment_intent")
    if charge is None and intent is None:
        raise errors.invalid(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if charge is None and intent is not None:
        found = call.world.store.get("charge", intent.data["latest_charge"] or "")
        if found is None or intent.data["status"] != "succeeded":
            raise errors.invalid(
                f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.", "payment_intent"
            )
        charge = found
    if charge is None or (intent is not None and charge.data["payment_intent"] != intent.id):
        raise errors.invalid("The charge does not belong to the PaymentIntent.", "charge")
    notes = noted({}, call.get("metadata", {}))
    return make(call.world, charge, call.get("amount"), reason=call.get("reason"), metadata=notes)


def _update(call: Call) -> Record:
    refund = call.world.need("refund", call.ids[0])
    with call.world.changing(refund, "refund.updated") as data:
        if call.has("metadata"):
            data["metadata"] = noted(data["metadata"], call.given["metadata"])
    return refund


def _cancel(call: Call) -> Record:
    refund = call.world.need("refund", call.ids[0])
    raise errors.invalid(
        f"This refund cannot be canceled because it has a status of {refund.data['status']}. Only refunds with a "
        "status of requires_action can be canceled."
    )
