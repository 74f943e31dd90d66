"""The life of a setup intent, by which a card is kept for later: https://docs.stripe.com/payments/setup-intents.

What the API does to setup intents, and what billing does with them by itself, is done here.
"""

from typing import Any, Final

from sandbox.stripe import confirming, errors, ids, payment_methods
from sandbox.stripe.cards import Decline
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

WHAT: Final = "SetupIntent"
OPEN: Final = ("requires_payment_method", "requires_confirmation", "requires_action")


def make(world: World, *, customer: Record | None = None, **more: Any) -> Record:
    """A new setup intent; `more` are its other members."""
    identifier = ids.long_id("seti")
    data: Doc = {
        "id": identifier,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": ids.secret_of(identifier),
        "created": world.now(customer.clock if customer else None),
        "customer": customer.id if customer else None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "managed_payments": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
        **more,
    }
    intent = world.add("setup_intent", data, clock=customer.clock if customer else None)
    world.tell("setup_intent.created", intent)
    return intent


def confirm(
    world: World,
    intent: Record,
    *,
    method: Record | None = None,
    return_url: str | None = None,
    sdk: bool = False,
    authenticated: bool = False,
) -> errors.Refusal | None:
    """Try to keep a card: the intent succeeds, waits for its customer, or the bank does not let it (the answer).

    Raises:
        Refusal: There is nothing to try.
    """
    if intent.data["status"] not in OPEN:
        raise confirming.unexpected("confirm", intent, WHAT)
    method = method or world.store.get("payment_method", intent.data["payment_method"] or "")
    if method is None:
        raise without_method(intent.shown())
    confirming.refuse_foreign(method, intent.data["customer"], WHAT)
    card = payment_methods.card_of(method)
    intent.data["payment_method"] = method.id
    if card.decline is not None and not card.attaches:
        return _fail(world, intent, method, card.decline)
    asked = card.authentication in {"always", "unless_set_up"} and not authenticated
    if asked:
        intent.data |= {
            "status": "requires_action",
            "last_setup_error": None,
            "next_action": confirming.action(world, intent, return_url, sdk=sdk),
        }
        world.tell("setup_intent.requires_action", intent)
        return None
    _succeed(world, intent, method)
    return None


def without_method(intent: Doc | None = None) -> errors.Refusal:
    """There is no card to keep."""
    return errors.Refusal(
        400,
        "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a "
        "payment method and then confirm it again.",
        code="setup_intent_unexpected_state",
        remembered=False,
        setup_intent=intent,
    )


def authenticate(world: World, intent: Record, *, passes: bool) -> errors.Refusal | None:
    """The customer has shown the bank who it is, or has not.

    Raises:
        Refusal: Nobody asked for it.
    """
    method = world.store.get("payment_method", intent.data["payment_method"] or "")
    if intent.data["status"] != "requires_action" or method is None:
        raise confirming.unexpected("authenticate", intent, WHAT)
    if passes:
        _succeed(world, intent, method)
        return None
    code = "setup_intent_authentication_failure"
    refusal = errors.Refusal(402, confirming.FAILED.format(WHAT), code=code, payment_method=method.shown())
    return _back(world, intent, method, refusal)


def cancel(world: World, intent: Record, reason: str | None = None) -> None:
    """Give a setup intent up.

    Raises:
        Refusal: It is over already.
    """
    if intent.data["status"] not in OPEN:
        raise confirming.unexpected("cancel", intent, WHAT, OPEN, "canceled")
    intent.data |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    world.tell("setup_intent.canceled", intent)


def _succeed(world: World, intent: Record, method: Record) -> None:
    customer = world.store.get("customer", intent.data["customer"] or "")
    _note(world, intent, method, "succeeded")
    intent.data |= {"status": "succeeded", "last_setup_error": None, "next_action": None}
    method.more["set_up"] = intent.data["usage"] == "off_session"
    if customer is not None:
        payment_methods.attach(world, method, customer, checked=False)
    world.tell("setup_intent.succeeded", intent)


def _fail(world: World, intent: Record, method: Record, decline: Decline) -> errors.Refusal:
    return _back(world, intent, method, payment_methods.card_error(decline, payment_method=method.shown()))


def _back(world: World, intent: Record, method: Record, refusal: errors.Refusal) -> errors.Refusal:
    """To where another payment method is needed."""
    _note(world, intent, method, "failed", refusal)
    intent.data |= {
        "status": "requires_payment_method",
        "last_setup_error": confirming.told(refusal),
        "next_action": None,
        "payment_method": None,
    }
    refusal.more["setup_intent"] = intent.shown()
    world.tell("setup_intent.setup_failed", intent)
    return refusal


def _note(world: World, intent: Record, method: Record, status: str, refusal: errors.Refusal | None = None) -> None:
    data: Doc = {
        "id": ids.long_id("setatt"),
        "object": "setup_attempt",
        "application": None,
        "created": world.now(intent.clock),
        "customer": intent.data["customer"],
        "customer_account": None,
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": method.id,
        "payment_method_details": {"card": {"three_d_secure": None}, "type": "card"},
        "setup_error": None if refusal is None else confirming.told(refusal),
        "setup_intent": intent.id,
        "status": status,
        "usage": intent.data["usage"],
    }
    intent.data["latest_attempt"] = world.add("setup_attempt", data, clock=intent.clock).id
