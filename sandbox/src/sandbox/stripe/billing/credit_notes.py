"""Credit notes: https://docs.stripe.com/api/credit_notes. What is taken back of an invoice that is final."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from sandbox.stripe import balances, errors, ids
from sandbox.stripe.billing import choosing, payments, settling
from sandbox.stripe.billing.invoices import part
from sandbox.stripe.billing.rates import rate_of
from sandbox.stripe.engine.money import rounded
from sandbox.stripe.engine.totals import Line, reckon
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import ID, LIST, METADATA, PERIOD, TIME, Call, Operation, page, reading, within
from sandbox.stripe.params import Choice, Hash, Integer, List, Number, Shape, Text, noted
from sandbox.stripe.store import Doc, Record

KIND: Final = Kind(
    "credit_note",
    noun="credit note",
    links={
        "customer": "customer",
        "invoice": "invoice",
        "customer_balance_transaction": "customer_balance_transaction",
    },
)
_PATH: Final = "/v1/credit_notes"
_LINE: Final = Hash(
    amount=Integer(least=0),
    description=Text(),
    invoice_line_item=ID,
    quantity=Integer(least=1),
    tax_rates=choosing.RATES,
    type=Choice("custom_line_item", "invoice_line_item", required=True),
    unit_amount=Integer(least=0),
    unit_amount_decimal=Number(least=Decimal(0)),
)
_FIELDS: Final[Mapping[str, Shape]] = {
    "amount": Integer(least=0),
    "credit_amount": Integer(least=0),
    "effective_at": TIME,
    "email_type": Choice("credit_note", "none"),
    "invoice": Text(required=True, unsets=False),
    "lines": List(_LINE, most=250),
    "memo": Text(5000),
    "metadata": METADATA,
    "out_of_band_amount": Integer(least=0),
    "reason": Choice("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
    "refund_amount": Integer(least=0),
    "refunds": List(Hash(amount_refunded=Integer(least=0), refund=ID, type=Choice("refund")), most=50),
}


def operations() -> tuple[Operation, ...]:
    """All that is done with credit notes."""
    return (
        Operation("POST", _PATH, _create, _FIELDS),
        Operation("GET", _PATH, _list, {**LIST, "created": PERIOD, "customer": ID, "invoice": ID}),
        Operation("GET", f"{_PATH}/preview", _draft, _FIELDS),
        Operation("GET", f"{_PATH}/preview/lines", _preview_lines, {**LIST, **_FIELDS}),
        reading("credit_note", _PATH + "/{}"),
        Operation("POST", _PATH + "/{}", _update, {"memo": Text(5000), "metadata": METADATA}),
        Operation("GET", _PATH + "/{}/lines", _lines, LIST),
        Operation("POST", _PATH + "/{}/void", _void),
    )


def _draft(call: Call) -> Doc:
    """The credit note that is asked for, not kept.

    Raises:
        Refusal: More is to be taken back than there is, or its parts are not its sum.
    """
    world, given = call.world, call.given
    invoice = world.need("invoice", given["invoice"], param="invoice", status=400)
    lines = _lines_of(call, invoice)
    total = sum(line["amount"] - line["discount_amount"] + _on_top(line) for line in lines)
    if not lines or total <= 0:
        raise errors.invalid("You must pass one of `amount` or `lines`, and the total must be positive.", "amount")
    before = _pre_payment(invoice.data, total)
    after = total - before
    _refuse_too_much(invoice, before, after)
    _refuse_unbalanced(given, after)
    taxes = [tax for line in lines for tax in line["taxes"]]
    off = sum(line["discount_amount"] for line in lines)
    data = invoice.data
    return {
        "id": ids.long_id("cn"),
        "object": "credit_note",
        "amount": total,
        "amount_shipping": 0,
        "created": world.now(invoice.clock),
        "currency": data["currency"],
        "customer": data["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": off,
        "discount_amounts": [each for line in lines for each in line["discount_amounts"]],
        "effective_at": given.get("effective_at") or world.now(invoice.clock),
        "invoice": invoice.id,
        "lines": {"object": "list", "data": lines[:10], "has_more": len(lines) > 10, "total_count": len(lines)},
        "livemode": False,
        "memo": given.get("memo"),
        "metadata": noted({}, given.get("metadata", {})),
        "number": f"{data['number']}-CN-{invoice.more.get('notes', 0) + 1:02d}",
        "out_of_band_amount": given.get("out_of_band_amount"),
        "pdf": f"{world.pages}/credit_notes/{ids.letters(40)}/pdf",
        "post_payment_amount": after,
        "pre_payment_amount": before,
        "pretax_credit_amounts": [
            {**each, "type": "discount"} for line in lines for each in line["discount_amounts"]
        ],
        "reason": given.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": sum(line["amount"] for line in lines),
        "subtotal_excluding_tax": sum(line["amount"] for line in lines) - _within(taxes),
        "total": total,
        "total_excluding_tax": total - sum(tax["amount"] for tax in taxes),
        "total_taxes": taxes,
        "type": "mixed" if before and after else "pre_payment" if before else "post_payment",
        "voided_at": None,
    }


def _within(taxes: Sequence[Doc]) -> int:
    return sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")


def _on_top(line: Doc) -> int:
    return sum(tax["amount"] for tax in line["taxes"] if tax["tax_behavior"] == "exclusive")


def _pre_payment(invoice: Doc, total: int) -> int:
    """How much of it lowers what is still to be paid."""
    if invoice["status"] not in {"open", "paid", "uncollectible"}:
        raise errors.invalid(
            f"You can only create a credit note for an invoice that is finalized; this one is {invoice['status']}.",
            "invoice",
        )
    return min(total, invoice["amount_remaining"]) if invoice["status"] != "paid" else 0


def _refuse_too_much(invoice: Record, before: int, after: int) -> None:
    data = invoice.data
    left = data["total"] - data["pre_payment_credit_notes_amount"] - data["post_payment_credit_notes_amount"]
    if before + after > left or (after and data["status"] != "paid"):
        most = left if data["status"] == "paid" else data["amount_remaining"]
        raise errors.invalid(
            f"The total amount of the credit note exceeds what can be credited on the invoice, which is {most}.",
            "amount",
        )


def _refuse_unbalanced(given: Mapping[str, Any], after: int) -> None:
    """After payment the amount must be given back in parts that add up to it."""
    refunds = sum(each.get("amount_refunded") or 0 for each in given.get("refunds") or [])
    parts = sum(given.get(name) or 0 for name in ("credit_amount", "refund_amount", "out_of_band_amount")) + refunds
    if parts != after:
        raise errors.invalid(
            f"The sum of credit amount, refund amount and out of band amount ({parts}) must equal the credit note "
            f"amount ({after}) after payment.",
            "amount",
        )


def _lines_of(call: Call, invoice: Record) -> list[Doc]:
    given = call.given
    if given.get("amount") is not None and given.get("lines"):
        raise errors.invalid("You may only specify one of these parameters: amount, lines.", "amount")
    if given.get("amount") is not None:
        return [_line("Credit", given["amount"], 1, None, off=[], taxes=[])]
    found = []
    for i, each in enumerate(given.get("lines") or []):
        own = each["type"] == "invoice_line_item"
        found.append(_of_invoice(invoice, each, i) if own else _custom(call, each, i))
    return found


def _custom(call: Call, given: Mapping[str, Any], i: int) -> Doc:
    at = f"lines[{i}]"
    if given.get("unit_amount") is None and given.get("unit_amount_decimal") is None:
        raise errors.missing(f"{at}[unit_amount]")
    quantity = given.get("quantity", 1)
    unit = given.get("unit_amount_decimal") or Decimal(given.get("unit_amount") or 0)
    amount = rounded(Fraction(unit) * quantity)
    rates = [
        call.world.need("tax_rate", one, param=f"{at}[tax_rates]", status=400) for one in given.get("tax_rates") or []
    ]
    (line,) = reckon([Line(amount, rates=[rate_of(one, exempt=False) for one in rates])]).lines
    taxes = [_tax(tax.rate, tax.amount, tax.taxable, inclusive=tax.inclusive) for tax in line.taxes]
    return _line(given.get("description"), amount, quantity, None, off=[], taxes=taxes, unit=str(unit))


def _of_invoice(invoice: Record, given: Mapping[str, Any], i: int) -> Doc:
    """A share of an invoice's line, with that share of its discounts and its tax."""
    at = f"lines[{i}]"
    line = next((one for one in invoice.more["lines"] if one["id"] == given.get("invoice_line_item")), None)
    if line is None:
        raise errors.no_such(
            "invoice_line_item", str(given.get("invoice_line_item")), f"{at}[invoice_line_item]", 400
        )
    whole = line["amount"]
    quantity = given.get("quantity")
    amount = given.get("amount")
    if amount is None:
        amount = rounded(Fraction(whole * (quantity or line["quantity"]), line["quantity"]))
    if amount > whole:
        raise errors.invalid("The amount of a line cannot exceed that of the invoice's line.", f"{at}[amount]")

    def share(value: int) -> int:
        return rounded(Fraction(value * amount, whole)) if whole else 0

    off = [{**each, "amount": share(each["amount"])} for each in line["discount_amounts"]]
    taxes = [
        {**tax, "amount": share(tax["amount"]), "taxable_amount": share(tax["taxable_amount"])}
        for tax in line["taxes"]
    ]
    return _line(line["description"], amount, quantity, line["id"], off=off, taxes=taxes)


def _tax(rate: str, amount: int, taxable: int, *, inclusive: bool) -> Doc:
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": rate},
        "taxability_reason": "not_available",
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }


def _line(
    description: str | None,
    amount: int,
    quantity: int | None,
    line: str | None,
    *,
    off: list[Doc],
    taxes: list[Doc],
    unit: str | None = None,
) -> Doc:
    found: Doc = {
        "id": ids.long_id("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": description,
        "discount_amount": sum(each["amount"] for each in off),
        "discount_amounts": off,
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [{**each, "type": "discount"} for each in off],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": taxes,
        "type": "invoice_line_item" if line else "custom_line_item",
        "unit_amount": int(unit) if unit and unit.isdigit() else None,
        "unit_amount_decimal": unit,
    }
    return found | ({"invoice_line_item": line} if line else {})


def _create(call: Call) -> Record:
    world, given = call.world, call.given
    data = _draft(call)
    lines = data["lines"]["data"]
    data["lines"]["url"] = f"{_PATH}/{data['id']}/lines"
    invoice = world.need("invoice", given["invoice"])
    for each in given.get("refunds") or []:
        world.need("refund", each.get("refund") or "", param="refunds", status=400)
        data["refunds"].append(
            {"amount_refunded": each.get("amount_refunded") or 0, "refund": each["refund"], "type": "refund"}
        )
    if given.get("refund_amount"):
        refund = payments.refund(call, invoice, given["refund_amount"])
        data["refunds"].append({"amount_refunded": given["refund_amount"], "refund": refund.id, "type": "refund"})
    note = world.add("credit_note", data, more={"lines": lines}, clock=invoice.clock)
    if given.get("credit_amount"):
        customer = world.need("customer", data["customer"])
        moved = balances.move(
            world,
            customer,
            -given["credit_amount"],
            data["currency"],
            what="credit_note",
            credit_note=note.id,
            invoice=invoice.id,
        )
        data["customer_balance_transaction"] = moved.id
    invoice.more["notes"] = invoice.more.get("notes", 0) + 1
    world.tell("credit_note.created", note)
    _count(call, invoice, data["pre_payment_amount"], data["post_payment_amount"])
    return note


def _count(call: Call, invoice: Record, before: int, after: int) -> None:
    """Lower what the invoice still asks for; where nothing is left it is paid."""
    world = call.world
    with world.changing(invoice, "invoice.updated") as data:
        data["pre_payment_credit_notes_amount"] += before
        data["post_payment_credit_notes_amount"] += after
        data["amount_remaining"] -= before
    if before:
        payments.resize(world, invoice)
        if invoice.data["amount_remaining"] == 0 and invoice.data["status"] in {"open", "uncollectible"}:
            payments.cancel(world, invoice)
            settling.settle(world, invoice)


def _preview_lines(call: Call) -> Doc:
    return part(call, _draft(call)["lines"]["data"], call.path)


def _lines(call: Call) -> Doc:
    return part(call, call.world.need("credit_note", call.ids[0]).more["lines"], call.path)


def _list(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        same = all(one.data[name] == call.given[name] for name in ("customer", "invoice") if call.has(name))
        return same and within(one.data["created"], call.get("created"))

    return page(call, (one for one in call.world.store.all("credit_note") if meant(one)), kind="credit_note")


def _update(call: Call) -> Record:
    note = call.world.need("credit_note", call.ids[0])
    with call.world.changing(note) as data:
        if call.has("memo"):
            data["memo"] = call.given["memo"]
        if call.has("metadata"):
            data["metadata"] = noted(data["metadata"], call.given["metadata"])
    return note


def _void(call: Call) -> Record:
    world, note = call.world, call.world.need("credit_note", call.ids[0])
    invoice = world.need("invoice", note.data["invoice"])
    if note.data["status"] == "void" or note.data["type"] != "pre_payment" or invoice.data["status"] != "open":
        raise errors.invalid("You can only void a credit note that lowers an invoice which is still open.")
    note.data |= {"status": "void", "voided_at": world.now(note.clock)}
    world.tell("credit_note.voided", note)
    _count(call, invoice, -note.data["pre_payment_amount"], 0)
    return note
