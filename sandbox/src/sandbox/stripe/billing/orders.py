"""What a Checkout Session sells: its items, what they come to, and what is made of them when they are paid for."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.stripe import errors, ids, products
from sandbox.stripe.billing import choosing, rates, reckoning, seeds, shapes
from sandbox.stripe.billing.seeds import Seed
from sandbox.stripe.engine.periods import Period
from sandbox.stripe.engine.states import DAY
from sandbox.stripe.engine.totals import Totals
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import Call
from sandbox.stripe.params import noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is sold."""

    price: Doc
    quantity: int
    currency: str
    tax_rates: Sequence[Doc] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    adjustable: Mapping[str, Any] | None = None
    line: str = ""

    def seed(self, world: World, at: int) -> Seed:
        """Its line, as it is reckoned for the session."""
        said = seeds.option(world, self.price, self.currency)
        return Seed(
            seeds.tariff(world, self.price, self.currency).amount(self.quantity),
            self.currency,
            seeds.product_name(world, self.price),
            Period(at, at),
            self.quantity,
            self.price["id"],
            self.price["product"],
            said.get("unit_amount_decimal"),
            rates=tuple(rate["id"] for rate in self.tax_rates) or None,
            inclusive=said.get("tax_behavior") == "inclusive",
            metadata=self.metadata,
            line=self.line,
        )


def bought(call: Call) -> list[Item]:
    """The items that are asked for.

    Raises:
        Refusal: Something cannot be sold in this mode or currency.
    """
    given = call.get("line_items") or []
    asked = currency_of(call.given["currency"]) if call.get("currency") else None
    found: list[Item] = []
    for i, each in enumerate(given):
        at = f"line_items[{i}]"
        currency = asked or (found[0].currency if found else None)
        price = _price(call, each, at, currency)
        if each.get("quantity") is None and not each.get("adjustable_quantity"):
            raise errors.missing(f"{at}[quantity]")
        tax_rates = choosing.rates(call, each.get("tax_rates") or each.get("dynamic_tax_rates"), f"{at}[tax_rates]")
        found.append(
            Item(
                price.shown(),
                each.get("quantity", 1),
                currency or str(price.data["currency"]),
                tax_rates,
                noted({}, each.get("metadata", {})),
                each.get("adjustable_quantity"),
                ids.long_id("li"),
            )
        )
    _refuse_mode(call.given["mode"], found)
    return found


def _price(call: Call, given: Mapping[str, Any], at: str, currency: str | None) -> Record:
    data = given.get("price_data")
    if data and data.get("product_data"):
        product = products.create(call.world, data["product_data"])
        given = {**given, "price_data": {**data, "product": product.id}}
    elif data and not data.get("product"):
        raise errors.missing(f"{at}[price_data][product_data]")
    price = choosing.price_of(call, given, at, currency)
    if price is None:
        raise errors.missing(f"{at}[price]")
    return price


def _refuse_mode(mode: str, items: Sequence[Item]) -> None:
    recurs = [item.price["recurring"] is not None for item in items]
    if mode == "payment" and any(recurs):
        raise errors.invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
            "only one-time prices.",
            "line_items[0][price]",
        )
    if mode == "subscription" and not any(recurs):
        raise errors.invalid(
            "You must provide at least one recurring price in `subscription` mode when using prices.", "line_items"
        )


def subscription_fields(call: Call) -> Doc:
    """What `subscription_data` says, looked up."""
    given = call.get("subscription_data") or {}
    now = call.world.now()
    found: Doc = {name: deepcopy(given[name]) for name in given if name not in {"metadata", "default_tax_rates"}}
    found["metadata"] = noted({}, given.get("metadata", {}))
    if "default_tax_rates" in given:
        found["default_tax_rates"] = choosing.rates(
            call, given["default_tax_rates"], "subscription_data[default_tax_rates]"
        )
    if given.get("trial_end") is not None and given["trial_end"] < now + 48 * 3600:
        raise errors.invalid(
            "The `trial_end` date has to be at least 2 days in the future.", "subscription_data[trial_end]"
        )
    return found


def trial_end(session: Record, at: int) -> int | None:
    """When a trial would end that begins now."""
    fields = session.more["subscription"]
    if fields.get("trial_end"):
        return int(fields["trial_end"])
    days = fields.get("trial_period_days")
    return at + days * DAY if days else None


def reckon(world: World, session: Record, country: str | None = None) -> None:
    """Write into the session what it comes to, with the discounts it has now."""
    data = session.data
    if data["mode"] == "setup":
        return
    at = world.now(session.clock)
    tried = choosing.tried(world, session.more["discounts"], at)
    customer, passing = _who(world, session, country)
    try:
        totals, lines = _totals(world, session, customer, [one.id for one in tried], at)
    finally:
        for one in [*tried, *([customer] if passing else [])]:
            world.store.remove(one)
    session.more["lines"] = lines
    data["amount_subtotal"] = totals.subtotal
    data["amount_total"] = totals.total
    data["total_details"] = {
        "amount_discount": sum(totals.off().values()),
        "amount_shipping": 0,
        "amount_tax": totals.tax,
    }
    data["discounts"] = [
        {"coupon": each.get("coupon"), "promotion_code": each.get("promotion_code")}
        for each in session.more["discounts"]
    ]
    if data["automatic_tax"]["enabled"]:
        known = country or rates.country_of(customer.data)
        data["automatic_tax"]["status"] = "complete" if known else "requires_location_inputs"


def _who(world: World, session: Record, country: str | None) -> tuple[Record, bool]:
    """The customer, or somebody who stands for them while it is reckoned."""
    known = world.store.get("customer", session.data["customer"] or "")
    if known is not None and country is None:
        return known, False
    shell: Doc = deepcopy(known.data) if known else {"object": "customer", "tax_exempt": "none", "balance": 0}
    shell["id"] = ids.short_id("cus")
    shell["address"] = {"country": country} if country else shell.get("address")
    return world.store.add("customer", shell), True


def _totals(
    world: World, session: Record, customer: Record, discounts: list[str], at: int
) -> tuple[Totals, list[Doc]]:
    items: list[Item] = session.more["bought"]
    invoice = shapes.invoice(customer.data, session.data["currency"], at)
    invoice["discounts"] = discounts
    invoice["automatic_tax"]["enabled"] = session.data["automatic_tax"]["enabled"]
    invoice["default_tax_rates"] = session.more["subscription"].get("default_tax_rates") or []
    trial = trial_end(session, at) is not None
    made = [
        replace(seed, amount=0) if trial and item.price["recurring"] else seed
        for item, seed in ((item, item.seed(world, at)) for item in items)
    ]
    totals = reckoning.reckoned(world, invoice, made)
    lines = []
    for item, seed, each in zip(items, made, totals.lines, strict=True):
        tax = each.exclusive_tax + each.inclusive_tax
        lines.append(
            {
                "id": item.line,
                "object": "item",
                "adjustable_quantity": item.adjustable,
                "amount_discount": each.off,
                "amount_subtotal": each.amount,
                "amount_tax": tax,
                "amount_total": each.total,
                "currency": item.currency,
                "description": seed.description,
                "metadata": dict(item.metadata),
                "price": item.price,
                "quantity": item.quantity,
            }
        )
    return totals, lines


def part(call: Call, docs: list[Doc]) -> Doc:
    """A page of the session's lines."""
    limit = call.get("limit", 10)
    names = [one["id"] for one in docs]
    start = names.index(call.given["starting_after"]) + 1 if call.get("starting_after") in names else 0
    return {
        "object": "list",
        "data": docs[start : start + limit],
        "has_more": start + limit < len(docs),
        "url": call.path,
    }
