"""Invoices: https://docs.stripe.com/api/invoices."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.stripe import errors
from sandbox.stripe.billing import choosing, drafting, following, payments, settling, subscribing
from sandbox.stripe.billing.previews import SHAPE as PREVIEW
from sandbox.stripe.billing.previews import preview
from sandbox.stripe.billing.subscriptions import AUTOMATIC_TAX
from sandbox.stripe.engine.states import DAY, DRAFT_FOR
from sandbox.stripe.kinds import Kind, sublist
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import FLAG, ID, LIST, METADATA, PERIOD, TIME, Call, Operation, page, reading, within
from sandbox.stripe.params import Choice, Hash, Integer, List, Shape, Text, noted
from sandbox.stripe.searching import searching
from sandbox.stripe.store import Doc, Record, Store
from sandbox.stripe.world import CLOCK

_PATH: Final = "/v1/invoices"


def _payments(store: Store, invoice: Record) -> Doc:
    found = [one.shown() for one in store.all("invoice_payment") if one.data["invoice"] == invoice.id]
    return sublist(f"/v1/invoice_payments?invoice={invoice.id}", found)


def _secret(store: Store, invoice: Record) -> Doc | None:
    for one in store.all("invoice_payment"):
        if one.data["invoice"] == invoice.id:
            intent = store.get("payment_intent", one.data["payment"]["payment_intent"])
            return {"client_secret": intent.data["client_secret"], "type": "payment_intent"} if intent else None
    return None


KIND: Final = Kind(
    "invoice",
    links={
        "customer": "customer",
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "latest_revision": "invoice",
        "parent.subscription_details.subscription": "subscription",
        "test_clock": CLOCK,
    },
    on_demand={"payments": _payments, "confirmation_secret": _secret},
    searched={
        "status": "status",
        "number": "number",
        "total": "total",
        "customer": "customer",
        "currency": "currency",
    },
)
LINE: Final = Kind(
    "line_item",
    links={
        "discounts": "discount",
        "pricing.price_details.price": "price",
        "pricing.price_details.product": "product",
        "subscription": "subscription",
    },
)
PAYMENT: Final = Kind("invoice_payment", links={"invoice": "invoice", "payment.payment_intent": "payment_intent"})
_FIELDS: Final[Mapping[str, Shape]] = {
    "auto_advance": FLAG,
    "automatic_tax": AUTOMATIC_TAX,
    "automatically_finalizes_at": TIME,
    "collection_method": Choice("charge_automatically", "send_invoice"),
    "custom_fields": List(Hash(name=Text(40, required=True), value=Text(140, required=True)), most=4, unsets=True),
    "days_until_due": Integer(least=0, most=730),
    "default_payment_method": Text(),
    "default_tax_rates": choosing.RATES,
    "description": Text(1500),
    "discounts": choosing.DISCOUNTS,
    "due_date": TIME,
    "effective_at": TIME,
    "footer": Text(5000),
    "metadata": METADATA,
    "statement_descriptor": Text(22),
}
_FINAL: Final = frozenset({"auto_advance", "metadata", "default_payment_method"})
"""What may be changed in an invoice that is final."""


def operations() -> tuple[Operation, ...]:
    """All that is done with invoices."""
    creation = {
        **_FIELDS,
        "currency": Text(),
        "customer": ID,
        "pending_invoice_items_behavior": Choice("exclude", "include"),
        "subscription": ID,
    }
    filters = {
        "collection_method": Choice("charge_automatically", "send_invoice"),
        "created": PERIOD,
        "customer": ID,
        "due_date": PERIOD,
        "status": Choice("draft", "open", "paid", "uncollectible", "void"),
        "subscription": ID,
    }
    paying = {"off_session": FLAG, "paid_out_of_band": FLAG, "payment_method": ID, "forgive": FLAG, "mandate": ID}
    return (
        Operation("POST", _PATH, _create, creation),
        Operation("GET", _PATH, _list, {**LIST, **filters}),
        Operation("POST", f"{_PATH}/create_preview", preview, PREVIEW),
        searching(KIND, f"{_PATH}/search"),
        reading("invoice", _PATH + "/{}"),
        Operation("POST", _PATH + "/{}", _update, _FIELDS),
        Operation("DELETE", _PATH + "/{}", _delete),
        Operation("POST", _PATH + "/{}/finalize", _finalize, {"auto_advance": FLAG}),
        Operation("POST", _PATH + "/{}/pay", _pay, paying),
        Operation("POST", _PATH + "/{}/send", _send),
        Operation("POST", _PATH + "/{}/void", _void),
        Operation("POST", _PATH + "/{}/mark_uncollectible", _give_up),
        Operation("GET", _PATH + "/{}/lines", _lines, LIST),
        Operation(
            "GET",
            "/v1/invoice_payments",
            _list_payments,
            {
                **LIST,
                "created": PERIOD,
                "invoice": ID,
                "payment": Hash(payment_intent=ID, type=Choice("payment_intent", required=True)),
                "status": Choice("canceled", "open", "paid"),
            },
        ),
        reading("invoice_payment", "/v1/invoice_payments/{}"),
    )


def _create(call: Call) -> Record:
    world, given = call.world, call.given
    subscription = call.named("subscription", "subscription")
    identifier = given.get("customer") or (subscription.data["customer"] if subscription else None)
    if identifier is None:
        raise errors.missing("customer")
    customer = world.need("customer", identifier, param="customer", status=400)
    currency = _currency(call, customer, subscription)
    takes = given.get("pending_invoice_items_behavior", "include" if subscription else "exclude") == "include"
    whose = subscription.id if subscription else None
    held = drafting.pending(world, customer.id, whose, currency) if takes else []
    if subscription is not None and not held:
        raise errors.invalid(
            "Nothing to invoice for subscription", "subscription", "invoice_no_subscription_line_items"
        )
    seeds = [drafting.seed_of(one) for one in held]
    fields = _fields(call, customer, {})
    subscribing.refuse_unlocated(customer, enabled=bool((fields.get("automatic_tax") or {}).get("enabled")))
    made = drafting.draft(
        world,
        customer,
        seeds,
        reason="manual",
        currency=currency,
        subscription=subscription.data if subscription else None,
        fields=fields,
    )
    advances = bool(given.get("auto_advance", False))
    invoice = drafting.keep(world, made, customer.clock, auto_advance=advances, waits=advances)
    invoice.more["days_until_due"] = given.get("days_until_due") or 30
    _refuse_dateless(invoice, given)
    if subscription is not None:
        subscription.data["latest_invoice"] = invoice.id
    settling.plan(world, invoice)
    return invoice


def _currency(call: Call, customer: Record, subscription: Record | None) -> str:
    if subscription is not None:
        return str(subscription.data["currency"])
    asked = call.get("currency")
    return currency_of(asked) if asked else customer.data["currency"] or call.world.account.default_currency


def _refuse_dateless(invoice: Record, given: Mapping[str, Any]) -> None:
    sends = invoice.data["collection_method"] == "send_invoice"
    dated = given.get("days_until_due") is not None or given.get("due_date") is not None
    if sends and not dated and invoice.data["parent"] is None:
        raise errors.invalid(
            "You must pass `days_until_due` or `due_date` when `collection_method` is `send_invoice`.",
            "days_until_due",
        )


def _fields(call: Call, customer: Record, before: Mapping[str, Any]) -> Doc:
    given, world = call.given, call.world
    plain = (
        "collection_method", "custom_fields", "default_payment_method", "description", "due_date", "effective_at",
        "footer", "statement_descriptor",
    )  # fmt: skip
    found: Doc = {name: given[name] for name in plain if name in given}
    if given.get("default_payment_method"):
        payments.refuse_foreign(world, customer, given["default_payment_method"])
    if given.get("days_until_due") is not None and "due_date" not in given:
        found["due_date"] = world.now(customer.clock) + given["days_until_due"] * DAY
    if "default_tax_rates" in given:
        found["default_tax_rates"] = choosing.rates(call, given["default_tax_rates"], "default_tax_rates")
    if "metadata" in given:
        found["metadata"] = noted(before.get("metadata", {}), given["metadata"])
    if given.get("automatic_tax"):
        nothing = {"disabled_reason": None, "liability": None, "provider": None, "status": None}
        found["automatic_tax"] = {**nothing, **given["automatic_tax"]}
    if "discounts" in given:
        found["discounts"] = choosing.discounts(world, customer, given["discounts"], "discounts")
    return found


def _list(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        data = one.data
        if call.has("subscription"):
            parent = following.subscription_of(call.world, data)
            if parent is None or parent.id != call.given["subscription"]:
                return False
        same = ("collection_method", "customer", "status")
        return (
            within(data["created"], call.get("created"))
            and (not call.has("due_date") or within(data["due_date"] or 0, call.get("due_date")))
            and all(data[name] == call.given[name] for name in same if call.has(name))
        )

    return page(call, (one for one in call.world.store.all("invoice") if meant(one)), kind="invoice")


def _update(call: Call) -> Record:
    world, invoice, given = call.world, call.world.need("invoice", call.ids[0]), call.given
    strange = set(given) - _FINAL
    if invoice.data["status"] != "draft" and strange:
        raise errors.invalid(
            f"Finalized invoices can't be updated in this way: {', '.join(sorted(strange))}", min(strange),
            "invoice_not_editable",
        )  # fmt: skip
    customer = world.need("customer", invoice.data["customer"])
    fields = _fields(call, customer, invoice.data)
    with world.changing(invoice, "invoice.updated") as data:
        data.update(fields)
        if "auto_advance" in given:
            data["auto_advance"] = given["auto_advance"]
            if data["status"] == "draft":
                at = world.now(invoice.clock) + DRAFT_FOR
                data["automatically_finalizes_at"] = at if given["auto_advance"] else None
        if given.get("automatically_finalizes_at"):
            data["automatically_finalizes_at"] = given["automatically_finalizes_at"]
        if data["status"] == "draft":
            drafting.rewrite(world, invoice)
    settling.plan(world, invoice)
    return invoice


def _delete(call: Call) -> Doc:
    world, invoice = call.world, call.world.need("invoice", call.ids[0])
    if invoice.data["status"] != "draft" or invoice.data["parent"]:
        raise errors.invalid(
            "You can only delete draft invoices that are not of a subscription.", None, "invoice_not_editable"
        )
    for seed in invoice.more["seeds"]:
        if seed.invoice_item:
            world.need("invoiceitem", seed.invoice_item).deleted = True
    invoice.deleted = True
    world.agenda.put(invoice.clock, invoice.id, None)
    world.tell("invoice.deleted", invoice)
    return invoice.shown()


def _finalize(call: Call) -> Record:
    world, invoice = call.world, call.world.need("invoice", call.ids[0])
    if call.has("auto_advance"):
        invoice.data["auto_advance"] = call.given["auto_advance"]
    settling.finalize(world, invoice)
    return invoice


def _pay(call: Call) -> Record:
    world, invoice, given = call.world, call.world.need("invoice", call.ids[0]), call.given
    data = invoice.data
    if data["status"] == "draft":
        settling.finalize(world, invoice)
    if data["status"] == "paid":
        raise errors.invalid("Invoice is already paid", None, "invoice_already_paid")
    if data["status"] == "void":
        raise errors.invalid("This invoice can no longer be paid: it is void.")
    if given.get("paid_out_of_band"):
        payments.cancel(world, invoice)
        settling.settle(world, invoice, out_of_band=True)
        return invoice
    customer = world.need("customer", data["customer"])
    method = given.get("payment_method")
    if method:
        payments.refuse_foreign(world, customer, method, "payment_method")
    else:
        payments.refuse_without_method(world, data)
    outcome = settling.collect(world, invoice, method=method, off_session=given.get("off_session", True))
    if outcome != "paid":
        raise payments.why(world, invoice)
    return invoice


def _send(call: Call) -> Record:
    world, invoice = call.world, call.world.need("invoice", call.ids[0])
    if invoice.data["status"] == "draft":
        settling.finalize(world, invoice)
    if invoice.data["status"] not in {"open", "paid"}:
        raise errors.invalid(f"You can't send an invoice that is {invoice.data['status']}.")
    world.tell("invoice.sent", invoice)
    return invoice


def _void(call: Call) -> Record:
    invoice = call.world.need("invoice", call.ids[0])
    settling.void(call.world, invoice)
    return invoice


def _give_up(call: Call) -> Record:
    invoice = call.world.need("invoice", call.ids[0])
    settling.give_up(call.world, invoice)
    return invoice


def _lines(call: Call) -> Doc:
    invoice = call.world.need("invoice", call.ids[0])
    return part(call, invoice.more["lines"], call.path)


def part(call: Call, docs: list[Doc], path: str) -> Doc:
    """A page of what has no records of its own, in the order it stands."""
    names = [one["id"] for one in docs]
    limit, start = call.get("limit", 10), 0
    if call.get("starting_after") in names:
        start = names.index(call.given["starting_after"]) + 1
    if call.get("ending_before") in names:
        end = names.index(call.given["ending_before"])
        start = max(0, end - limit)
        return {"object": "list", "data": docs[start:end], "has_more": start > 0, "url": path}
    shown = docs[start : start + limit]
    return {"object": "list", "data": shown, "has_more": start + limit < len(docs), "url": path}


def _list_payments(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        intent = (call.get("payment") or {}).get("payment_intent")
        return (
            within(one.data["created"], call.get("created"))
            and intent in {None, one.data["payment"]["payment_intent"]}
            and all(one.data[name] == call.given[name] for name in ("invoice", "status") if call.has(name))
        )

    found = (one for one in call.world.store.all("invoice_payment") if meant(one))
    return page(call, found, kind="invoice_payment")
