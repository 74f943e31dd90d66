"""The pages that people see: plain HTML without a script, so that browsers and tests read them alike."""

import html
from collections.abc import Mapping, Sequence

from sandbox.stripe.engine.money import shown
from sandbox.stripe.store import Doc

_STYLE = "body{font:16px sans-serif;max-width:34rem;margin:2rem auto}input,button{font:inherit;margin:.2rem 0}"


def page(title: str, *parts: str) -> str:
    """A whole page."""
    text = html.escape(title)
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{text}</title><style>{_STYLE}</style>'
    return f"{head}<h1>{text}</h1>{''.join(parts)}</html>"


def form(action: str, fields: str, button: str) -> str:
    """A form with one button."""
    return f'<form method="post" action="{html.escape(action)}">{fields}<button>{html.escape(button)}</button></form>'


def field(name: str, label: str, value: str = "", **more: str) -> str:
    """A line to be filled in."""
    extra = "".join(f' {key}="{html.escape(text)}"' for key, text in more.items())
    return f'<p><label>{html.escape(label)} <input name="{name}" value="{html.escape(value)}"{extra}></label></p>'


def hidden(**values: str) -> str:
    """What a form says without being asked."""
    return "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(text)}">' for name, text in values.items()
    )


def card_fields() -> str:
    """A card, by its number."""
    return (
        field("card", "Card number", inputmode="numeric", autocomplete="cc-number", required="required")
        + field("exp_month", "Month", "12")
        + field("exp_year", "Year", "2034")
        + field("cvc", "CVC", "123")
    )


def trouble(error: Mapping[str, object] | None) -> str:
    """Why it did not work."""
    return f'<p role="alert">{html.escape(str(error["message"]))}</p>' if error else ""


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Two columns."""
    inner = "".join(f"<tr><td>{html.escape(left)}</td><td>{html.escape(right)}</td></tr>" for left, right in rows)
    return f"<table>{inner}</table>"


def link(address: str, text: str) -> str:
    """A link."""
    return f'<p><a href="{html.escape(address)}">{html.escape(text)}</a></p>'


def session_rows(session: Doc, lines: Sequence[Doc]) -> str:
    """What a Checkout Session sells, and what it comes to."""
    rows = [
        (f"{line['quantity']} x {line['description']}", shown(line["amount_subtotal"], line["currency"]))
        for line in lines
    ]
    if session["mode"] == "setup":
        return table([("A card for later", "")])
    off, tax = session["total_details"]["amount_discount"], session["total_details"]["amount_tax"]
    rows += [("Discount", shown(-off, session["currency"]))] if off else []
    rows += [("Tax", shown(tax, session["currency"]))] if tax else []
    return table([*rows, ("Total due today", shown(session["amount_total"], session["currency"]))])


def invoice_lines(invoice: Doc, lines: Sequence[Doc], seller: str) -> list[str]:
    """An invoice as lines of text: for its PDF."""
    currency = invoice["currency"]
    found = [
        f"Invoice {invoice['number']}",
        seller,
        f"Bill to: {invoice['customer_name'] or invoice['customer_email'] or ''}",
    ]
    found += [f"{each['type']}: {each['value']}" for each in invoice["customer_tax_ids"]]
    found += [f"{each['name']}: {each['value']}" for each in invoice["custom_fields"] or []]
    found += [""]
    found += [f"{line['description'] or ''}   {shown(line['amount'], currency)}" for line in lines]
    found += ["", f"Subtotal   {shown(invoice['subtotal'], currency)}"]
    found += [f"Discount   {shown(-each['amount'], currency)}" for each in invoice["total_discount_amounts"]]
    found += [f"Tax   {shown(tax['amount'], currency)}" for tax in invoice["total_taxes"]]
    found += [
        f"Total   {shown(invoice['total'], currency)}",
        f"Amount due   {shown(invoice['amount_due'], currency)}",
    ]
    found += [
        f"Amount paid   {shown(invoice['amount_paid'], currency)}",
        "",
        invoice["description"] or "",
        invoice["footer"] or "",
    ]
    return found
