"""Customers: https://docs.stripe.com/api/customers."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.stripe import balances, errors, ids, payment_methods, tax_ids
from sandbox.stripe.kinds import Kind, sublist
from sandbox.stripe.operations import (
    ADDRESS,
    ADDRESS_FIELDS,
    ID,
    LIST,
    METADATA,
    PERIOD,
    Call,
    Operation,
    address,
    page,
    within,
)
from sandbox.stripe.params import Choice, Flag, Hash, Integer, List, Shape, Text, noted
from sandbox.stripe.searching import searching
from sandbox.stripe.store import Doc, Record, Store
from sandbox.stripe.world import CLOCK, World

CHANGES: Final[Mapping[str, Shape]] = {
    "address": ADDRESS,
    "balance": Integer(),
    "business_name": Text(150),
    "cash_balance": Hash(settings=Hash(reconciliation_mode=Choice("automatic", "manual", "merchant_default"))),
    "description": Text(),
    "email": Text(512, pattern=r"[^@\s]+@[^@\s]+"),
    "individual_name": Text(150),
    "invoice_prefix": Text(12, pattern=r"[A-Z0-9]{3,12}"),
    "invoice_settings": Hash(
        custom_fields=List(Hash(name=Text(40, required=True), value=Text(140, required=True)), most=4, unsets=True),
        default_payment_method=Text(),
        footer=Text(),
        rendering_options=Hash(
            amount_tax_display=Choice("exclude_tax", "include_inclusive_tax", unsets=True),
            template=Text(),
            unsets=True,
        ),
    ),
    "metadata": METADATA,
    "name": Text(256),
    "next_invoice_sequence": Integer(least=1),
    "phone": Text(20),
    "preferred_locales": List(Text(required=True)),
    "shipping": Hash(
        address=Hash(ADDRESS_FIELDS, required=True), name=Text(required=True), phone=Text(), unsets=True
    ),
    "source": ID,
    "tax": Hash(ip_address=Text(), validate_location=Choice("auto", "deferred", "immediately")),
    "tax_exempt": Choice("exempt", "none", "reverse", unsets=True),
    "validate": Flag(),
}
_PLAIN: Final = ("description", "email", "invoice_prefix", "name", "next_invoice_sequence", "phone")


def _tax_ids(store: Store, customer: Record) -> Doc:
    found = [one.shown() for one in store.all("tax_id") if one.data["customer"] == customer.id]
    return sublist(f"/v1/customers/{customer.id}/tax_ids", found)


def _subscriptions(store: Store, customer: Record) -> Doc:
    mine = (one for one in store.all("subscription") if one.data["customer"] == customer.id)
    found = [one.shown() for one in mine if one.data["status"] not in {"canceled", "incomplete_expired"}]
    return sublist(f"/v1/customers/{customer.id}/subscriptions", found)


def _tax(_: Store, customer: Record) -> Doc:
    home = (customer.data["address"] or {}).get("country")
    place = {"country": home, "source": "billing_address", "state": None} if home else None
    known = "supported" if home else "unrecognized_location"
    return {"automatic_tax": known, "ip_address": customer.more.get("ip"), "location": place, "provider": "stripe"}


KIND: Final = Kind(
    "customer",
    links={
        "invoice_settings.default_payment_method": "payment_method",
        "test_clock": CLOCK,
        "default_source": "card",
    },
    on_demand={
        "sources": lambda _, customer: sublist(f"/v1/customers/{customer.id}/sources", []),
        "subscriptions": _subscriptions,
        "tax": _tax,
        "tax_ids": _tax_ids,
    },
    searched={"email": "email", "name": "name", "phone": "phone"},
)


def operations() -> tuple[Operation, ...]:
    """All that is done with customers themselves."""
    creation = {**CHANGES, "payment_method": ID, "tax_id_data": List(tax_ids.NEW, most=5), "test_clock": ID}
    changes = {**CHANGES, "default_source": ID}
    filters = {"created": PERIOD, "email": ID, "test_clock": ID}
    return (
        Operation("POST", "/v1/customers", create, creation),
        Operation("GET", "/v1/customers", _list, {**LIST, **filters}),
        searching(KIND, "/v1/customers/search"),
        Operation("GET", "/v1/customers/{}", _read),
        Operation("POST", "/v1/customers/{}", _update, changes),
        Operation("DELETE", "/v1/customers/{}", _delete),
    )


def create(call: Call) -> Record:
    """A new customer.

    Raises:
        Refusal: A tax id is none, or there is no such clock.
    """
    world = call.world
    _refuse_source(call)
    clock = call.named(CLOCK, "test_clock")
    for one in call.get("tax_id_data") or []:
        tax_ids.refuse_value(one["type"], one["value"], "tax_id_data")
    data: Doc = {
        "id": ids.short_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": world.now(clock.id if clock else None),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": ids.letters(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": clock.id if clock else None,
    }
    apply(data, call.given)
    method = payment_methods.usable(world, call.given["payment_method"]) if call.get("payment_method") else None
    customer = world.add("customer", data, more={"ip": _ip(call)}, clock=clock.id if clock else None)
    if call.get("balance"):
        balances.move(world, customer, call.given["balance"], world.account.default_currency, quiet=True)
    if method is not None:
        _attach_first(world, method, customer)
    world.tell("customer.created", customer)
    for one in call.get("tax_id_data") or []:
        tax_ids.verify(world, tax_ids.create(world, customer, one))
    return customer


def _attach_first(world: World, method: Record, customer: Record) -> None:
    """A card that cannot be attached makes no customer."""
    try:
        payment_methods.attach(world, method, customer)
    except errors.Refusal:
        world.store.remove(customer)
        raise


def apply(data: Doc, given: Mapping[str, Any]) -> None:
    """Put parameters into a customer."""
    for name in (*_PLAIN, "business_name", "individual_name"):
        if name in given:
            data[name] = given[name]
    if "address" in given:
        data["address"] = address(given["address"], data["address"])
    if "shipping" in given:
        data["shipping"] = _shipping(given["shipping"], data["shipping"])
    if "metadata" in given:
        data["metadata"] = noted(data["metadata"], given["metadata"])
    if "preferred_locales" in given:
        data["preferred_locales"] = given["preferred_locales"] or []
    if "tax_exempt" in given:
        data["tax_exempt"] = given["tax_exempt"] or "none"
    for name, value in (given.get("invoice_settings") or {}).items():
        whole = {"amount_tax_display": None, "template": None}
        data["invoice_settings"][name] = {**whole, **value} if name == "rendering_options" and value else value


def _shipping(given: Mapping[str, Any] | None, before: Doc | None) -> Doc | None:
    if given is None:
        return None
    place = address(given["address"], (before or {}).get("address"))
    return {"address": place, "name": given["name"], "phone": given.get("phone")}


def _list(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        data = one.data
        if not within(data["created"], call.get("created")):
            return False
        if call.has("email") and data["email"] != call.given["email"]:
            return False
        # Who hangs on a test clock is listed with that clock only.
        return bool(data["test_clock"] == call.get("test_clock"))

    return page(call, (one for one in call.world.store.all("customer") if meant(one)), kind="customer")


def _read(call: Call) -> Record:
    found = call.world.store.get("customer", call.ids[0])
    if found is None:
        raise errors.no_such("customer", call.ids[0])
    return found


def _update(call: Call) -> Record:
    customer = call.world.need("customer", call.ids[0])
    _refuse_source(call)
    default = (call.get("invoice_settings") or {}).get("default_payment_method")
    if default:
        _refuse_foreign(call, customer, default)
    with call.world.changing(customer) as data:
        apply(data, call.given)
        if call.has("balance"):
            change = call.given["balance"] - data["balance"]
            currency = data["currency"] or call.world.account.default_currency
            balances.move(call.world, customer, change, currency, quiet=True)
    if call.has("tax"):
        customer.more["ip"] = _ip(call)
    return customer


def _refuse_foreign(call: Call, customer: Record, identifier: str) -> None:
    at = "invoice_settings[default_payment_method]"
    method = call.world.need("payment_method", identifier, param=at, status=400)
    if method.data["customer"] != customer.id:
        raise errors.invalid(
            f"The customer does not have a payment method with the ID {identifier}. The payment method must be "
            "attached to the customer.",
            at,
            "resource_missing",
        )


def _refuse_source(call: Call) -> None:
    if call.has("source") or call.has("default_source"):
        raise errors.invalid("The sandbox has no sources: attach a PaymentMethod instead.", "source")


def _delete(call: Call) -> Doc:
    customer = call.world.need("customer", call.ids[0])
    customer.deleted = True
    call.world.tell("customer.deleted", customer)
    return customer.shown()


def _ip(call: Call) -> str | None:
    found: str | None = (call.get("tax") or {}).get("ip_address")
    return found
