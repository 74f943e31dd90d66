"""What an invoice will be: https://docs.stripe.com/api/invoices/create_preview.

A preview is the draft that the same change would make, by the same plan, and nothing is kept of it.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from sandbox.stripe import errors, ids
from sandbox.stripe.billing import changing, choosing, drafting, invoice_items, invoicing, planning, shapes, terms
from sandbox.stripe.billing.seeds import Seed
from sandbox.stripe.engine.periods import Period, period_at
from sandbox.stripe.engine.prorations import credit
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import ADDRESS, FLAG, ID, METADATA, TIME, Call
from sandbox.stripe.params import Choice, Either, Hash, Integer, List, Number, Shape, Text
from sandbox.stripe.store import Doc, Record

_DETAILS: Final = Hash(
    billing_cycle_anchor=Either(Choice("now", "unchanged"), TIME),
    billing_mode=Hash(
        flexible=Hash(proration_discounts=Choice("included", "itemized")),
        type=Choice("classic", "flexible", required=True),
    ),
    cancel_at=Either(Choice("max_period_end", "min_period_end", unsets=True), TIME),
    cancel_at_period_end=FLAG,
    cancel_now=FLAG,
    default_tax_rates=choosing.RATES,
    items=choosing.CHANGED_ITEMS,
    proration_behavior=choosing.BEHAVIOR,
    proration_date=TIME,
    resume_at=Choice("now"),
    start_date=TIME,
    trial_end=choosing.TRIAL_END,
)
SHAPE: Final[Mapping[str, Shape]] = {
    "automatic_tax": Hash(enabled=FLAG, liability=Hash(account=ID, type=Choice("account", "self"))),
    "currency": Text(),
    "customer": ID,
    "customer_details": Hash(
        address=ADDRESS, tax=Hash(ip_address=Text()), tax_exempt=Choice("exempt", "none", "reverse", unsets=True)
    ),
    "discounts": choosing.DISCOUNTS,
    "invoice_items": List(
        Hash(
            amount=Integer(),
            currency=Text(),
            description=Text(),
            discountable=FLAG,
            discounts=choosing.DISCOUNTS,
            invoiceitem=ID,
            metadata=METADATA,
            period=Hash(end=TIME, start=TIME),
            price=ID,
            price_data=choosing.PRICE_DATA,
            quantity=choosing.QUANTITY,
            tax_rates=choosing.RATES,
            unit_amount_decimal=Number(),
        ),
        most=250,
    ),
    "preview_mode": Choice("next", "recurring"),
    "subscription": ID,
    "subscription_details": _DETAILS,
}


def preview(call: Call) -> Doc:
    """The invoice as it would be.

    Raises:
        Refusal: There would be none, or what is asked for cannot be done.
    """
    world = call.world
    subscription = call.named("subscription", "subscription")
    customer = _customer(call, subscription)
    tried: list[Record] = []
    try:
        tried += choosing.tried(world, call.get("discounts"), world.now(customer.clock))
        made = _made(call, customer, subscription, [one.id for one in tried] if call.has("discounts") else None)
    finally:
        for one in [*tried, *([customer] if customer.more.get("passing") else [])]:
            world.store.remove(one)
    return _shown(made, call)


def _customer(call: Call, subscription: Record | None) -> Record:
    world = call.world
    if subscription is not None:
        if call.get("customer") not in {None, subscription.data["customer"]}:
            raise errors.invalid("The subscription is not of that customer.", "subscription")
        return world.need("customer", subscription.data["customer"])
    if call.has("customer"):
        return world.need("customer", call.given["customer"], param="customer", status=400)
    if not call.has("customer_details"):
        raise errors.missing("customer")
    details = call.given["customer_details"] or {}
    data = {
        "id": ids.short_id("cus"),
        "object": "customer",
        "balance": 0,
        "currency": None,
        "address": details.get("address"),
        "tax_exempt": details.get("tax_exempt") or "none",
    }
    return world.store.add("customer", data, more={"passing": True})


def _made(call: Call, customer: Record, subscription: Record | None, discounts: list[str] | None) -> drafting.Draft:
    details = call.get("subscription_details") or {}
    extra = _extra(call, customer)
    if subscription is not None:
        return _of_change(call, subscription, details, discounts, extra)
    if details.get("items"):
        return _of_new(call, customer, details, discounts, extra)
    running = [
        one
        for one in call.world.store.all("subscription")
        if one.data["customer"] == customer.id and one.data["status"] in {"active", "trialing", "past_due"}
    ]
    running = [one for one in running if one.data["cancel_at"] is None]
    if running:
        soonest = min(running, key=lambda one: terms.period_of(one.data).end)
        return _of_change(call, soonest, details, discounts, extra)
    currency = currency_of(call.given["currency"]) if call.get("currency") else customer.data["currency"]
    held = drafting.pending(call.world, customer.id, None, currency or call.world.account.default_currency)
    if not held and not extra:
        raise _none(customer)
    seeds = [*map(drafting.seed_of, held), *extra]
    fields = {"discounts": discounts} if discounts is not None else None
    return drafting.draft(call.world, customer, seeds, reason="upcoming", currency=seeds[0].currency, fields=fields)


def _none(customer: Record) -> errors.Refusal:
    return errors.Refusal(
        404, f"No upcoming invoices for customer: {customer.id}", code="invoice_upcoming_none", remembered=False
    )


def _extra(call: Call, customer: Record) -> list[Seed]:
    found = []
    for i, each in enumerate(call.get("invoice_items") or []):
        given = {**each, "pricing": {"price": each["price"]}} if each.get("price") else each
        found.append(invoice_items.seed_of(call, customer, given, f"invoice_items[{i}]"))
    return found


def _shadow(subscription: Record, discounts: list[str] | None, details: Mapping[str, Any], call: Call) -> Record:
    """The subscription once more, to be changed without anybody seeing it."""
    data = deepcopy(subscription.data)
    if discounts is not None:
        data["discounts"] = discounts
    if "default_tax_rates" in details:
        data["default_tax_rates"] = choosing.rates(call, details["default_tax_rates"], "subscription_details")
    if call.get("automatic_tax"):
        data["automatic_tax"] = {**data["automatic_tax"], **call.given["automatic_tax"]}
    return Record("subscription", data, {}, subscription.clock)


def _of_change(
    call: Call,
    subscription: Record,
    details: Mapping[str, Any],
    discounts: list[str] | None,
    extra: Sequence[Seed],
) -> drafting.Draft:
    world = call.world
    changing.refuse_ended(subscription)
    shadow = _shadow(subscription, discounts, details, call)
    data, now = shadow.data, world.now(subscription.clock)
    if details.get("cancel_now"):
        return _of_end(call, shadow, details, extra)
    change = planning.Change(
        choosing.item_changes(call, data["currency"], details.get("items") or [], subscription.id),
        details.get("billing_cycle_anchor") == "now",
        now if details.get("trial_end") == "now" else choosing.trial_end(details, [], now),
        details.get("proration_behavior", "create_prorations"),
        details.get("proration_date"),
    )
    plan = planning.plan(world, shadow, change)
    if plan.bills:
        return changing.draft_of(world, shadow, plan, [*plan.prorations, *extra])
    data["items"]["data"] = [dict(item) for item in plan.items]
    data |= {"billing_cycle_anchor": plan.anchor, "status": plan.status}
    ends = details.get("cancel_at_period_end", data["cancel_at_period_end"]) or data["cancel_at"]
    if ends:
        held = [*map(drafting.seed_of, invoicing.waiting(world, shadow)), *plan.prorations, *extra]
        if not held:
            raise _none(world.need("customer", data["customer"]))
        return invoicing.draft(world, shadow, held, "upcoming", period=terms.period_of(data))
    return invoicing.upcoming(world, shadow, [*plan.prorations, *extra])


def _of_end(call: Call, shadow: Record, details: Mapping[str, Any], extra: Sequence[Seed]) -> drafting.Draft:
    world, data = call.world, shadow.data
    at = details.get("proration_date") or world.now(shadow.clock)
    credits_ = []
    if details.get("proration_behavior") in {"create_prorations", "always_invoice"}:
        helds = [(item, terms.held(world, item)) for item in terms.items_of(data)]
        credits_ = [terms.prorated(world, data, item, credit(held, at), at) for item, held in helds if held.amount]
    seeds = [*map(drafting.seed_of, invoicing.waiting(world, shadow)), *credits_, *extra]
    return invoicing.draft(world, shadow, seeds, "upcoming", period=terms.period_of(data))


def _of_new(
    call: Call,
    customer: Record,
    details: Mapping[str, Any],
    discounts: list[str] | None,
    extra: Sequence[Seed],
) -> drafting.Draft:
    """The first invoice of a subscription that is not there yet."""
    world, now = call.world, call.world.now(customer.clock)
    asked = call.get("currency")
    first = choosing.price_of(call, details["items"][0], "subscription_details[items][0]")
    if first is None:
        raise errors.missing("subscription_details[items][0][price]")
    currency = currency_of(asked) if asked else str(first.data["currency"])
    data = shapes.subscription(customer.id, currency, now)
    trial_end = choosing.trial_end(details, [], now)
    interval = shapes.interval_of(first.data)
    period = Period(now, trial_end) if trial_end else period_at(now, interval, now)
    shadow = _shadow(Record("subscription", data, {}, customer.clock), discounts, details, call)
    for change in choosing.item_changes(call, currency, details["items"], data["id"]):
        if change.price is None:
            raise errors.missing("subscription_details[items][0][price]")
        quantity = 1 if change.quantity is None else change.quantity
        item = shapes.item(data["id"], change.price, quantity, now, period)
        item["tax_rates"] = list(change.tax_rates or ())
        shadow.data["items"]["data"].append(item)
    lines = terms.lines(world, shadow.data, terms.items_of(shadow.data), period, trial=trial_end is not None)
    held = map(drafting.seed_of, drafting.pending(world, customer.id, None, currency))
    return invoicing.draft(world, shadow, [*held, *extra, *lines], "subscription_create", period=period)


def _shown(made: drafting.Draft, call: Call) -> Doc:
    data = deepcopy(made.data)
    data["id"] = f"upcoming_{data['id']}"
    data["billing_reason"] = "upcoming" if data["billing_reason"] == "subscription_cycle" else data["billing_reason"]
    if data["parent"] and call.get("subscription") is None and (call.get("subscription_details") or {}).get("items"):
        data["parent"]["subscription_details"]["subscription"] = None
    for line in data["lines"]["data"]:
        line |= {"id": line["id"].replace("il_", "il_tmp_", 1), "invoice": data["id"]}
    return data
