"""Invoice items: https://docs.stripe.com/api/invoiceitems. Lines that wait for an invoice, or stand on a draft."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox.stripe import errors
from sandbox.stripe.billing import choosing, drafting, shapes
from sandbox.stripe.billing.seeds import Seed, option, product_name, tariff
from sandbox.stripe.engine.money import rounded
from sandbox.stripe.engine.periods import Period
from sandbox.stripe.kinds import Kind
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import FLAG, ID, LIST, METADATA, PERIOD, TIME, Call, Operation, page, reading, within
from sandbox.stripe.params import Choice, Hash, Integer, Number, Shape, Text, noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import CLOCK

KIND: Final = Kind(
    "invoiceitem",
    noun="invoice item",
    links={
        "customer": "customer",
        "discounts": "discount",
        "invoice": "invoice",
        "parent.subscription_details.subscription": "subscription",
        "pricing.price_details.price": "price",
        "test_clock": CLOCK,
    },
)
_PATH: Final = "/v1/invoiceitems"
_FIELDS: Final[Mapping[str, Shape]] = {
    "amount": Integer(),
    "description": Text(),
    "discountable": FLAG,
    "discounts": choosing.DISCOUNTS,
    "metadata": METADATA,
    "period": Hash(end=TIME, start=TIME),
    "price_data": choosing.PRICE_DATA,
    "pricing": Hash(price=ID),
    "quantity": choosing.QUANTITY,
    "tax_behavior": Choice("exclusive", "inclusive", "unspecified"),
    "tax_rates": choosing.RATES,
    "unit_amount_decimal": Number(least=Decimal(-99_999_999)),
}


def operations() -> tuple[Operation, ...]:
    """All that is done with invoice items."""
    creation = {
        **_FIELDS,
        "currency": Text(),
        "customer": Text(required=True, unsets=False),
        "invoice": ID,
        "subscription": ID,
    }
    filters = {"created": PERIOD, "customer": ID, "invoice": ID, "pending": FLAG}
    return (
        Operation("POST", _PATH, _create, creation),
        Operation("GET", _PATH, _list, {**LIST, **filters}),
        reading("invoiceitem", _PATH + "/{}"),
        Operation("POST", _PATH + "/{}", _update, _FIELDS),
        Operation("DELETE", _PATH + "/{}", _delete),
    )


def _create(call: Call) -> Record:
    world, given = call.world, call.given
    customer = world.need("customer", given["customer"], param="customer", status=400)
    invoice, subscription = call.named("invoice", "invoice"), call.named("subscription", "subscription")
    if invoice is not None and invoice.data["status"] != "draft":
        raise errors.invalid(
            f"The invoice {invoice.id} is not a draft, so nothing can be added to it.",
            "invoice",
            "invoice_not_editable",
        )
    seed = seed_of(call, customer, given, "", invoice=invoice, subscription=subscription)
    data = shapes.invoice_item(customer.id, seed.currency, world.now(customer.clock))
    data["test_clock"] = customer.clock
    record = world.add("invoiceitem", data, more={"seed": seed}, clock=customer.clock)
    _write(record, seed, subscription)
    data["metadata"] = dict(seed.metadata)
    if invoice is not None:
        data["invoice"] = invoice.id
        drafting.rewrite(world, invoice, [*invoice.more["seeds"], drafting.seed_of(record)])
    world.tell("invoiceitem.created", record)
    return record


def seed_of(
    call: Call,
    customer: Record,
    given: Mapping[str, Any],
    at: str,
    *,
    invoice: Record | None = None,
    subscription: Record | None = None,
) -> Seed:
    """The line that parameters of an invoice item ask for.

    Raises:
        Refusal: They say no amount, or say it twice.
    """
    world, now = call.world, call.world.now(customer.clock)
    chosen = {"price": (given.get("pricing") or {}).get("price"), "price_data": given.get("price_data")}
    currency = _currency(call, customer, given, invoice, subscription)
    price = choosing.price_of(call, chosen, at or "pricing", currency)
    if (price is None) == (given.get("amount") is None and given.get("unit_amount_decimal") is None):
        raise errors.invalid(
            "You must specify one of `amount`, `unit_amount_decimal`, `pricing` or `price_data`.", "amount"
        )
    quantity = given.get("quantity", 1)
    span = given.get("period") or {}
    seed = Seed(
        _amount(world, price, given, quantity, currency),
        currency,
        given.get("description") or (product_name(world, price.data) if price else None),
        Period(span.get("start", now), span.get("end", now)),
        quantity,
        price.id if price else None,
        price.data["product"] if price else None,
        _unit(world, price, given, currency),
        discountable=given.get("discountable", True),
        discounts=tuple(choosing.discounts(world, customer, given.get("discounts"), "discounts")),
        rates=tuple(given.get("tax_rates") or ()) or None,
        inclusive=given.get("tax_behavior") == "inclusive",
        metadata=noted({}, given.get("metadata", {})),
        subscription=subscription.id if subscription else None,
    )
    choosing.rates(call, seed.rates, "tax_rates")
    return seed


def _currency(
    call: Call, customer: Record, given: Mapping[str, Any], invoice: Record | None, subscription: Record | None
) -> str:
    for holder in (invoice, subscription):
        if holder is not None:
            return str(holder.data["currency"])
    if given.get("currency"):
        return currency_of(given["currency"])
    price = call.world.store.get("price", (given.get("pricing") or {}).get("price") or "")
    offered = price.data["currency"] if price else None
    return str(customer.data["currency"] or offered or call.world.account.default_currency)


def _amount(world: Any, price: Record | None, given: Mapping[str, Any], quantity: int, currency: str) -> int:
    if price is not None:
        return tariff(world, price.data, currency).amount(quantity)
    if given.get("unit_amount_decimal") is not None:
        return rounded(given["unit_amount_decimal"] * quantity)
    amount: int = given["amount"]
    return amount


def _unit(world: Any, price: Record | None, given: Mapping[str, Any], currency: str) -> str:
    if price is not None:
        return str(option(world, price.data, currency).get("unit_amount_decimal"))
    return str(given["unit_amount_decimal"] if given.get("unit_amount_decimal") is not None else given["amount"])


def _write(record: Record, seed: Seed, subscription: Record | None) -> None:
    record.data |= {
        "amount": seed.amount,
        "net_amount": seed.amount,
        "description": seed.description,
        "discountable": seed.discountable,
        "discounts": list(seed.discounts),
        "metadata": dict(seed.metadata),
        "period": {"end": seed.period.end, "start": seed.period.start},
        "pricing": seed.pricing(),
        "quantity": seed.quantity,
        "quantity_decimal": str(seed.quantity),
    }
    if subscription is not None:
        details = {"subscription": subscription.id, "subscription_item": None}
        record.data["parent"] = {"subscription_details": details, "type": "subscription_details"}


def _list(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        waits = one.data["invoice"] is None
        return (
            within(one.data["date"], call.get("created"))
            and call.get("pending", waits) == waits
            and all(one.data[name] == call.given[name] for name in ("customer", "invoice") if call.has(name))
        )

    return page(call, (one for one in call.world.store.all("invoiceitem") if meant(one)), kind="invoiceitem")


def _editable(call: Call) -> tuple[Record, Record | None]:
    """An item that can still be changed, and the draft it stands on."""
    record = call.world.need("invoiceitem", call.ids[0])
    invoice = call.world.store.get("invoice", record.data["invoice"] or "")
    if invoice is not None and invoice.data["status"] != "draft":
        raise errors.invalid(
            "This invoice item can't be changed: its invoice is final.", None, "invoice_not_editable"
        )
    return record, invoice


def _update(call: Call) -> Record:
    world, (record, invoice) = call.world, _editable(call)
    customer = world.need("customer", record.data["customer"])
    before: Seed = record.more["seed"]
    said: Doc = {"description": before.description, "quantity": before.quantity, "discountable": before.discountable}
    if not {"amount", "pricing", "price_data", "unit_amount_decimal"} & set(call.given):
        said |= (
            {"pricing": {"price": before.price}}
            if before.price
            else {"unit_amount_decimal": Decimal(before.unit or 0)}
        )
    merged = {**said, "currency": before.currency, "metadata": {**before.metadata}, **call.given}
    if "metadata" in call.given:
        merged["metadata"] = noted(before.metadata, call.given["metadata"])
    seed = seed_of(call, customer, merged, "", invoice=invoice)
    with world.changing(record, "invoiceitem.updated"):
        record.more["seed"] = seed
        _write(record, seed, None)
    if invoice is not None:
        seeds = [drafting.seed_of(record) if one.invoice_item == record.id else one for one in invoice.more["seeds"]]
        drafting.rewrite(world, invoice, seeds)
    return record


def _delete(call: Call) -> Doc:
    record, invoice = _editable(call)
    if invoice is not None:
        drafting.rewrite(call.world, invoice, [one for one in invoice.more["seeds"] if one.invoice_item != record.id])
    record.deleted = True
    call.world.tell("invoiceitem.deleted", record)
    return record.shown()
