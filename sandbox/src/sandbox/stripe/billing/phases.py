"""Phases of subscription schedules: what a subscription is from one moment to the next."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from sandbox.stripe.billing import shapes, terms
from sandbox.stripe.engine.periods import Interval, boundary
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


def phase(start: int, end: int, items: Sequence[Doc], currency: str, given: Mapping[str, Any]) -> Doc:
    """A phase as Stripe writes it."""
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "billing_cycle_anchor": given.get("billing_cycle_anchor"),
        "billing_thresholds": None,
        "collection_method": given.get("collection_method"),
        "currency": currency,
        "default_payment_method": given.get("default_payment_method"),
        "default_tax_rates": given.get("default_tax_rates") or [],
        "description": given.get("description"),
        "discounts": [
            {name: one.get(name) for name in ("coupon", "discount", "promotion_code")}
            for one in given.get("discounts") or []
        ],
        "end_date": end,
        "invoice_settings": None,
        "items": list(items),
        "metadata": dict(given.get("metadata") or {}),
        "on_behalf_of": None,
        "proration_behavior": given.get("proration_behavior", "create_prorations"),
        "start_date": start,
        "transfer_data": None,
        "trial_end": given.get("trial_end"),
    }


def item(price: Doc, quantity: int, metadata: Mapping[str, str], tax_rates: Sequence[Doc]) -> Doc:
    """One item of a phase."""
    return {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": dict(metadata),
        "plan": price["id"],
        "price": price["id"],
        "quantity": quantity,
        "tax_rates": list(tax_rates),
    }


def end_of(start: int, given: Mapping[str, Any]) -> int:
    """When a phase ends that begins then: at its date, or after so many intervals (one where nothing is said)."""
    if given.get("end_date") is not None:
        return int(given["end_date"])
    length = given.get("duration") or {"interval": "month"}
    return boundary(start, Interval(length["interval"], length.get("interval_count") or 1), 1)


def of_subscription(subscription: Doc) -> Doc:
    """The running period of a subscription as a phase."""
    period = terms.period_of(subscription)
    items = [
        item(one["price"], one["quantity"], one["metadata"], one["tax_rates"]) for one in terms.items_of(subscription)
    ]
    given = {
        "default_payment_method": subscription["default_payment_method"],
        "discounts": [{"discount": one} for one in subscription["discounts"]],
        "default_tax_rates": subscription["default_tax_rates"],
        "metadata": subscription["metadata"],
        "trial_end": subscription["trial_end"] if subscription["status"] == "trialing" else None,
    }
    return phase(period.start, period.end, items, subscription["currency"], given)


def following(world: World, subscription: Record) -> Doc | None:
    """The phase that comes after the running one."""
    schedule = world.store.get("subscription_schedule", subscription.data["schedule"] or "")
    if schedule is None or schedule.data["current_phase"] is None:
        return None
    end = schedule.data["current_phase"]["end_date"]
    return next((one for one in schedule.data["phases"] if one["start_date"] == end), None)


def entered(world: World, subscription: Doc, phase_: Doc) -> list[Doc]:
    """The subscription's items as a phase has them; an item keeps its id with its price, else ids are taken over."""
    old = {one["price"]["id"]: one for one in terms.items_of(subscription)}
    wanted = [one["price"] for one in phase_["items"]]
    spare = [one for price, one in old.items() if price not in wanted]
    period = terms.period_of(subscription)
    found = []
    for each in phase_["items"]:
        price = world.need("price", each["price"]).shown()
        if each["price"] in old:
            made = deepcopy(old[each["price"]])
        elif spare:
            made = deepcopy(spare.pop(0))
        else:
            made = shapes.item(subscription["id"], price, 1, 0, period)
        made |= {"price": price, "plan": shapes.plan_of(price), "quantity": each["quantity"]}
        made |= {"tax_rates": list(each["tax_rates"])}
        made["metadata"] = {**made["metadata"], **each["metadata"]}
        found.append(made)
    return found


def ahead(world: World, subscription: Record) -> Record:
    """The subscription as the next period will find it, where a phase begins with that period."""
    coming = following(world, subscription)
    period = terms.period_of(subscription.data)
    if coming is None or coming["start_date"] != period.end:
        return subscription
    data = deepcopy(subscription.data)
    data["items"]["data"] = entered(world, subscription.data, coming)
    if terms.interval_of(terms.items_of(data)) != terms.interval_of(terms.items_of(subscription.data)):
        data["billing_cycle_anchor"] = period.end
    return Record("subscription", data, {}, subscription.clock)
