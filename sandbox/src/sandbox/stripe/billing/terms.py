"""A subscription's items in a period: their lines, what each is worth, and what was debited for it."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from sandbox.stripe import errors
from sandbox.stripe.billing import drafting, reckoning, shapes
from sandbox.stripe.billing.seeds import Seed, day, of_item, option, product_name
from sandbox.stripe.engine.money import rounded
from sandbox.stripe.engine.periods import Interval, Period
from sandbox.stripe.engine.prorations import Held, Proration
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


def items_of(subscription: Doc) -> list[Doc]:
    """Its items."""
    found: list[Doc] = subscription["items"]["data"]
    return found


def period_of(subscription: Doc) -> Period:
    """The period it is in; all items share it."""
    first = items_of(subscription)[0]
    return Period(first["current_period_start"], first["current_period_end"])


def interval_of(items: Sequence[Doc]) -> Interval:
    """How often its items recur.

    Raises:
        Refusal: They do not all recur alike.
    """
    found = {shapes.interval_of(item["price"]) for item in items}
    if len(found) > 1:
        raise errors.invalid(
            "Currently, all prices on a subscription in this sandbox must have the same `recurring.interval` and "
            "`recurring.interval_count`. If you want to use different intervals, use several subscriptions.",
            "items",
        )
    return found.pop()


def lines(
    world: World, subscription: Doc, items: Sequence[Doc], period: Period, *, trial: bool = False
) -> list[Seed]:
    """One line for each item, for the whole period."""
    return [of_item(world, item, subscription["currency"], period, trial=trial) for item in items]


def worth(world: World, subscription: Doc, items: Sequence[Doc], period: Period, at: int) -> list[int]:
    """What each item costs for the whole period, its share of all discounts taken off."""
    customer = world.need("customer", subscription["customer"])
    shell = shapes.invoice(customer.data, subscription["currency"], at)
    drafting.inherit(shell, subscription, customer.data)
    totals = reckoning.reckoned(world, shell, lines(world, subscription, items, period))
    return [reckoning.net(line) for line in totals.lines]


def note_debits(world: World, invoice: Record) -> None:
    """Remember what whole periods were charged with: that is what a later change credits."""
    for line in invoice.more["lines"]:
        details = line["parent"]["subscription_item_details"] if line["parent"] else None
        if details is None or details["proration"]:
            continue
        item = world.store.get("subscription_item", details["subscription_item"])
        if item is not None:
            item.more["debited"] = line["amount"] - sum(off["amount"] for off in line["discount_amounts"])


def held(world: World, item: Doc, amount: int | None = None) -> Held:
    """An item as prorations reckon with it; worth what was debited unless told otherwise."""
    record = world.store.get("subscription_item", item["id"])
    debited: int = amount if amount is not None else (record.more.get("debited", 0) if record else 0)
    period = Period(item["current_period_start"], item["current_period_end"])
    return Held(item["id"], item["price"]["id"], item.get("quantity", 1), debited, period)


def prorated(world: World, subscription: Doc, item: Doc, proration: Proration, at: int) -> Seed:
    """The line of a proration."""
    name = product_name(world, item["price"])
    what = name if proration.quantity == 1 else f"{proration.quantity} \u00d7 {name}"
    prefix = "Unused time on" if proration.credits else "Remaining time on"
    said = option(world, item["price"], subscription["currency"])
    return Seed(
        proration.amount,
        subscription["currency"],
        f"{prefix} {what} after {day(at)}",
        proration.period,
        proration.quantity,
        proration.price,
        item["price"]["product"],
        said.get("unit_amount_decimal"),
        discountable=False,
        rates=tuple(rate["id"] for rate in item.get("tax_rates") or ()) or None,
        inclusive=said.get("tax_behavior") == "inclusive",
        subscription=subscription["id"],
        item=item["id"],
        proration=True,
    )


def partly(seed: Seed, whole: Period, part: Period) -> Seed:
    """A first line that is for a part of a period only, up to an anchor in the future."""
    amount = share(seed.amount, part, whole)
    text = f"Time on {seed.description} from {day(part.start)} until {day(part.end)}"
    return replace(seed, amount=amount, description=text, period=part, proration=True)


def share(amount: int, part: Period, whole: Period) -> int:
    """A part's worth of what the whole costs."""
    return rounded(Fraction(amount * part.seconds, whole.seconds))


def wait(world: World, subscription: Record, seed: Seed) -> Record:
    """Keep a line as an invoice item, which waits for the next invoice."""
    at = world.now(subscription.clock)
    data = shapes.invoice_item(subscription.data["customer"], seed.currency, at)
    data |= {
        "amount": seed.amount,
        "net_amount": seed.amount,
        "description": seed.description,
        "discountable": seed.discountable,
        "parent": {
            "subscription_details": {"subscription": subscription.id, "subscription_item": seed.item},
            "type": "subscription_details",
        },
        "period": {"end": seed.period.end, "start": seed.period.start},
        "pricing": seed.pricing(),
        "proration": seed.proration,
        "quantity": seed.quantity,
        "quantity_decimal": str(seed.quantity),
        "test_clock": subscription.clock,
    }
    record = world.add("invoiceitem", data, more={"seed": seed}, clock=subscription.clock)
    world.tell("invoiceitem.created", record)
    return record
