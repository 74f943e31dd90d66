"""A subscription begins: by the API or by Checkout. Its first invoice is final at once, unless it is to be sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe import errors
from sandbox.stripe.billing import choosing, drafting, invoicing, moments, rates, settling, shapes, terms
from sandbox.stripe.billing.choosing import Anchor
from sandbox.stripe.billing.seeds import Seed, option, product_name, tariff
from sandbox.stripe.engine.periods import Period, period_at
from sandbox.stripe.engine.states import first_status
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


@dataclass(frozen=True, slots=True)
class Bought:
    """One item of an order."""

    price: Doc
    quantity: int = 1
    metadata: Mapping[str, str] = field(default_factory=dict)
    tax_rates: Sequence[Doc] = ()
    discounts: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What is subscribed to; `fields` are put into the subscription as they are, `once` onto its first invoice."""

    customer: Record
    items: Sequence[Bought]
    currency: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    trial_end: int | None = None
    anchor: Anchor | None = None
    prorates: bool = True
    discounts: Sequence[Mapping[str, Any]] = ()
    once: Sequence[Seed] = ()
    checkout: str | None = None


def begin(world: World, order: Order) -> tuple[Record, Record]:
    """Make the subscription and its first invoice; paying it is the caller's.

    Raises:
        Refusal: A discount cannot be redeemed, or the tax is not known: nothing was made.
    """
    at = world.now(order.customer.clock)
    refuse_unlocated(order.customer, enabled=bool((order.fields.get("automatic_tax") or {}).get("enabled")))
    interval = terms.interval_of([{"price": each.price} for each in order.items])
    whole = period_at(order.anchor.at if order.anchor else at, interval, at)
    period, anchor = _first_period(order, at, whole)
    data = shapes.subscription(order.customer.id, order.currency, at)
    data |= {"test_clock": order.customer.clock, "billing_cycle_anchor": anchor}
    data["billing_cycle_anchor_config"] = order.anchor.config if order.anchor else None
    _merge(data, order.fields)
    given = {"subscription": data["id"], "checkout_session": order.checkout}
    cost = choosing.costs(world, [(each.price, each.quantity) for each in order.items], order.currency)
    data["discounts"] = choosing.discounts(
        world, order.customer, order.discounts, "discounts", amount=cost, currency=order.currency, **given
    )
    trial = order.trial_end is not None
    if trial:
        data |= {"trial_start": at, "trial_end": order.trial_end}
    manual = data["collection_method"] == "send_invoice"
    data["status"] = first_status(trial=trial, paid=False, manual=manual)
    subscription = world.add("subscription", data, clock=order.customer.clock)
    _add_items(world, subscription, order, period)
    world.tell("customer.subscription.created", subscription)
    invoice = _first_invoice(world, subscription, order, period, whole)
    moments.plan(world, subscription)
    return subscription, invoice


def _merge(data: Doc, fields: Mapping[str, Any]) -> None:
    """Put fields in, hashes by their members."""
    for name, value in fields.items():
        if isinstance(value, dict) and isinstance(data.get(name), dict) and name != "metadata":
            data[name] = {**data[name], **value}
        else:
            data[name] = value


def _first_period(order: Order, at: int, whole: Period) -> tuple[Period, int]:
    if order.trial_end is not None:
        return Period(at, order.trial_end), order.anchor.at if order.anchor else order.trial_end
    if order.anchor is not None:
        end = order.anchor.at if order.anchor.at > at else whole.end
        return Period(at, end), order.anchor.at
    return whole, at


def _add_items(world: World, subscription: Record, order: Order, period: Period) -> None:
    for each in order.items:
        item = shapes.item(subscription.id, each.price, each.quantity, subscription.data["created"], period)
        item |= {"metadata": dict(each.metadata), "tax_rates": list(each.tax_rates)}
        about = {"subscription_item": item["id"], "subscription": subscription.id}
        item["discounts"] = choosing.discounts(world, order.customer, each.discounts, "items[discounts]", **about)
        subscription.data["items"]["data"].append(item)
        world.add("subscription_item", item, clock=subscription.clock)
    subscription.data["items"]["total_count"] = len(order.items)


def _first_invoice(world: World, subscription: Record, order: Order, period: Period, whole: Period) -> Record:
    data = subscription.data
    trial = order.trial_end is not None
    lines = terms.lines(world, data, terms.items_of(data), whole if not trial else period, trial=trial)
    if not trial and period != whole:
        lines = [
            terms.partly(seed, whole, period if order.prorates else Period(period.start, period.start))
            for seed in lines
        ]
    waiting = [drafting.seed_of(one) for one in invoicing.waiting(world, subscription)]
    once = [terms.wait(world, subscription, seed) for seed in order.once]
    seeds = [*waiting, *map(drafting.seed_of, once), *lines]
    draft = invoicing.draft(world, subscription, seeds, "subscription_create")
    sent = data["collection_method"] == "send_invoice"
    invoice = invoicing.keep(world, subscription, draft, waits=sent)
    if not trial and period != whole:
        _note_whole(world, subscription, whole)
    if not sent and invoice.data["status"] == "draft":
        settling.finalize(world, invoice)
        invoice.data["next_payment_attempt"] = None
        settling.plan(world, invoice)
    return invoice


def _note_whole(world: World, subscription: Record, whole: Period) -> None:
    """After a first part of a period, changes are reckoned by what that part cost."""
    items = terms.items_of(subscription.data)
    worth = terms.worth(world, subscription.data, items, whole, subscription.data["created"])
    part = terms.period_of(subscription.data)
    for item, amount in zip(items, worth, strict=True):
        world.need("subscription_item", item["id"]).more["debited"] = terms.share(amount, part, whole)


def refuse_unlocated(customer: Record, *, enabled: bool) -> None:
    """Refuse automatic tax for a customer nobody knows the place of.

    Raises:
        Refusal: There is no address.
    """
    if enabled and rates.country_of(customer.data) is None:
        raise errors.invalid(
            "The customer's location isn't recognized. Set a valid customer address in order to automatically "
            "calculate tax.",
            "automatic_tax",
            "customer_tax_location_invalid",
        )


def extra_seeds(
    world: World, call_items: Sequence[tuple[Doc, int, Sequence[Doc], Mapping[str, str]]], currency: str, at: int
) -> list[Seed]:
    """Lines for what is paid once beside a subscription."""
    found = []
    for price, quantity, tax_rates, metadata in call_items:
        name = product_name(world, price)
        said = option(world, price, currency)
        found.append(
            Seed(
                tariff(world, price, currency).amount(quantity),
                currency,
                name,
                Period(at, at),
                quantity,
                price["id"],
                price["product"],
                said.get("unit_amount_decimal"),
                rates=tuple(rate["id"] for rate in tax_rates) or None,
                inclusive=said.get("tax_behavior") == "inclusive",
                metadata=dict(metadata),
            )
        )
    return found
