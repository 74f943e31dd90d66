"""How billing asks for money: the payment of an invoice, and the cards that it can be taken from."""

from collections.abc import Mapping
from typing import Any

from sandbox.stripe import confirming, customers, errors, paying, payment_methods, refunds, setting_up, tax_ids
from sandbox.stripe.billing import following, shapes
from sandbox.stripe.operations import Call
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


def begin(world: World, invoice: Record) -> None:
    """Make the payment of a final invoice: an intent over what remains, which anybody with its secret can confirm."""
    data = invoice.data
    customer = world.need("customer", data["customer"])
    of_subscription = data["parent"] is not None
    intent = paying.make(
        world,
        amount=data["amount_remaining"],
        currency=data["currency"],
        customer=customer,
        description=_described(data),
        setup_future_usage="off_session" if of_subscription else None,
    )
    intent.more["invoice"] = invoice.id
    made = shapes.invoice_payment(
        invoice.id, data["amount_remaining"], data["currency"], intent.id, intent.data["created"]
    )
    invoice.more["payment"] = world.add("invoice_payment", made, clock=invoice.clock).id


def _described(invoice: Doc) -> str:
    told = {"subscription_create": "Subscription creation", "subscription_update": "Subscription update"}
    return told.get(invoice["billing_reason"], f"Payment for Invoice {invoice['number']}")


def payment_of(world: World, invoice: Record) -> Record | None:
    """The payment of an invoice, if it has one."""
    return world.store.get("invoice_payment", invoice.more.get("payment", ""))


def intent_of(world: World, invoice: Record) -> Record | None:
    """The intent by which an invoice is paid."""
    payment = payment_of(world, invoice)
    return world.store.get("payment_intent", payment.data["payment"]["payment_intent"]) if payment else None


def attempt(world: World, invoice: Record, method: str, *, off_session: bool, authenticated: bool = False) -> str:
    """Try to take what remains from a card: `paid`, `action` where the bank asks its customer, or `declined`.

    An invoice whose intent succeeds is settled by whoever hears of it, not here.
    """
    intent = intent_of(world, invoice)
    if intent is None:
        return "declined"
    card = world.need("payment_method", method)
    asks = confirming.asks(card, intent, off_session=off_session)
    intent.more["attempting"] = True
    try:
        refusal = paying.confirm(
            world,
            intent,
            method=card,
            off_session=off_session and not asks,
            sdk=True,
            authenticated=asks and authenticated,
        )
    finally:
        intent.more["attempting"] = False
    return _outcome(invoice, intent, refusal)


def _outcome(invoice: Record, intent: Record, refusal: errors.Refusal | None) -> str:
    invoice.more["refusal"] = refusal
    if intent.data["status"] == "succeeded":
        return "paid"
    return "action" if intent.data["status"] == "requires_action" else "declined"


def answer(world: World, invoice: Record, *, succeeds: bool) -> str:
    """Somebody answers the bank that asks about an invoice's payment.

    Raises:
        Refusal: It asks nothing.
    """
    intent = intent_of(world, invoice)
    if intent is None:
        raise errors.invalid("Nothing is to be authenticated here.")
    return _outcome(invoice, intent, paying.authenticate(world, intent, passes=succeeds))


def close(world: World, invoice: Record) -> None:
    """Note that an invoice's payment was made."""
    payment = payment_of(world, invoice)
    if payment is not None and payment.data["status"] == "open":
        payment.data |= {"status": "paid", "amount_paid": payment.data["amount_requested"]}
        payment.data["status_transitions"]["paid_at"] = world.now(invoice.clock)
        world.tell("invoice_payment.paid", payment)


def cancel(world: World, invoice: Record) -> None:
    """Give up an open payment of an invoice."""
    payment, intent = payment_of(world, invoice), intent_of(world, invoice)
    if payment is None or intent is None or payment.data["status"] != "open":
        return
    payment.data["status"] = "canceled"
    payment.data["status_transitions"]["canceled_at"] = world.now(invoice.clock)
    if intent.data["status"] in paying.CANCELABLE:
        paying.cancel(world, intent, "void_invoice")


def resize(world: World, invoice: Record) -> None:
    """Ask for what remains only."""
    payment, intent = payment_of(world, invoice), intent_of(world, invoice)
    if payment is not None and intent is not None and payment.data["status"] == "open":
        intent.data["amount"] = payment.data["amount_requested"] = invoice.data["amount_remaining"]


def why(world: World, invoice: Record) -> errors.Refusal:
    """What the API says when an invoice could not be paid."""
    told: errors.Refusal | None = invoice.more.get("refusal")
    if told is not None:
        return told
    intent = intent_of(world, invoice)
    refusal = errors.Refusal(
        402,
        "This payment requires additional user action before it can be completed successfully. Payment can be "
        "completed using the PaymentIntent associated with this invoice. For more details see: "
        "https://stripe.com/docs/billing/subscriptions/overview#requires-action",
        kind="card_error",
        code="invoice_payment_intent_requires_action",
    )
    if intent is not None:
        refusal.more["payment_intent"] = intent.shown()
    return refusal


def method_for(world: World, data: Doc) -> str | None:
    """The card that an invoice or a subscription is charged to: its own, its subscription's, or the customer's."""
    own = data.get("default_payment_method")
    if own:
        return str(own)
    subscription = following.subscription_of(world, data) if data.get("parent") else None
    if subscription is not None and subscription.data["default_payment_method"]:
        return str(subscription.data["default_payment_method"])
    customer = world.store.get("customer", data["customer"])
    found: str | None = customer.data["invoice_settings"]["default_payment_method"] if customer else None
    return found


def refuse_without_method(world: World, data: Doc) -> None:
    """Refuse to charge where there is nothing to charge.

    Raises:
        Refusal: Neither what is to be paid nor its customer has a card.
    """
    if method_for(world, data) is None:
        raise errors.Refusal(
            400,
            "This customer has no attached payment source or default payment method. Please consider adding a "
            "default payment method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )


def refuse_unpayable(world: World, data: Doc, *, off_session: bool) -> None:
    """Refuse what could not be paid at once, before anything is done.

    Raises:
        Refusal: The card would be declined, or its bank would ask (`card_error`).
    """
    method = method_for(world, data)
    if method is not None and foresee(world, method, off_session=off_session):
        raise errors.Refusal(
            402,
            "Payment for this subscription requires additional user action before it can be completed successfully. "
            "Payment can be completed using the PaymentIntent associated with `subscription.latest_invoice`.",
            kind="card_error",
            code="subscription_payment_intent_requires_action",
        )


def foresee(world: World, method: str, *, off_session: bool, authenticated: bool = False) -> bool:
    """Whether a card's bank would ask its customer now.

    Raises:
        Refusal: It would not, and decline (`card_error`).
    """
    record = world.need("payment_method", method)
    card = payment_methods.card_of(record)
    shell = Record("payment_intent", {"payment_method_options": {}})
    if not authenticated and confirming.asks(record, shell, off_session=off_session):
        return True
    if card.decline is not None:
        raise payment_methods.card_error(card.decline)
    return False


def not_authenticated() -> errors.Refusal:
    """The bank was not content with what it was answered."""
    return errors.Refusal(
        402,
        "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        kind="card_error",
        code="payment_intent_authentication_failure",
    )


def refuse_foreign(world: World, customer: Record, method: str, at: str = "default_payment_method") -> None:
    """Refuse a card that is not the customer's.

    Raises:
        Refusal: There is no such card, or another has it.
    """
    found = world.need("payment_method", method, param=at, status=400)
    if found.data["customer"] != customer.id:
        raise errors.invalid(
            f"The customer does not have a payment method with the ID {method}. The payment method must be "
            "attached to the customer.",
            at,
            "resource_missing",
        )


def card(world: World, typed: Mapping[str, Any], described: Mapping[str, Any] | None = None) -> str:
    """The card that somebody has typed into a page, as a payment method of nobody yet.

    Raises:
        Refusal: It is no card (`card_error`), or none was typed.
    """
    if not typed:
        raise errors.invalid("Enter a card number.", "card", "parameter_missing")
    details = {"billing_details": described or {}}
    made = payment_methods.of_number(
        world, typed["number"], month=typed["exp_month"], year=typed["exp_year"], cvc=typed["cvc"], given=details
    )
    return made.id


def attach(world: World, method: str, customer: Record) -> None:
    """Give a card to a customer.

    Raises:
        Refusal: It is another's, or its bank does not let it be kept (`card_error`).
    """
    payment_methods.attach(world, world.need("payment_method", method), customer)


def charge(
    world: World, money: tuple[int, str], customer: Record | None, method: str, given: Mapping[str, Any]
) -> Record:
    """A payment alone, made by somebody whose bank has been asked already."""
    names = ("capture_method", "description", "receipt_email", "setup_future_usage", "statement_descriptor")
    more = {name: given[name] for name in names if given.get(name) is not None}
    record = world.need("payment_method", method)
    intent = paying.make(
        world,
        amount=money[0],
        currency=money[1],
        customer=customer,
        metadata=dict(given.get("metadata") or {}),
        **more,
    )
    asks = confirming.asks(record, intent, off_session=False)
    paying.confirm(world, intent, method=record, authenticated=asks)
    return intent


def new_customer(world: World, email: str | None, name: str | None, place: Doc | None) -> Record:
    """Somebody who was not known before."""
    given = {"email": email, **({"name": name} if name else {}), **({"address": place} if place else {})}
    return customers.create(Call(world, (), given, "/v1/customers"))


def add_tax_id(world: World, customer: Record, kind: str, value: str) -> None:
    """A tax id that somebody has entered."""
    tax_ids.refuse_value(kind, value, "tax_id")
    tax_ids.create(world, customer, {"type": kind, "value": value})


def set_up(world: World, customer: Record | None, method: str | None, given: Mapping[str, Any]) -> Record:
    """A card is kept for later, by somebody whose bank has been asked already."""
    record = world.store.get("payment_method", method or "")
    intent = setting_up.make(
        world, customer=customer, description=given.get("description"), metadata=dict(given.get("metadata") or {})
    )
    setting_up.confirm(world, intent, method=record, authenticated=True)
    return intent


def want_card(world: World, subscription: Record) -> None:
    """Where nothing is due yet and no card is there: an intent by which one can be given."""
    if method_for(world, subscription.data) is None:
        customer = world.need("customer", subscription.data["customer"])
        intent = setting_up.make(world, customer=customer)
        subscription.data["pending_setup_intent"] = intent.id


def refund(call: Call, invoice: Record, amount: int) -> Record:
    """Give money back that an invoice was paid with.

    Raises:
        Refusal: It was not paid by card, or so much is not left.
    """
    intent = intent_of(call.world, invoice)
    if intent is None or intent.data["latest_charge"] is None:
        raise errors.invalid("The invoice was not paid with a card: there is nothing to refund.", "refund_amount")
    return refunds.make(call.world, call.world.need("charge", intent.data["latest_charge"]), amount)
