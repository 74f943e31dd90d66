"""From the lines' seeds to the sums of an invoice: which discounts and rates count, and what comes out."""

from collections.abc import Sequence
from decimal import Decimal

from sandbox.stripe.billing import rates
from sandbox.stripe.billing.seeds import Seed
from sandbox.stripe.engine.discounts import Term
from sandbox.stripe.engine.totals import Line, Off, Rate, Reckoned, Totals, due, reckon
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


def coupon_of(world: World, discount: Doc) -> Record | None:
    """The coupon of a discount, deleted ones too: what was given stays."""
    return world.store.get("coupon", discount["source"]["coupon"])


def counting(world: World, discounts: Sequence[str], invoice: Doc) -> list[Off]:
    """Those of the discounts that the invoice gets, as of when it was made, in their order."""
    found = []
    for identifier in discounts:
        record = world.store.get("discount", identifier)
        coupon = coupon_of(world, record.data) if record else None
        if record is None or coupon is None:
            continue
        term = Term(coupon.data["duration"], record.data["start"], coupon.data.get("duration_in_months"))
        if term.counts(invoice["created"], used=record.more.get("used") not in {None, invoice["id"]}):
            found.append(_off(identifier, coupon, invoice["currency"]))
    return found


def _off(identifier: str, coupon: Record, currency: str) -> Off:
    percent = coupon.data["percent_off"]
    only = coupon.more["applies_to"]
    return Off(
        identifier,
        None if percent is None else Decimal(str(percent)),
        coupon.more["currency_options"].get(currency, {}).get("amount_off"),
        frozenset(only["products"]) if only else None,
    )


def line_of(world: World, seed: Seed, invoice: Doc) -> Line:
    """A seed with the discounts and rates that count for it."""
    return Line(
        seed.amount,
        seed.discountable,
        counting(world, seed.discounts, invoice),
        _rates(world, seed, invoice),
        seed.product,
    )


def _rates(world: World, seed: Seed, invoice: Doc) -> list[Rate]:
    customer = world.store.get("customer", invoice["customer"])
    whose = customer.data if customer else {}
    exempt = rates.untaxed(whose) is not None
    if invoice["automatic_tax"]["enabled"]:
        found = rates.automatic(world, whose, inclusive=seed.inclusive)
        return [rates.rate_of(found, exempt=exempt)] if found else []
    chosen = seed.rates if seed.rates is not None else [rate["id"] for rate in invoice["default_tax_rates"]]
    records = [world.store.get("tax_rate", identifier) for identifier in chosen]
    return [rates.rate_of(record, exempt=exempt) for record in records if record is not None]


def reckoned(world: World, invoice: Doc, seeds: Sequence[Seed]) -> Totals:
    """The sums of these lines on this invoice."""
    whole = counting(world, invoice["discounts"], invoice)
    return reckon([line_of(world, seed, invoice) for seed in seeds], whole)


def write(world: World, invoice: Doc, seeds: Sequence[Seed]) -> list[Doc]:
    """Put the sums of the seeds into a draft, and give all its lines."""
    totals = reckoned(world, invoice, seeds)
    lines = [
        seed.shown(invoice["id"], each, _taxes(world, invoice, each))
        for seed, each in zip(seeds, totals.lines, strict=True)
    ]
    invoice["lines"] |= {"data": lines[:10], "has_more": len(lines) > 10, "total_count": len(lines)}
    invoice["subtotal"] = totals.subtotal
    invoice["subtotal_excluding_tax"] = totals.subtotal_excluding_tax
    invoice["total"] = totals.total
    invoice["total_excluding_tax"] = totals.total_excluding_tax
    off = [{"amount": amount, "discount": name} for name, amount in totals.off().items()]
    invoice["total_discount_amounts"] = off
    invoice["total_pretax_credit_amounts"] = [{**each, "type": "discount"} for each in off]
    invoice["total_taxes"] = _merged([tax for line in lines for tax in line["taxes"]])
    customer = world.store.get("customer", invoice["customer"])
    invoice["starting_balance"] = (customer.data.get("balance") or 0) if customer else 0
    settle(invoice)
    if invoice["automatic_tax"]["enabled"]:
        invoice["automatic_tax"] |= {"status": "complete", "provider": "stripe", "liability": {"type": "self"}}
    return lines


def settle(invoice: Doc) -> int:
    """Put what is due into a draft, against the balance it starts from, and give the balance after it."""
    found = due(invoice["total"], invoice["starting_balance"], invoice["currency"])
    invoice["amount_due"] = invoice["amount_remaining"] = found.amount
    return found.ending_balance


def _taxes(world: World, invoice: Doc, line: Reckoned) -> list[Doc]:
    customer = world.store.get("customer", invoice["customer"])
    why = rates.untaxed(customer.data) if customer else None
    standard = "standard_rated" if invoice["automatic_tax"]["enabled"] else "not_available"
    return [
        {
            "amount": tax.amount,
            "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
            "tax_rate_details": {"tax_rate": tax.rate},
            "taxability_reason": why or standard,
            "taxable_amount": tax.taxable,
            "type": "tax_rate_details",
        }
        for tax in line.taxes
    ]


def _merged(taxes: Sequence[Doc]) -> list[Doc]:
    """By rate, as an invoice shows them."""
    found: dict[str, Doc] = {}
    for tax in taxes:
        name = tax["tax_rate_details"]["tax_rate"]
        if name not in found:
            found[name] = {**tax, "amount": 0, "taxable_amount": 0}
        found[name]["amount"] += tax["amount"]
        found[name]["taxable_amount"] += tax["taxable_amount"]
    return list(found.values())


def net(line: Reckoned) -> int:
    """What a line is worth without tax on top: what a proration credits."""
    return line.amount - line.off
