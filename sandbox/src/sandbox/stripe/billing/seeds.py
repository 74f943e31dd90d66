"""Lines of an invoice before it is reckoned: where each comes from and what it is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.stripe import ids
from sandbox.stripe.engine.money import shown
from sandbox.stripe.engine.periods import Period
from sandbox.stripe.engine.prices import Tariff, Tier
from sandbox.stripe.engine.totals import Reckoned
from sandbox.stripe.store import Doc
from sandbox.stripe.world import World


@dataclass(frozen=True, slots=True)
class Seed:
    """One line: an item of a subscription for a period, a proration, or an invoice item."""

    amount: int
    currency: str
    description: str | None
    period: Period
    quantity: int = 1
    price: str | None = None
    product: str | None = None
    unit: str | None = None
    discountable: bool = True
    discounts: tuple[str, ...] = ()
    rates: tuple[str, ...] | None = None
    """None leaves them to the invoice."""
    inclusive: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    subscription: str | None = None
    item: str | None = None
    invoice_item: str | None = None
    proration: bool = False
    line: str = ""

    def named(self) -> "Seed":
        """With an id of its own."""
        return self if self.line else replace(self, line=ids.long_id("il"))

    def parent(self) -> Doc | None:
        """What made the line."""
        proration = {"credited_items": None} if self.proration else None
        if self.item is not None:
            kind = "subscription_item_details"
            details: Doc = {
                "invoice_item": self.invoice_item,
                "proration": self.proration,
                "proration_details": proration or {"credited_items": None},
                "subscription": self.subscription,
                "subscription_item": self.item,
            }
        else:
            kind = "invoice_item_details"
            details = {
                "invoice_item": self.invoice_item,
                "proration": self.proration,
                "proration_details": proration or {"credited_items": None},
                "subscription": self.subscription,
            }
        other = "invoice_item_details" if self.item is not None else "subscription_item_details"
        return {other: None, kind: details, "type": kind}

    def pricing(self) -> Doc | None:
        """Which price it was reckoned by."""
        if self.price is None:
            return {
                "price_details": None,
                "type": "price_details",
                "unit_amount_decimal": self.unit or str(self.amount),
            }
        details = {"price": self.price, "product": self.product}
        return {"price_details": details, "type": "price_details", "unit_amount_decimal": self.unit}

    def shown(self, invoice: str | None, reckoned: Reckoned, taxes: list[Doc]) -> Doc:
        """The line as Stripe writes it."""
        off = [{"amount": amount, "discount": name} for name, amount in reckoned.discounts]
        return {
            "id": self.line,
            "object": "line_item",
            "amount": self.amount,
            "currency": self.currency,
            "description": self.description,
            "discount_amounts": off,
            "discountable": self.discountable,
            "discounts": list(self.discounts),
            "invoice": invoice,
            "livemode": False,
            "metadata": dict(self.metadata),
            "parent": self.parent(),
            "period": {"end": self.period.end, "start": self.period.start},
            "pretax_credit_amounts": [{**each, "type": "discount"} for each in off],
            "pricing": self.pricing(),
            "quantity": self.quantity,
            "quantity_decimal": str(self.quantity),
            "subscription": self.subscription,
            "subtotal": self.amount,
            "taxes": taxes,
        }


def option(world: World, price: Doc, currency: str) -> Doc:
    """What a price says for a currency: its own, or one of its options."""
    record = world.store.get("price", price["id"])
    options: Doc = record.more["currency_options"] if record is not None else {}
    found: Doc = options.get(currency, {})
    return found


def tariff(world: World, price: Doc, currency: str) -> Tariff:
    """How a price is reckoned."""
    said = option(world, price, currency)
    tiers = said.get("tiers") or ()
    transform = price.get("transform_quantity") or {}
    return Tariff(
        Decimal(said.get("unit_amount_decimal") or said.get("unit_amount") or 0),
        tuple(_tier(each) for each in tiers),
        price.get("tiers_mode"),
        transform.get("divide_by", 1),
        transform.get("round") == "up",
    )


def _tier(given: Mapping[str, Any]) -> Tier:
    unit = given.get("unit_amount_decimal") or given.get("unit_amount") or 0
    flat = given.get("flat_amount_decimal") or given.get("flat_amount") or 0
    return Tier(given.get("up_to"), Decimal(unit), Decimal(flat))


def of_item(world: World, item: Doc, currency: str, period: Period, *, trial: bool = False) -> Seed:
    """What an item costs for a whole period."""
    price: Doc = item["price"]
    quantity = item.get("quantity", 1)
    name = product_name(world, price)
    said = option(world, price, currency)
    amount = 0 if trial else tariff(world, price, currency).amount(quantity)
    rhythm = at_price(price, said.get("unit_amount"), currency)
    described = f"Trial period for {name}" if trial else f"{quantity} \u00d7 {name} ({rhythm})"
    return Seed(
        amount,
        currency,
        described,
        period,
        quantity,
        price["id"],
        price["product"],
        "0" if trial else said.get("unit_amount_decimal"),
        discounts=() if trial else tuple(item["discounts"]),
        rates=tuple(rate["id"] for rate in item.get("tax_rates") or ()) or None,
        inclusive=said.get("tax_behavior") == "inclusive",
        metadata=item["metadata"],
        subscription=item["subscription"],
        item=item["id"],
    )


def product_name(world: World, price: Doc) -> str:
    """The name of what is sold."""
    product = world.store.get("product", price["product"])
    return str(product.data["name"]) if product is not None else str(price["product"])


def at_price(price: Doc, unit: int | None, currency: str) -> str:
    """How a price is said in a line: at $29.00 / month."""
    recurring = price.get("recurring")
    amount = shown(unit, currency) if unit is not None else "tiered pricing"
    if recurring is None:
        return f"at {amount}"
    count, word = recurring["interval_count"], recurring["interval"]
    return f"at {amount} / {word}" if count == 1 else f"at {amount} every {count} {word}s"


def day(at: int) -> str:
    """A date as lines of prorations name it: 15 Jan 2025."""
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %Y")
