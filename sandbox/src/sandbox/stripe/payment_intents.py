"""Payment intents as the API has them: https://docs.stripe.com/api/payment_intents."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.stripe import confirming, errors, paying
from sandbox.stripe.kinds import Kind
from sandbox.stripe.money import currency_of, refuse_amount
from sandbox.stripe.operations import (
    ADDRESS_FIELDS,
    FLAG,
    ID,
    METADATA,
    PERIOD,
    Call,
    Operation,
    address,
    listing,
    reading,
)
from sandbox.stripe.params import Choice, Either, Hash, Integer, Shape, Text, noted
from sandbox.stripe.searching import searching
from sandbox.stripe.store import Doc, Record

KIND: Final = Kind(
    "payment_intent",
    links={
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
    },
    searched={"amount": "amount", "currency": "currency", "customer": "customer", "status": "status"},
)
SHIPPING: Final = Hash(
    address=Hash(ADDRESS_FIELDS, required=True),
    carrier=Text(),
    name=Text(required=True),
    phone=Text(),
    tracking_number=Text(),
    unsets=True,
)
USAGE: Final = Choice("off_session", "on_session", unsets=True)
_OFF: Final = Either(FLAG, Choice("one_off", "recurring"))
_ABOUT: Final[Mapping[str, Shape]] = {
    "description": Text(1_000),
    "metadata": METADATA,
    "receipt_email": Text(),
    "setup_future_usage": USAGE,
    "shipping": SHIPPING,
    "statement_descriptor": Text(22),
    "statement_descriptor_suffix": Text(22),
}
_CONFIRMING: Final[Mapping[str, Shape]] = {
    "error_on_requires_action": FLAG,
    "mandate": ID,
    "off_session": _OFF,
    "return_url": Text(pattern=r"[a-z][a-z0-9+.-]*://\S+"),
    "use_stripe_sdk": FLAG,
}
_CAPTURES: Final = Choice("automatic", "automatic_async", "manual")


def operations() -> tuple[Operation, ...]:
    """All that is done with payment intents."""
    path = "/v1/payment_intents"
    money: dict[str, Shape] = {"amount": Integer(least=0), "currency": ID, "customer": ID}
    types = {
        "allowed_payment_method_types": confirming.METHOD_TYPES,
        "payment_method_types": confirming.METHOD_TYPES,
    }
    creation = {
        **_ABOUT,
        **_CONFIRMING,
        **confirming.CHOSEN,
        **types,
        "amount": Integer(least=0, required=True),
        "automatic_payment_methods": confirming.AUTOMATIC,
        "capture_method": _CAPTURES,
        "confirm": FLAG,
        "confirmation_method": Choice("automatic", "manual"),
        "currency": Text(required=True),
        "customer": ID,
    }
    confirmation = {
        **_CONFIRMING,
        **confirming.CHOSEN,
        "capture_method": _CAPTURES,
        "receipt_email": Text(),
        "setup_future_usage": USAGE,
        "shipping": SHIPPING,
    }
    ending = {
        "amount_to_capture": Integer(least=0),
        "final_capture": FLAG,
        "metadata": METADATA,
        "statement_descriptor": Text(22),
    }
    reasons = Choice("abandoned", "duplicate", "fraudulent", "requested_by_customer")
    return (
        Operation("POST", path, _create, creation),
        listing("payment_intent", "customer", path=path, created=PERIOD, customer=ID),
        searching(KIND, f"{path}/search"),
        reading("payment_intent", f"{path}/{{}}"),
        Operation("POST", f"{path}/{{}}", _update, {**_ABOUT, **money, **confirming.CHOSEN, **types}),
        Operation("POST", f"{path}/{{}}/confirm", _confirm, confirmation),
        Operation("POST", f"{path}/{{}}/capture", _capture, ending),
        Operation("POST", f"{path}/{{}}/cancel", _cancel, {"cancellation_reason": reasons}),
    )


def _create(call: Call) -> Record:
    world, given = call.world, call.given
    currency = currency_of(given["currency"])
    refuse_amount(given["amount"], currency)
    for name in ("off_session", "return_url", "mandate_data", "error_on_requires_action"):
        if call.has(name) and not call.get("confirm"):
            raise errors.invalid(
                f"`{name}` cannot be passed when creating a PaymentIntent unless `confirm` is set to true.", name
            )
    customer = call.named("customer", "customer")
    method = confirming.chosen(call)
    if method is not None:
        confirming.refuse_foreign(method, customer.id if customer else None, paying.WHAT)
    automatic = _automatic(call)
    if call.get("confirm") and method is None:
        raise paying.without_method()
    if call.get("confirm"):
        _refuse_lost_customer(call, automatic)
    intent = paying.make(
        world,
        amount=given["amount"],
        currency=currency,
        customer=customer,
        automatic_payment_methods=automatic,
        capture_method=given.get("capture_method", "automatic_async"),
        confirmation_method=given.get("confirmation_method", "automatic"),
        payment_method=method.id if method else None,
        payment_method_types=_types(call) or ["card"],
        status="requires_confirmation" if method else "requires_payment_method",
    )
    _describe(intent.data, given)
    return _confirmed(call, intent, method) if call.get("confirm") else intent


def _types(call: Call) -> list[str] | None:
    found: list[str] | None = call.get("payment_method_types") or call.get("allowed_payment_method_types")
    return found


def _automatic(call: Call) -> Doc | None:
    """Unless types are named, Stripe chooses them itself."""
    given = call.get("automatic_payment_methods")
    if _types(call):
        if given and given["enabled"]:
            raise errors.invalid(
                "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.",
                "automatic_payment_methods",
            )
        return None
    return {
        "allow_redirects": (given or {}).get("allow_redirects", "always"),
        "enabled": (given or {}).get("enabled", True),
    }


def _refuse_lost_customer(call: Call, automatic: Mapping[str, Any] | None) -> None:
    """A method that Stripe chooses may lead away from the page: where to come back to must be said."""
    redirects = automatic and automatic["enabled"] and automatic["allow_redirects"] == "always"
    if redirects and not call.get("return_url") and not call.get("use_stripe_sdk"):
        raise errors.invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. "
            "If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents.",
            "return_url",
        )


def _describe(data: Doc, given: Mapping[str, Any]) -> None:
    """Put what describes the payment into an intent."""
    for name in ("description", "receipt_email", "setup_future_usage", "statement_descriptor", "capture_method"):
        if name in given:
            data[name] = given[name]
    if "statement_descriptor_suffix" in given:
        data["statement_descriptor_suffix"] = given["statement_descriptor_suffix"]
    if "shipping" in given:
        data["shipping"] = shipping(given["shipping"])
    if "metadata" in given:
        data["metadata"] = noted(data["metadata"], given["metadata"])
    if given.get("payment_method_options"):
        data["payment_method_options"]["card"] |= given["payment_method_options"].get("card") or {}


def shipping(given: Mapping[str, Any] | None) -> Doc | None:
    """Where something is sent, with all its fields."""
    if given is None:
        return None
    names = ("carrier", "name", "phone", "tracking_number")
    return {"address": address(given["address"]), **{name: given.get(name) for name in names}}


def _update(call: Call) -> Record:
    intent = call.world.need("payment_intent", call.ids[0])
    changes_money = any(call.has(name) for name in ("amount", "currency", "customer", "payment_method"))
    if changes_money and intent.data["status"] not in paying.OPEN:
        raise errors.Refusal(
            400,
            f"This PaymentIntent's amount could not be updated because it has a status of {intent.data['status']}. "
            "You may only update the amount of a PaymentIntent with one of the following statuses: "
            "requires_payment_method, requires_confirmation, requires_action.",
            code="payment_intent_unexpected_state",
            remembered=False,
            payment_intent=intent.shown(),
        )
    currency = currency_of(call.get("currency") or intent.data["currency"])
    amount = call.get("amount", intent.data["amount"])
    refuse_amount(amount, currency)
    customer = call.named("customer", "customer")
    method = confirming.chosen(call)
    owner = customer.id if customer else intent.data["customer"]
    if method is not None:
        confirming.refuse_foreign(method, owner, paying.WHAT)
    intent.data |= {"amount": amount, "currency": currency, "customer": owner}
    _describe(intent.data, call.given)
    if types := _types(call):
        intent.data |= {"automatic_payment_methods": None, "payment_method_types": types}
    if method is not None:
        intent.data |= {"payment_method": method.id, "status": "requires_confirmation", "next_action": None}
    elif changes_money and intent.data["status"] == "requires_action":
        intent.data |= {"status": "requires_confirmation", "next_action": None}
    return intent


def _confirm(call: Call) -> Record:
    intent = call.world.need("payment_intent", call.ids[0])
    if intent.data["status"] not in paying.OPEN:
        raise confirming.unexpected("confirm", intent, paying.WHAT)
    _refuse_lost_customer(call, intent.data["automatic_payment_methods"])
    _describe(intent.data, call.given)
    return _confirmed(call, intent, confirming.chosen(call))


def _confirmed(call: Call, intent: Record, method: Record | None) -> Record:
    refusal = paying.confirm(
        call.world,
        intent,
        method=method,
        off_session=call.get("off_session") not in {None, False},
        return_url=call.get("return_url"),
        sdk=bool(call.get("use_stripe_sdk")),
        stops_at_action=bool(call.get("error_on_requires_action")),
    )
    if refusal is not None:
        raise refusal
    return intent


def _capture(call: Call) -> Record:
    intent = call.world.need("payment_intent", call.ids[0])
    paying.capture(call.world, intent, call.get("amount_to_capture"))
    _describe(intent.data, call.given)
    return intent


def _cancel(call: Call) -> Record:
    intent = call.world.need("payment_intent", call.ids[0])
    paying.cancel(call.world, intent, call.get("cancellation_reason"))
    return intent
