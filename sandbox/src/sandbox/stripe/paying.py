"""The life of a payment intent: https://docs.stripe.com/payments/paymentintents/lifecycle.

What the API does to intents, and what billing does with them by itself, is done here.
"""

from typing import Any, Final

from sandbox.stripe import charges, confirming, disputes, errors, ids, payment_methods
from sandbox.stripe.cards import NEEDS_AUTHENTICATION, Decline
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

WHAT: Final = "PaymentIntent"
OPEN: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE: Final = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")


def make(world: World, *, amount: int, currency: str, customer: Record | None = None, **more: Any) -> Record:
    """A new payment intent; `more` are its other members."""
    identifier = ids.long_id("pi", 3)
    data: Doc = {
        "id": identifier,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": ids.secret_of(identifier),
        "confirmation_method": "automatic",
        "created": world.now(customer.clock if customer else None),
        "currency": currency,
        "customer": customer.id if customer else None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        **more,
    }
    intent = world.add("payment_intent", data, clock=customer.clock if customer else None)
    world.tell("payment_intent.created", intent)
    return intent


def confirm(
    world: World,
    intent: Record,
    *,
    method: Record | None = None,
    off_session: bool = False,
    return_url: str | None = None,
    sdk: bool = False,
    stops_at_action: bool = False,
    authenticated: bool = False,
) -> errors.Refusal | None:
    """Try to pay: the intent succeeds, waits (for its capture, for its customer), or the card is declined.

    A declined card is answered with what the API says of it; who is not the API has the intent's state to look at.

    Raises:
        Refusal: There is nothing to try: the state is another, the method is missing or somebody else's.
    """
    if intent.data["status"] not in OPEN:
        raise confirming.unexpected("confirm", intent, WHAT)
    method = method or world.store.get("payment_method", intent.data["payment_method"] or "")
    if method is None:
        raise without_method(intent.shown())
    confirming.refuse_foreign(method, intent.data["customer"], WHAT)
    intent.data["payment_method"] = method.id
    if authenticated or not confirming.asks(method, intent, off_session=off_session):
        return pay(world, intent, method, secured=authenticated)
    if off_session or stops_at_action:
        return _decline(world, intent, method, NEEDS_AUTHENTICATION, secured=False)
    intent.data |= {
        "status": "requires_action",
        "last_payment_error": None,
        "next_action": confirming.action(world, intent, return_url, sdk=sdk),
    }
    world.tell("payment_intent.requires_action", intent)
    return None


def authenticate(world: World, intent: Record, *, passes: bool) -> errors.Refusal | None:
    """The customer has shown the bank who it is, or has not.

    Raises:
        Refusal: Nobody asked for it.
    """
    method = world.store.get("payment_method", intent.data["payment_method"] or "")
    if intent.data["status"] != "requires_action" or method is None:
        raise confirming.unexpected("authenticate", intent, WHAT)
    if passes:
        return pay(world, intent, method, secured=True)
    code = "payment_intent_authentication_failure"
    refusal = errors.Refusal(402, confirming.FAILED.format(WHAT), code=code, payment_method=method.shown())
    _back(intent, refusal)
    world.tell("payment_intent.payment_failed", intent)
    return refusal


def pay(world: World, intent: Record, method: Record, *, secured: bool) -> errors.Refusal | None:
    """Ask the bank for the money; the answer to a declined card, None otherwise."""
    card = payment_methods.card_of(method)
    if card.decline is not None:
        return _decline(world, intent, method, card.decline, secured=secured)
    held = intent.data["capture_method"] == "manual"
    charge = charges.make(world, intent, method, decline=None, captures=not held, secured=secured)
    amount = intent.data["amount"]
    intent.data |= {
        "status": "requires_capture" if held else "succeeded",
        "amount_capturable": amount if held else 0,
        "amount_received": 0 if held else amount,
        "last_payment_error": None,
        "latest_charge": charge.id,
        "next_action": None,
    }
    _keep_card(world, intent, method)
    world.tell("payment_intent.amount_capturable_updated" if held else "payment_intent.succeeded", intent)
    disputes.follow(world, charge)
    return None


def capture(world: World, intent: Record, amount: int | None) -> None:
    """Take what a bank has reserved, or part of it.

    Raises:
        Refusal: Nothing is reserved, or less.
    """
    if intent.data["status"] != "requires_capture":
        raise errors.Refusal(
            400,
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent.data['status']}. Only a PaymentIntent with one of the following statuses may be captured: "
            "requires_capture.",
            code="payment_intent_unexpected_state",
            remembered=False,
            payment_intent=intent.shown(),
        )
    held = intent.data["amount_capturable"]
    taken = held if amount is None else amount
    if not 0 < taken <= held:
        raise errors.invalid(
            f"The remaining amount to capture is {held}, so you cannot capture {taken}.",
            "amount_to_capture",
            "amount_too_large" if taken > held else "amount_too_small",
        )
    charge = world.need("charge", intent.data["latest_charge"])
    with world.changing(charge, "charge.captured"):
        charges.take(world, charge, taken)
    intent.data |= {"status": "succeeded", "amount_capturable": 0, "amount_received": taken}
    world.tell("payment_intent.succeeded", intent)
    disputes.follow(world, charge)


def cancel(world: World, intent: Record, reason: str | None = None) -> None:
    """Give an intent up; what a bank has reserved is released.

    Raises:
        Refusal: It is over already.
    """
    if intent.data["status"] not in CANCELABLE:
        raise confirming.unexpected("cancel", intent, WHAT, (*CANCELABLE, "processing"), "canceled")
    if intent.data["status"] == "requires_capture":
        charge = world.need("charge", intent.data["latest_charge"])
        with world.changing(charge, "charge.refunded") as data:
            data |= {"amount_refunded": data["amount"], "refunded": True}
    intent.data |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": world.now(intent.clock),
        "cancellation_reason": reason,
        "next_action": None,
    }
    world.tell("payment_intent.canceled", intent)


def without_method(intent: Doc | None = None) -> errors.Refusal:
    """There is nothing to pay with."""
    return errors.Refusal(
        400,
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
        "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
        "payment method or ConfirmationToken.",
        code="payment_intent_unexpected_state",
        remembered=False,
        payment_intent=intent,
    )


def _decline(world: World, intent: Record, method: Record, decline: Decline, *, secured: bool) -> errors.Refusal:
    charge = charges.make(world, intent, method, decline=decline, captures=False, secured=secured)
    intent.data["latest_charge"] = charge.id
    refusal = payment_methods.card_error(decline, charge=charge.id, payment_method=method.shown())
    _back(intent, refusal)
    world.tell("payment_intent.payment_failed", intent)
    return refusal


def _back(intent: Record, refusal: errors.Refusal) -> None:
    """To where another payment method is needed."""
    intent.data |= {
        "status": "requires_payment_method",
        "last_payment_error": confirming.told(refusal),
        "next_action": None,
        "payment_method": None,
    }
    refusal.more["payment_intent"] = intent.shown()


def _keep_card(world: World, intent: Record, method: Record) -> None:
    """A card that was paid with for later use belongs to the customer from then on."""
    usage = intent.data["setup_future_usage"]
    customer = world.store.get("customer", intent.data["customer"] or "")
    if usage and customer is not None:
        payment_methods.attach(world, method, customer, checked=False)
        method.more["set_up"] = method.more["set_up"] or usage == "off_session"
    elif method.data["customer"] is None:
        method.more["detached"] = True
