"""Somebody at Checkout: gives a card and a name, is asked by their bank perhaps, and has bought.

Nothing is made before the card is good and the bank content: a decline leaves the session as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sandbox.stripe import errors, ids, promotion_codes
from sandbox.stripe.billing import choosing, drafting, orders, payments, settling, subscribing
from sandbox.stripe.billing.choosing import Anchor
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


@dataclass(frozen=True, slots=True)
class Buyer:
    """What somebody enters; `method` is a card that the customer has saved, in place of a new one."""

    email: str | None = None
    name: str | None = None
    country: str | None = None
    card: Mapping[str, Any] | None = None
    method: str | None = None
    tax_id: tuple[str, str] | None = None
    quantities: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the page shows next: the way back, the bank's question, or why not."""

    state: Literal["complete", "requires_action", "declined"]
    url: str | None = None
    error: Mapping[str, Any] | None = None


def refuse_closed(session: Record) -> None:
    """Refuse what is over.

    Raises:
        Refusal: The session is complete or has expired.
    """
    if session.data["status"] != "open":
        raise errors.invalid(f"This Checkout Session is {session.data['status']}.", code="checkout_session_not_open")


def enter_code(world: World, session: Record, text: str | None) -> None:
    """Take a promotion code, or take it away again.

    Raises:
        Refusal: The session takes none, or there is no such code.
    """
    refuse_closed(session)
    if not session.data["allow_promotion_codes"]:
        raise errors.invalid("This Checkout Session does not take promotion codes.")
    if not text:
        session.more["discounts"] = []
        orders.reckon(world, session)
        return
    mine = {None, session.data["customer"]}
    found = [
        one
        for one in world.store.all("promotion_code")
        if one.data["code"].lower() == text.lower() and one.data["customer"] in mine
    ]
    usable = [one for one in found if promotion_codes.fresh(world, one).data["active"]]
    if not usable:
        raise errors.invalid("This code is invalid.", "promotion_code", "promotion_code_invalid")
    session.more["discounts"] = [{"promotion_code": usable[0].id}]
    orders.reckon(world, session)


def pay(world: World, session: Record, buyer: Buyer) -> Outcome:
    """Try to buy; what comes of it is shown, card errors too.

    Raises:
        Refusal: The session is over, or something that must be entered is missing.
    """
    refuse_closed(session)
    _take_quantities(world, session, buyer)
    email = buyer.email or (session.data["customer_details"] or {}).get("email")
    if email is None:
        raise errors.invalid("Enter an e-mail address.", "email", "parameter_missing")
    if session.data["automatic_tax"]["enabled"]:
        orders.reckon(world, session, buyer.country)
    buyer = replace(buyer, email=email)
    if not _needs_card(session):
        return _complete(world, session, buyer, None)
    try:
        method = payments.card(world, buyer.card or {}, _described(buyer)) if buyer.method is None else buyer.method
        asks = payments.foresee(world, method, off_session=False)
    except errors.Refusal as refusal:
        if refusal.kind != "card_error":
            raise
        return Outcome("declined", error=refusal.error(""))
    if asks:
        session.more["asked"] = (buyer, method)
        return Outcome("requires_action", f"{world.pages}/checkout/{session.id}/authenticate")
    return _complete(world, session, buyer, method)


def authenticate(world: World, session: Record, *, succeeds: bool) -> Outcome:
    """The bank has asked, and somebody has answered.

    Raises:
        Refusal: The session is over, or the bank has asked nothing.
    """
    refuse_closed(session)
    asked: tuple[Buyer, str] | None = session.more.pop("asked", None)
    if asked is None:
        raise errors.invalid("Nothing is to be authenticated here.")
    if not succeeds:
        return Outcome("declined", error=payments.not_authenticated().error(""))
    try:
        payments.foresee(world, asked[1], off_session=False, authenticated=True)
    except errors.Refusal as refusal:
        return Outcome("declined", error=refusal.error(""))
    return _complete(world, session, *asked)


def _take_quantities(world: World, session: Record, buyer: Buyer) -> None:
    items: list[orders.Item] = session.more["bought"]
    for at, item in enumerate(items):
        wanted = buyer.quantities.get(item.line)
        if wanted is None or wanted == item.quantity:
            continue
        allowed = item.adjustable or {}
        least, most = allowed.get("minimum", 0), allowed.get("maximum", 99)
        if not allowed.get("enabled") or not least <= wanted <= most:
            raise errors.invalid(
                f"The quantity of {item.line} must stay, or lie between {least} and {most}.", "quantity"
            )
        items[at] = replace(item, quantity=wanted)
    orders.reckon(world, session)


def _needs_card(session: Record) -> bool:
    data = session.data
    if data["mode"] == "subscription":
        return bool(data["payment_method_collection"] == "always" or data["amount_total"] > 0)
    return bool(data["mode"] == "setup" or data["amount_total"] > 0)


def _complete(world: World, session: Record, buyer: Buyer, method: str | None) -> Outcome:
    """It is bought: the customer, what was sold, the payment, and the session's end."""
    customer = _customer(world, session, buyer)
    if method is not None and customer is not None:
        payments.attach(world, method, customer)
    data = session.data
    if data["mode"] == "subscription" and customer is not None:
        paid = _subscribe(world, session, customer, method)
    elif data["mode"] == "payment":
        paid = _charge(world, session, customer, method)
    else:
        data["setup_intent"] = payments.set_up(world, customer, method, session.more["intent"]).id
        paid = "no_payment_required"
    data |= {
        "status": "complete",
        "payment_status": paid,
        "customer": customer.id if customer else None,
        "customer_details": _details(customer, buyer),
        "collected_information": {
            "business_name": None,
            "individual_name": None,
            "shipping_details": None,
        },
        "url": None,
    }
    world.agenda.put(session.clock, session.id, None)
    world.tell("checkout.session.completed", session)
    back = data["success_url"].replace("{CHECKOUT_SESSION_ID}", session.id)
    return Outcome("complete", back.replace("%7BCHECKOUT_SESSION_ID%7D", session.id))


def _described(buyer: Buyer) -> Doc:
    return {"email": buyer.email, "name": buyer.name, "address": {"country": buyer.country}}


def _customer(world: World, session: Record, buyer: Buyer) -> Record | None:
    data = session.data
    known = world.store.get("customer", data["customer"] or "")
    place = {"city": None, "line1": None, "line2": None, "postal_code": None, "state": None, "country": buyer.country}
    if known is not None:
        with world.changing(known) as whose:
            if buyer.country and data["automatic_tax"]["enabled"]:
                whose["address"] = {**place, **(whose["address"] or {}), "country": buyer.country}
        return known
    if data["mode"] != "subscription" and data["customer_creation"] != "always":
        return None
    made = payments.new_customer(world, buyer.email, buyer.name, place if buyer.country else None)
    if buyer.tax_id is not None:
        payments.add_tax_id(world, made, *buyer.tax_id)
    return made


def _details(customer: Record | None, buyer: Buyer) -> Doc:
    place = {"city": None, "country": buyer.country, "line1": None, "line2": None, "postal_code": None, "state": None}
    return {
        "address": place,
        "business_name": None,
        "email": buyer.email,
        "individual_name": None,
        "name": buyer.name,
        "phone": None,
        "tax_exempt": customer.data["tax_exempt"] if customer else "none",
        "tax_ids": [{"type": buyer.tax_id[0], "value": buyer.tax_id[1]}] if buyer.tax_id else [],
    }


def _subscribe(world: World, session: Record, customer: Record, method: str | None) -> str:
    """The subscription begins; its first invoice is paid with the card."""
    data, now = session.data, world.now(customer.clock)
    items: list[orders.Item] = session.more["bought"]
    fields = {name: value for name, value in session.more["subscription"].items() if name not in _NOT_FIELDS}
    if data["automatic_tax"]["enabled"]:
        fields["automatic_tax"] = {"enabled": True, "liability": {"type": "self"}, "disabled_reason": None}
    anchor = session.more["subscription"].get("billing_cycle_anchor")
    once = [(one.price, one.quantity, one.tax_rates, one.metadata) for one in items if one.price["recurring"] is None]
    order = subscribing.Order(
        customer,
        [
            subscribing.Bought(one.price, one.quantity, one.metadata, one.tax_rates)
            for one in items
            if one.price["recurring"] is not None
        ],
        data["currency"],
        {**fields, "default_payment_method": method},
        orders.trial_end(session, now),
        Anchor(anchor) if anchor else None,
        session.more["subscription"].get("proration_behavior") != "none",
        session.more["discounts"],
        subscribing.extra_seeds(world, once, data["currency"], now),
        session.id,
    )
    subscription, invoice = subscribing.begin(world, order)
    data |= {"subscription": subscription.id, "invoice": invoice.id}
    if invoice.data["status"] == "open" and method is not None:
        settling.collect(world, invoice, method=method, off_session=False, authenticated=True)
    return "paid" if invoice.data["amount_due"] else "no_payment_required"


_NOT_FIELDS = {"trial_end", "trial_period_days", "billing_cycle_anchor", "proration_behavior"}


def _charge(world: World, session: Record, customer: Record | None, method: str | None) -> str:
    """What is paid once: by an invoice, where one is wanted, else by a payment alone."""
    data = session.data
    discounts = choosing.discounts(
        world,
        customer,
        session.more["discounts"],
        "discounts",
        amount=data["amount_subtotal"],
        currency=data["currency"],
        checkout_session=session.id,
    )
    if data["invoice_creation"]["enabled"] and customer is not None:
        _invoice(world, session, customer, discounts, method)
    elif data["amount_total"] > 0 and method is not None:
        made = payments.charge(
            world, (data["amount_total"], data["currency"]), customer, method, session.more["intent"]
        )
        data["payment_intent"] = made.id
    return "paid" if data["amount_total"] else "no_payment_required"


def _invoice(world: World, session: Record, customer: Record, discounts: list[str], method: str | None) -> None:
    items: list[orders.Item] = session.more["bought"]
    now = world.now(customer.clock)
    extra = {name: value for name, value in session.more["invoice"].items() if value is not None}
    fields = {**extra, "discounts": discounts}
    seeds = [replace(one.seed(world, now), line=ids.long_id("il")) for one in items]
    made = drafting.draft(world, customer, seeds, reason="manual", currency=session.data["currency"], fields=fields)
    invoice = drafting.keep(world, made, customer.clock, auto_advance=False)
    settling.finalize(world, invoice)
    if invoice.data["status"] == "open" and method is not None:
        settling.collect(world, invoice, method=method, off_session=False, authenticated=True)
    session.data["invoice"] = invoice.id
    session.data["payment_intent"] = intent.id if (intent := payments.intent_of(world, invoice)) else None
