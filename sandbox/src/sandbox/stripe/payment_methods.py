"""Payment methods, of which there are cards: https://docs.stripe.com/api/payment_methods."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from sandbox.stripe import cards, errors, ids
from sandbox.stripe.cards import Card, Decline
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import ADDRESS, ID, LIST, METADATA, Call, Operation, address, page
from sandbox.stripe.params import Choice, Hash, Integer, Shape, Text, noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

KIND: Final = Kind("payment_method", noun="PaymentMethod", links={"customer": "customer"})
BILLING: Final = Hash(address=ADDRESS, email=Text(512), name=Text(), phone=Text(), tax_id=Text())
REDISPLAY: Final = Choice("always", "limited", "unspecified")
DATA: Final[Mapping[str, Shape]] = {
    "allow_redisplay": REDISPLAY,
    "billing_details": BILLING,
    "card": Hash(
        cvc=ID,
        exp_month=Integer(least=1, most=12),
        exp_year=Integer(),
        networks=Hash(preferred=Text()),
        number=ID,
        token=ID,
    ),
    "metadata": METADATA,
    "type": Choice("card"),
}


def operations() -> tuple[Operation, ...]:
    """All that is done with payment methods."""
    changes = {
        "allow_redisplay": REDISPLAY,
        "billing_details": BILLING,
        "card": Hash(exp_month=Integer(least=1, most=12), exp_year=Integer(), networks=Hash(preferred=Text())),
        "metadata": METADATA,
    }
    filters = {"allow_redisplay": REDISPLAY, "customer": ID, "customer_account": ID, "type": Choice("card", "link")}
    mine = {"allow_redisplay": REDISPLAY, "type": Choice("card", "link")}
    return (
        Operation("POST", "/v1/payment_methods", _create, {**DATA, "customer": ID, "payment_method": ID}),
        Operation("GET", "/v1/payment_methods", _list, {**LIST, **filters}),
        Operation("GET", "/v1/payment_methods/{}", lambda call: usable(call.world, call.ids[0], "id", 404)),
        Operation("POST", "/v1/payment_methods/{}", _update, changes),
        Operation("POST", "/v1/payment_methods/{}/attach", _attach, {"customer": ID, "customer_account": ID}),
        Operation("POST", "/v1/payment_methods/{}/detach", _detach),
        Operation("GET", "/v1/customers/{}/payment_methods", _list_of, {**LIST, **mine}),
        Operation("GET", "/v1/customers/{}/payment_methods/{}", _read_of),
    )


def usable(world: World, identifier: str, param: str = "payment_method", status: int = 400) -> Record:
    """The payment method of that id; `pm_card_…` makes a new one of that test card.

    Raises:
        Refusal: There is none.
    """
    card = cards.named(identifier) if identifier.startswith("pm_card_") else None
    return of_card(world, card) if card else world.need("payment_method", identifier, param=param, status=status)


def of_data(world: World, given: Mapping[str, Any], at: str = "") -> Record:
    """A new payment method as parameters describe it.

    Raises:
        Refusal: They name no test card, or a number, which belongs into Stripe's pages.
    """

    def place(name: str) -> str:
        return f"{at}[{name}]" if at else name

    if given.get("type") is None:
        raise errors.missing(place("type"))
    card = given.get("card") or {}
    if "number" in card:
        raise errors.Refusal(
            402,
            "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test "
            "tokens that map to the test card you are using, see https://stripe.com/docs/testing.",
            remembered=False,
        )
    if not card.get("token"):
        raise errors.missing(place("card"))
    found = cards.named(card["token"]) if card["token"].startswith("tok_") else None
    if found is None:
        raise errors.no_such("token", card["token"], place("card[token]"), 400)
    return of_card(world, found, given)


def of_number(world: World, number: str, *, month: int, year: int, cvc: str, given: Mapping[str, Any]) -> Record:
    """A new payment method as a person types it into a page of Stripe's.

    Raises:
        Refusal: It is no card's number, or it has expired (`card_error`).
    """
    plain = number.replace(" ", "").replace("-", "")
    if not cards.is_number(plain):
        wrong = Decline("incorrect_number", "incorrect_number", "Your card number is incorrect.")
        raise card_error(wrong, param="number")
    card = cards.BY_NUMBER.get(plain)
    if card is None:
        message = "Your card was declined. Your request was in test mode, but used a non test card."
        raise card_error(Decline("card_declined", "test_mode_live_card", message), param="number")
    if not 1 <= month <= 12 or year < 2000:
        code = "invalid_expiry_month" if not 1 <= month <= 12 else "invalid_expiry_year"
        raise card_error(Decline(code, code, "Your card's expiration date is invalid."), param="exp_month")
    if not (cvc.isdigit() and len(cvc) in {3, 4}):
        raise card_error(Decline("invalid_cvc", "invalid_cvc", "Your card's security code is invalid."), param="cvc")
    made = of_card(world, card, given)
    made.data["card"] |= {"exp_month": month, "exp_year": year}
    return made


def of_card(world: World, card: Card, given: Mapping[str, Any] | None = None) -> Record:
    """A new payment method of a test card, nobody's yet."""
    given = given or {}
    described = given.get("billing_details") or {}
    fingerprint = hashlib.sha256(card.number.encode()).hexdigest()[:16]
    data: Doc = {
        "id": ids.long_id("pm"),
        "object": "payment_method",
        "allow_redisplay": given.get("allow_redisplay", "unspecified"),
        "billing_details": {
            "address": address(described.get("address") or {}),
            **{name: described.get(name) for name in ("email", "name", "phone", "tax_id")},
        },
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": card.cvc},
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": fingerprint,
            "funding": card.funding,
            "generated_from": None,
            "last4": card.number[-4:],
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": world.now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": noted({}, given.get("metadata", {})),
        "type": "card",
    }
    return world.add("payment_method", data, more={"card": card, "set_up": False})


def card_of(method: Record) -> Card:
    """The test card behind a payment method."""
    card: Card = method.more["card"]
    return card


def card_error(decline: Decline, **more: Any) -> errors.Refusal:
    """What Stripe answers when a card is declined; `more` are other members, as `charge` or `payment_intent`."""
    network = decline.code == "card_declined"
    return errors.Refusal(
        402,
        decline.message,
        kind="card_error",
        code=decline.code,
        decline_code=decline.reason if network or decline.reason == "authentication_required" else None,
        advice_code=decline.advice if network else None,
        **more,
    )


def attach(world: World, method: Record, customer: Record, *, checked: bool = True) -> None:
    """Give a payment method to a customer.

    Raises:
        Refusal: It is another's, or the bank does not let it be kept (`card_error`).
    """
    if method.data["customer"] == customer.id:
        return
    if method.data["customer"] is not None or method.more.get("detached"):
        raise errors.invalid(
            "The payment method you provided has already been attached to a customer."
            if method.data["customer"]
            else "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again.",
            "payment_method",
        )
    card = card_of(method)
    if checked and not card.attaches and card.decline:
        raise card_error(card.decline)
    method.clock = customer.clock
    method.data["customer"] = customer.id
    world.tell("payment_method.attached", method)


def _create(call: Call) -> Record:
    if call.has("payment_method") or call.has("customer"):
        raise errors.invalid("Cloning payment methods needs Connect, which the sandbox has not.", "payment_method")
    return of_data(call.world, call.given)


def _update(call: Call) -> Record:
    method = call.world.need("payment_method", call.ids[0])
    if method.data["customer"] is None:
        raise errors.invalid(
            "You must save this PaymentMethod to a customer before you can update it.", code="resource_missing"
        )
    with call.world.changing(method) as data:
        for name, value in (call.get("billing_details") or {}).items():
            before = data["billing_details"][name]
            data["billing_details"][name] = address(value or {}, before) if name == "address" else value
        for name, value in (call.get("card") or {}).items():
            data["card"][name] = {**data["card"][name], **value} if name == "networks" else value
        if call.has("allow_redisplay"):
            data["allow_redisplay"] = call.given["allow_redisplay"]
        if call.has("metadata"):
            data["metadata"] = noted(data["metadata"], call.given["metadata"])
    return method


def _attach(call: Call) -> Record:
    customer = call.named("customer", "customer")
    if customer is None:
        raise errors.missing("customer")
    method = usable(call.world, call.ids[0], "payment_method", 404)
    attach(call.world, method, customer)
    return method


def _detach(call: Call) -> Record:
    world, method = call.world, call.world.need("payment_method", call.ids[0])
    customer = world.store.get("customer", method.data["customer"] or "")
    if customer is None:
        raise errors.invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            "payment_method",
        )
    if customer.data["invoice_settings"]["default_payment_method"] == method.id:
        with world.changing(customer) as data:
            data["invoice_settings"]["default_payment_method"] = None
    method.data["customer"], method.more["detached"] = None, True
    world.tell("payment_method.detached", method, before={"customer": customer.id})
    return method


def _list(call: Call) -> Doc:
    customer = call.named("customer", "customer")
    return _page(call, customer.id if customer else None)


def _list_of(call: Call) -> Doc:
    return _page(call, call.world.need("customer", call.ids[0]).id)


def _page(call: Call, customer: str | None) -> Doc:
    def meant(one: Record) -> bool:
        data = one.data
        if customer is None or data["customer"] != customer:
            return False
        return all(data[name] == call.given[name] for name in ("allow_redisplay", "type") if call.has(name))

    found = (one for one in call.world.store.all("payment_method") if meant(one))
    return page(call, found, kind="payment_method")


def _read_of(call: Call) -> Record:
    method = call.world.need("payment_method", call.ids[1])
    if method.data["customer"] != call.ids[0]:
        raise errors.no_such(KIND.noun, call.ids[1])
    return method
