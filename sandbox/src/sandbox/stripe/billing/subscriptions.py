"""Subscriptions: https://docs.stripe.com/api/subscriptions."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from sandbox.stripe import errors
from sandbox.stripe.billing import (
    changing,
    choosing,
    following,
    invoicing,
    moments,
    payments,
    settling,
    subscribing,
    terms,
)
from sandbox.stripe.billing.planning import Change, plan
from sandbox.stripe.billing.subscribing import Bought, Order
from sandbox.stripe.engine.prorations import credit
from sandbox.stripe.kinds import Kind
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import FLAG, ID, LIST, METADATA, PERIOD, TIME, Call, Operation, page, reading, within
from sandbox.stripe.params import Choice, Either, Hash, Integer, List, Shape, Text, noted
from sandbox.stripe.searching import searching
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import CLOCK

KIND: Final = Kind(
    "subscription",
    links={
        "customer": "customer",
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "latest_invoice": "invoice",
        "pending_setup_intent": "setup_intent",
        "schedule": "subscription_schedule",
        "test_clock": CLOCK,
    },
    searched={"status": "status"},
)
ITEM: Final = Kind("subscription_item", links={"discounts": "discount"})

AUTOMATIC_TAX: Final = Hash(enabled=FLAG, liability=Hash(account=ID, type=Choice("account", "self")))
INVOICE_SETTINGS: Final = Hash(
    account_tax_ids=List(ID, unsets=True),
    custom_fields=List(Hash(name=Text(40, required=True), value=Text(140, required=True)), most=4, unsets=True),
    description=Text(1500),
    footer=Text(5000),
    issuer=Hash(account=ID, type=Choice("account", "self")),
)
PAYMENT_SETTINGS: Final = Hash(
    payment_method_options=Hash(card=Hash(request_three_d_secure=Choice("any", "automatic", "challenge"))),
    payment_method_types=List(Choice("card", "sepa_debit", "link", "paypal"), unsets=True),
    save_default_payment_method=Choice("off", "on_subscription"),
)
TRIAL_SETTINGS: Final = Hash(
    end_behavior=Hash(
        missing_payment_method=Choice("cancel", "create_invoice", "pause", required=True), required=True
    )
)
CANCELLATION: Final = Hash(
    comment=Text(),
    feedback=Choice(
        "customer_service",
        "low_quality",
        "missing_features",
        "other",
        "switched_service",
        "too_complex",
        "too_expensive",
        "unused",
        unsets=True,
    ),
)
_BOTH: Final[Mapping[str, Shape]] = {
    "add_invoice_items": choosing.EXTRA_ITEMS,
    "automatic_tax": AUTOMATIC_TAX,
    "cancel_at": Either(Choice("max_period_end", "min_period_end", unsets=True), TIME),
    "cancel_at_period_end": FLAG,
    "collection_method": Choice("charge_automatically", "send_invoice"),
    "days_until_due": Integer(least=0, most=730),
    "default_payment_method": Text(),
    "default_tax_rates": choosing.RATES,
    "description": Text(500),
    "discounts": choosing.DISCOUNTS,
    "invoice_settings": INVOICE_SETTINGS,
    "metadata": METADATA,
    "off_session": FLAG,
    "payment_behavior": choosing.PAYMENT,
    "payment_settings": PAYMENT_SETTINGS,
    "proration_behavior": choosing.BEHAVIOR,
    "trial_end": choosing.TRIAL_END,
    "trial_from_plan": FLAG,
    "trial_settings": TRIAL_SETTINGS,
}
_CREATION: Final[Mapping[str, Shape]] = {
    **_BOTH,
    "billing_cycle_anchor": TIME,
    "billing_cycle_anchor_config": Hash(
        day_of_month=Integer(least=1, most=31, required=True),
        hour=Integer(least=0, most=23),
        minute=Integer(least=0, most=59),
        month=Integer(least=1, most=12),
        second=Integer(least=0, most=59),
    ),
    "billing_mode": Hash(
        flexible=Hash(proration_discounts=Choice("included", "itemized")),
        type=Choice("classic", "flexible", required=True),
    ),
    "currency": Text(),
    "customer": Text(required=True, unsets=False),
    "items": choosing.NEW_ITEMS,
    "trial_period_days": Integer(least=0, most=choosing.LONGEST_TRIAL),
}
_CHANGES: Final[Mapping[str, Shape]] = {
    **_BOTH,
    "billing_cycle_anchor": Choice("now", "unchanged"),
    "cancellation_details": CANCELLATION,
    "items": choosing.CHANGED_ITEMS,
    "pause_collection": Hash(
        behavior=Choice("keep_as_draft", "mark_uncollectible", "void", required=True), resumes_at=TIME, unsets=True
    ),
    "proration_date": TIME,
}
_PLAIN: Final = ("collection_method", "days_until_due", "default_payment_method", "description")
_PATH: Final = "/v1/subscriptions"


def operations() -> tuple[Operation, ...]:
    """All that is done with subscriptions."""
    filters = {
        "collection_method": Choice("charge_automatically", "send_invoice"),
        "created": PERIOD,
        "current_period_end": PERIOD,
        "current_period_start": PERIOD,
        "customer": ID,
        "price": ID,
        "status": Choice(
            "active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused",
            "trialing", "unpaid",
        ),
        "test_clock": ID,
    }  # fmt: skip
    ending = {"cancellation_details": CANCELLATION, "invoice_now": FLAG, "prorate": FLAG}
    resuming = {
        "billing_cycle_anchor": Choice("now", "unchanged"),
        "proration_behavior": choosing.BEHAVIOR,
        "proration_date": TIME,
    }
    migration = Hash(
        flexible=Hash(proration_discounts=Choice("included", "itemized")),
        type=Choice("flexible", required=True),
        required=True,
    )
    return (
        Operation("POST", _PATH, _create, _CREATION),
        Operation("GET", _PATH, _list, {**LIST, **filters}),
        searching(KIND, f"{_PATH}/search"),
        reading("subscription", _PATH + "/{}"),
        Operation("POST", _PATH + "/{}", _update, _CHANGES),
        Operation("DELETE", _PATH + "/{}", cancel, ending),
        Operation("DELETE", _PATH + "/{}/discount", _drop_discount),
        Operation("POST", _PATH + "/{}/resume", _resume, resuming),
        Operation("POST", _PATH + "/{}/migrate", _migrate, {"billing_mode": migration}),
    )


def _create(call: Call) -> Record:
    world, given = call.world, call.given
    customer = world.need("customer", given["customer"], param="customer", status=400)
    currency = _currency(call, customer)
    bought = _bought(call, currency)
    now = world.now(customer.clock)
    prices = [each.price for each in bought]
    interval = terms.interval_of([{"price": price} for price in prices])
    trial_end = choosing.trial_end(given, prices, now)
    fields = _fields(call, customer, {})
    behavior = given.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise errors.invalid("`pending_if_incomplete` is for updates of subscriptions only.", "payment_behavior")
    free = trial_end is not None or not choosing.costs(
        world, [(each.price, each.quantity) for each in bought], currency
    )
    sends = fields.get("collection_method") == "send_invoice"
    if not free and not sends and behavior != "default_incomplete":
        shell = {"customer": customer.id, "default_payment_method": fields.get("default_payment_method")}
        payments.refuse_without_method(world, shell)
        if behavior == "error_if_incomplete":
            payments.refuse_unpayable(world, shell, off_session=bool(given.get("off_session")))
    order = Order(
        customer,
        bought,
        currency,
        fields,
        trial_end,
        choosing.anchor(given, interval, now),
        given.get("proration_behavior") != "none",
        given.get("discounts") or (),
        _once(call, currency, now),
    )
    subscription, invoice = subscribing.begin(world, order)
    if invoice.data["status"] == "open" and not sends and behavior != "default_incomplete":
        settling.collect(world, invoice, off_session=bool(given.get("off_session")))
    elif invoice.data["amount_due"] == 0 and not sends:
        payments.want_card(world, subscription)
    _end_as_asked(call, subscription)
    return subscription


def _currency(call: Call, customer: Record) -> str:
    """What the subscription is in: as asked, else as the customer has paid before, else as the first price is."""
    if call.get("currency"):
        return currency_of(call.given["currency"])
    items = call.get("items") or []
    first = choosing.price_of(call, items[0], "items[0]") if items and items[0].get("price") else None
    if first is None:
        data = items[0].get("price_data") if items else None
        return currency_of(data["currency"]) if data else call.world.account.default_currency
    own = customer.data["currency"]
    offered = first.more["currency_options"]
    return own if own in offered else str(first.data["currency"])


def _bought(call: Call, currency: str) -> list[Bought]:
    items = call.get("items") or []
    if not items:
        raise errors.missing("items")
    found = []
    for i, each in enumerate(items):
        at = f"items[{i}]"
        price = choosing.price_of(call, each, at, currency)
        if price is None:
            raise errors.missing(f"{at}[price]")
        rates = choosing.rates(call, each.get("tax_rates"), f"{at}[tax_rates]")
        notes = noted({}, each.get("metadata", {}))
        doc = choosing.recurring(price, f"{at}[price]")
        found.append(Bought(doc, each.get("quantity", 1), notes, rates, each.get("discounts") or ()))
    if len({each.price["id"] for each in found}) < len(found):
        raise errors.invalid("Cannot add multiple subscription items with the same plan.", "items")
    return found


def _once(call: Call, currency: str, now: int) -> list[Any]:
    found = []
    for i, each in enumerate(call.get("add_invoice_items") or []):
        at = f"add_invoice_items[{i}]"
        price = choosing.price_of(call, each, at, currency)
        if price is None:
            raise errors.missing(f"{at}[price]")
        rates = choosing.rates(call, each.get("tax_rates"), f"{at}[tax_rates]")
        found.append((price.shown(), each.get("quantity", 1), rates, noted({}, each.get("metadata", {}))))
    return subscribing.extra_seeds(call.world, found, currency, now)


def _fields(call: Call, customer: Record, before: Mapping[str, Any]) -> Doc:
    """What is written into a subscription as it was given."""
    given = call.given
    found: Doc = {name: given[name] for name in _PLAIN if name in given}
    if given.get("default_payment_method"):
        payments.refuse_foreign(call.world, customer, given["default_payment_method"])
    if found.get("collection_method") == "send_invoice" and not (
        given.get("days_until_due") or before.get("days_until_due")
    ):
        raise errors.invalid(
            "You must pass `days_until_due` when `collection_method` is `send_invoice`.", "days_until_due"
        )
    if "default_tax_rates" in given:
        found["default_tax_rates"] = choosing.rates(call, given["default_tax_rates"], "default_tax_rates")
    if "metadata" in given:
        found["metadata"] = noted(before.get("metadata", {}), given["metadata"])
    for name in ("automatic_tax", "invoice_settings", "payment_settings", "trial_settings", "billing_mode"):
        if given.get(name) is not None:
            found[name] = {**before.get(name, {}), **deepcopy(given[name])}
    if found.get("billing_mode", {}).get("type") == "classic":
        found["billing_mode"] |= {"flexible": None}
    elif "billing_mode" in found:
        found["billing_mode"] |= {
            "flexible": found["billing_mode"].get("flexible") or {"proration_discounts": "included"}
        }
    if found.get("automatic_tax", {}).get("enabled"):
        found["automatic_tax"] |= {"liability": {"type": "self"}}
    return found


def _list(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        data, period = one.data, terms.period_of(one.data)
        status = call.get("status")
        ended = data["status"] in {"canceled", "incomplete_expired"}
        if (status is None and data["status"] == "canceled") or (status == "ended" and not ended):
            return False
        if status not in {None, "all", "ended", data["status"]}:
            return False
        if call.has("price") and all(item["price"]["id"] != call.given["price"] for item in terms.items_of(data)):
            return False
        if one.clock != call.get("test_clock") and not (call.has("customer") and not call.has("test_clock")):
            return False
        spans = (
            (data["created"], "created"),
            (period.start, "current_period_start"),
            (period.end, "current_period_end"),
        )
        same = all(data[name] == call.given[name] for name in ("customer", "collection_method") if call.has(name))
        return same and all(within(at, call.get(name)) for at, name in spans)

    found = (one for one in call.world.store.all("subscription") if meant(one))
    return page(call, found, kind="subscription")


def _update(call: Call) -> Record:
    subscription, given = call.world.need("subscription", call.ids[0]), call.given
    if set(given) - {"metadata", "cancellation_details"}:
        changing.refuse_ended(subscription)
    update(call, subscription)
    return subscription


def change_of(call: Call, subscription: Record, given: Mapping[str, Any]) -> Change:
    """What these parameters ask to be changed in items, period and trial."""
    data = subscription.data
    end = given.get("trial_end")
    now = call.world.now(subscription.clock)
    return Change(
        choosing.item_changes(call, data["currency"], given.get("items") or [], subscription.id),
        given.get("billing_cycle_anchor") == "now",
        now if end == "now" else choosing.trial_end(given, [], now) if end else None,
        given.get("proration_behavior", "create_prorations"),
        given.get("proration_date"),
    )


def update(call: Call, subscription: Record) -> None:
    """Change a subscription as the parameters say: what is written down first, then what costs."""
    world, given = call.world, call.given
    customer = world.need("customer", subscription.data["customer"])
    fields = _fields(call, customer, subscription.data)
    subscribing.refuse_unlocated(customer, enabled=bool((fields.get("automatic_tax") or {}).get("enabled")))
    change = change_of(call, subscription, given)
    costs = bool(change.items) or change.anchor_now or change.trial_end is not None
    planned = plan(world, subscription, change) if costs else None
    for seed in _once(call, subscription.data["currency"], world.now(subscription.clock)):
        terms.wait(world, subscription, seed)
    with world.changing(subscription, "customer.subscription.updated") as data:
        data.update(fields)
        if "pause_collection" in given:
            pauses = given["pause_collection"]
            data["pause_collection"] = {"resumes_at": None, **pauses} if pauses else None
        if given.get("cancellation_details"):
            data["cancellation_details"] |= given["cancellation_details"]
        if "discounts" in given:
            data["discounts"] = choosing.discounts(
                world,
                customer,
                given["discounts"],
                "discounts",
                currency=data["currency"],
                subscription=subscription.id,
            )
    if planned is not None:
        if "discounts" in given:
            planned = plan(world, subscription, change)
        behavior = given.get("payment_behavior", "allow_incomplete")
        changing.carry_out(world, subscription, planned, payment=behavior, off_session=bool(given.get("off_session")))
    _end_as_asked(call, subscription)
    moments.plan(world, subscription)


def _end_as_asked(call: Call, subscription: Record) -> None:
    """Cancel at a moment or at the end of the period, or take that back."""
    given, world = call.given, call.world
    if given.get("cancel_at") is not None and given.get("cancel_at_period_end"):
        raise errors.invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.", "cancel_at"
        )
    if "cancel_at" not in given and "cancel_at_period_end" not in given:
        return
    if subscription.data["schedule"]:
        raise errors.invalid(
            f"The subscription is managed by the subscription schedule `{subscription.data['schedule']}`, and "
            "updating any cancelation behavior directly is not allowed. Please update the schedule instead."
        )
    with world.changing(subscription, "customer.subscription.updated") as data:
        end = terms.period_of(data).end
        at = given.get("cancel_at") if not given.get("cancel_at_period_end") else end
        at = end if at in {"max_period_end", "min_period_end"} else at
        data["cancel_at"] = at
        data["cancel_at_period_end"] = bool(given.get("cancel_at_period_end"))
        data["canceled_at"] = None if at is None else world.now(subscription.clock)
        data["cancellation_details"]["reason"] = None if at is None else "cancellation_requested"
    moments.plan(world, subscription)


def cancel(call: Call) -> Record:
    """End a subscription at once.

    Raises:
        Refusal: It has ended.
    """
    world, subscription = call.world, call.world.need("subscription", call.ids[0])
    data = subscription.data
    if data["status"] in {"canceled", "incomplete_expired"}:
        raise errors.no_such("subscription", subscription.id)
    if call.get("cancellation_details"):
        data["cancellation_details"] |= call.given["cancellation_details"]
    if call.get("prorate") and data["status"] != "trialing":
        at = world.now(subscription.clock)
        for item in terms.items_of(data):
            held = terms.held(world, item)
            if held.amount:
                terms.wait(world, subscription, terms.prorated(world, data, item, credit(held, at), at))
    if data["pending_update"]:
        changing.drop_pending(world, subscription)
    if call.get("invoice_now") and (held_items := invoicing.waiting(world, subscription)):
        invoice = invoicing.final(world, subscription, held_items)
        settling.finalize(world, invoice)
        settling.look_at_open(world, invoice)
    for invoice in world.store.all("invoice"):
        mine = following.subscription_of(world, invoice.data)
        if mine is subscription and invoice.data["status"] in {"draft", "open"}:
            invoice.data["auto_advance"] = False
            invoice.data["next_payment_attempt"] = None
            settling.plan(world, invoice)
    following.end(world, subscription, "cancellation_requested")
    return subscription


def _drop_discount(call: Call) -> Doc:
    subscription = call.world.need("subscription", call.ids[0])
    found = [call.world.need("discount", one) for one in subscription.data["discounts"]]
    if not found:
        raise errors.no_such("discount", subscription.id)
    with call.world.changing(subscription, "customer.subscription.updated") as data:
        data["discounts"] = []
    for discount in found:
        call.world.tell("customer.discount.deleted", discount)
    return {"id": found[0].id, "object": "discount", "deleted": True, **found[0].shown()}


def _resume(call: Call) -> Record:
    world, subscription = call.world, call.world.need("subscription", call.ids[0])
    if subscription.data["status"] != "paused":
        raise errors.invalid("This subscription cannot be resumed: only subscriptions that are paused can be.")
    now = world.now(subscription.clock)
    anchored = call.get("billing_cycle_anchor", "now") == "now" or terms.period_of(subscription.data).end <= now
    following.move(world, subscription, "active")
    planned = plan(world, subscription, Change(anchor_now=anchored, behavior="none"))
    changing.carry_out(world, subscription, planned, payment="allow_incomplete", off_session=True)
    moments.plan(world, subscription)
    return subscription


def _migrate(call: Call) -> Record:
    subscription = call.world.need("subscription", call.ids[0])
    asked = call.given["billing_mode"]
    with call.world.changing(subscription, "customer.subscription.updated") as data:
        data["billing_mode"] = {
            "flexible": {"proration_discounts": "included", **(asked.get("flexible") or {})},
            "type": "flexible",
            "updated_at": call.world.now(subscription.clock),
        }
    return subscription
