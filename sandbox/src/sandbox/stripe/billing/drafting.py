"""Invoices in the making: which lines there are, and the draft that holds them.

A draft can be made without being kept: a preview is the draft that an operation would make.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.stripe.billing import reckoning, shapes
from sandbox.stripe.billing.seeds import Seed
from sandbox.stripe.engine.periods import Period
from sandbox.stripe.engine.states import DRAFT_FOR
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice that nobody has kept yet."""

    data: Doc
    seeds: Sequence[Seed]
    lines: Sequence[Doc]


def draft(
    world: World,
    customer: Record,
    seeds: Iterable[Seed],
    *,
    reason: str,
    currency: str,
    subscription: Doc | None = None,
    period: Period | None = None,
    fields: Doc | None = None,
    at: int | None = None,
) -> Draft:
    """An invoice of these lines, reckoned as of now, or of another moment."""
    at = world.now(customer.clock) if at is None else at
    data = shapes.invoice(customer.data, currency, at)
    data["test_clock"] = customer.clock
    data["billing_reason"] = reason
    if period is not None:
        data |= {"period_start": period.start, "period_end": period.end}
    if subscription is not None:
        inherit(data, subscription, customer.data)
    data |= fields or {}
    data["customer_tax_ids"] = tax_ids(world, customer)
    named = [seed.named() for seed in seeds]
    return Draft(data, named, reckoning.write(world, data, named))


def inherit(invoice: Doc, subscription: Doc, customer: Doc) -> None:
    """What an invoice has from its subscription."""
    settings = subscription["invoice_settings"]
    invoice["parent"] = {
        "quote_details": None,
        "subscription_details": {
            "metadata": dict(subscription["metadata"]),
            "subscription": subscription["id"],
        },
        "type": "subscription_details",
    }
    for name in ("collection_method", "default_payment_method", "default_tax_rates", "automatic_tax", "description"):
        invoice[name] = subscription[name] if not isinstance(subscription[name], dict) else invoice[name]
    invoice["automatic_tax"]["enabled"] = subscription["automatic_tax"]["enabled"]
    invoice["description"] = settings.get("description") or subscription["description"]
    invoice["footer"] = settings.get("footer") or invoice["footer"]
    invoice["custom_fields"] = settings.get("custom_fields") or invoice["custom_fields"]
    own = (customer.get("discount") or {}).get("id")
    invoice["discounts"] = list(subscription["discounts"]) or ([own] if own else [])
    invoice["payment_settings"] |= {
        name: subscription["payment_settings"][name] for name in ("payment_method_options", "payment_method_types")
    }


def keep(world: World, made: Draft, clock: str | None, *, auto_advance: bool = True, waits: bool = False) -> Record:
    """Keep a draft, which takes the invoice items it has lines of; `waits` lets it stay a draft for an hour."""
    data = made.data
    data["auto_advance"] = auto_advance
    if waits and auto_advance:
        data["automatically_finalizes_at"] = data["created"] + DRAFT_FOR
        if data["collection_method"] == "charge_automatically":
            data["next_payment_attempt"] = data["automatically_finalizes_at"]
    record = world.add("invoice", data, more={"seeds": list(made.seeds), "lines": list(made.lines)}, clock=clock)
    for seed in made.seeds:
        if seed.invoice_item:
            world.need("invoiceitem", seed.invoice_item).data["invoice"] = record.id
    _use_up(world, record)
    world.tell("invoice.created", record)
    world.agenda.put(clock, record.id, data["automatically_finalizes_at"])
    return record


def rewrite(world: World, record: Record, seeds: Sequence[Seed] | None = None) -> None:
    """Reckon a kept draft again, with other lines where they are given."""
    if seeds is not None:
        record.more["seeds"] = [seed.named() for seed in seeds]
    record.more["lines"] = reckoning.write(world, record.data, record.more["seeds"])


def _use_up(world: World, invoice: Record) -> None:
    """A coupon for once is used by the first invoice it takes something off, and leaves the subscription."""
    for off in invoice.data["total_discount_amounts"]:
        discount = world.store.get("discount", off["discount"])
        coupon = reckoning.coupon_of(world, discount.data) if discount else None
        if discount is None or coupon is None or not off["amount"]:
            continue
        if coupon.data["duration"] == "once":
            discount.more.setdefault("used", invoice.id)


def pending(world: World, customer: str, subscription: str | None, currency: str) -> list[Record]:
    """The invoice items that wait: of the subscription, and those of the customer that name none; oldest first."""
    found = [
        one
        for one in world.store.all("invoiceitem")
        if one.data["customer"] == customer
        and one.data["invoice"] is None
        and one.data["currency"] == currency
        and _subscription_of(one.data) in {None, subscription}
    ]
    return found[::-1]


def _subscription_of(item: Doc) -> str | None:
    parent = item["parent"]
    return parent["subscription_details"]["subscription"] if parent else None


def seed_of(item: Record) -> Seed:
    """The line that an invoice item becomes."""
    kept: Seed = item.more["seed"]
    return replace(kept, invoice_item=item.id)


def tax_ids(world: World, customer: Record) -> list[Doc]:
    """The customer's tax ids as an invoice repeats them."""
    found: list[Any] = [one.data for one in world.store.all("tax_id") if one.data.get("customer") == customer.id]
    return [{"type": one["type"], "value": one["value"]} for one in reversed(found)]
