from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import stripe

from .stripe_account import refuse_other_shape, sdk
from .stripe_billing import Shop, at


@pytest.fixture
async def shop(http: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with sdk(http) as client:
        yield Shop(client, http)


class Forms(HTMLParser):
    """The forms of a page: where they lead and what they say by themselves."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given["action"], {}))
        elif tag == "input":
            self.found[-1][1][given["name"]] = given.get("value", "")


async def bill(shop: Shop, amount: int = 5000, **more: Any) -> stripe.Invoice:
    """A draft with one line."""
    await shop.client.v1.invoice_items.create_async(
        {"customer": shop.customer, "amount": amount, "currency": "eur", "description": "Onboarding"}
    )
    given: Any = {"customer": shop.customer, "pending_invoice_items_behavior": "include", **more}
    return await shop.client.v1.invoices.create_async(given)


async def test_a_draft_is_written_finalized_and_paid_and_then_never_changes(shop: Shop) -> None:
    await shop.open("2025-03-01", address={"country": "DE", "city": "Berlin"})
    draft = await bill(shop, footer="Thanks", custom_fields=[{"name": "PO", "value": "7"}])
    assert (draft.status, draft.number, draft.amount_due, draft.billing_reason) == ("draft", None, 5000, "manual")
    hours: Any = {
        "customer": shop.customer,
        "invoice": draft.id,
        "unit_amount_decimal": "250",
        "quantity": 3,
        "currency": "eur",
    }
    added = await shop.client.v1.invoice_items.create_async(hours)
    refuse_other_shape(added)
    await shop.client.v1.invoice_items.update_async(added.id, {"quantity": 4, "description": "Hours"})
    changed = await shop.client.v1.invoices.update_async(draft.id, {"description": "March", "metadata": {"a": "b"}})
    assert (changed.total, changed.description) == (6000, "March")
    final = await shop.client.v1.invoices.finalize_invoice_async(draft.id)
    assert final.number
    assert final.hosted_invoice_url
    assert (final.status, final.number[-5:]) == ("open", "-0001")
    for change in ({"description": "April"}, {"footer": "No"}):
        with pytest.raises(stripe.InvalidRequestError):
            await shop.client.v1.invoices.update_async(draft.id, change)  # type: ignore[arg-type]
    with pytest.raises(stripe.InvalidRequestError):
        await shop.client.v1.invoice_items.delete_async(added.id)
    paid = await shop.client.v1.invoices.pay_async(draft.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 6000, 0)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await shop.client.v1.invoices.pay_async(draft.id)
    assert refusal.value.code == "invoice_already_paid"
    lines = await shop.client.v1.invoices.line_items.list_async(draft.id, {"limit": 1})
    assert ([one.amount for one in lines.data], lines.has_more) == ([5000], True)
    second = await shop.client.v1.invoices.finalize_invoice_async((await bill(shop)).id)
    assert second.number
    assert second.number[-5:] == "-0002"


async def test_an_invoices_pdf_is_one(shop: Shop) -> None:
    await shop.open("2025-03-01")
    final = await shop.client.v1.invoices.finalize_invoice_async((await bill(shop)).id)
    answer = await shop.http.get(str(final.invoice_pdf))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    body = answer.content
    assert body.startswith(b"%PDF-1.4")
    assert body.rstrip().endswith(b"%%EOF")
    assert f"Invoice {final.number}".encode() in body
    start = int(body.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert body[start : start + 4] == b"xref"
    for number, entry in enumerate(body[start:].split(b"\n")[3:8], 1):
        place = int(entry[:10])
        assert body[place:].startswith(f"{number} 0 obj".encode())


async def test_a_hosted_page_takes_a_card_and_leads_to_the_bank(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    final = await shop.client.v1.invoices.finalize_invoice_async((await bill(shop)).id)
    page = await shop.http.get(str(final.hosted_invoice_url))
    ((action, fields),) = Forms(page.text).found
    declined = await shop.http.post(action, data={**fields, "card": "4000 0000 0000 0341"})
    assert "Your card was declined." in declined.text
    asked = await shop.http.post(action, data={**fields, "card": "4000002760003184"})
    assert asked.status_code == 303
    bank = await shop.http.get(asked.headers["location"])
    (yes_action, yes), _ = Forms(bank.text).found
    assert "paid" in (await shop.http.post(yes_action, data=yes)).text
    paid = await shop.client.v1.invoices.retrieve_async(
        final.id, {"expand": ["payments.data.payment.payment_intent"]}
    )
    assert (paid.status, paid.amount_paid) == ("paid", 5000)
    told = await shop.told("invoice")
    assert [
        each for each in told if each in {"invoice.payment_failed", "invoice.payment_action_required", "invoice.paid"}
    ] == [
        "invoice.payment_failed",
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "invoice.paid",
    ]
    assert (await shop.http.get("/stripe/pages/invoices/unknown")).status_code == 404


async def test_an_open_invoice_is_voided_given_up_or_paid_elsewhere(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    voided, lost, elsewhere = [
        (await shop.client.v1.invoices.finalize_invoice_async((await bill(shop)).id)).id for _ in range(3)
    ]
    assert (await shop.client.v1.invoices.void_invoice_async(voided)).status == "void"
    with pytest.raises(stripe.InvalidRequestError):
        await shop.client.v1.invoices.pay_async(voided)
    assert (await shop.client.v1.invoices.mark_uncollectible_async(lost)).status == "uncollectible"
    assert (await shop.client.v1.invoices.void_invoice_async(lost)).status == "void"
    paid = await shop.client.v1.invoices.pay_async(elsewhere, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid) == ("paid", 0)
    payments = await shop.client.v1.invoice_payments.list_async({"invoice": elsewhere})
    assert [one.status for one in payments.data] == ["canceled"]
    draft = await bill(shop)
    await shop.client.v1.invoices.delete_async(draft.id)
    with pytest.raises(stripe.InvalidRequestError):
        await shop.client.v1.invoices.retrieve_async(draft.id)


async def test_an_invoice_that_is_sent_waits_for_its_date(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    draft = await bill(shop, collection_method="send_invoice", days_until_due=14)
    sent = await shop.client.v1.invoices.send_invoice_async(draft.id)
    assert (sent.status, sent.due_date, sent.attempted) == ("open", at("2025-03-15"), False)
    assert "invoice.sent" in await shop.told()
    await shop.to("2025-03-20")
    assert "invoice.overdue" in await shop.told()
    assert (await shop.client.v1.invoices.retrieve_async(draft.id)).status == "open"


async def test_a_draft_that_advances_is_final_and_collected_after_an_hour(shop: Shop) -> None:
    await shop.open("2025-03-01")
    draft = await bill(shop, auto_advance=True)
    assert draft.automatically_finalizes_at == at("2025-03-01T01:00:00")
    await shop.to("2025-03-01T02:00:00")
    assert (await shop.client.v1.invoices.retrieve_async(draft.id)).status == "paid"


async def test_credit_is_used_first_and_comes_back_when_an_invoice_is_void(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    await shop.client.v1.customers.balance_transactions.create_async(
        shop.customer, {"amount": -2000, "currency": "eur"}
    )
    final = await shop.client.v1.invoices.finalize_invoice_async((await bill(shop)).id)
    assert (final.total, final.amount_due, final.starting_balance, final.ending_balance) == (5000, 3000, -2000, 0)
    await shop.client.v1.invoices.void_invoice_async(final.id)
    assert (await shop.client.v1.customers.retrieve_async(shop.customer)).balance == -2000
    moved = await shop.client.v1.customers.balance_transactions.list_async(shop.customer)
    assert [one.type for one in moved.data] == ["unapplied_from_invoice", "applied_to_invoice", "adjustment"]


async def test_a_sum_too_small_to_charge_waits_for_the_next_invoice(shop: Shop) -> None:
    await shop.open("2025-03-01")
    small = await shop.client.v1.invoices.finalize_invoice_async((await bill(shop, 30)).id)
    assert (small.status, small.total, small.amount_due, small.ending_balance) == ("paid", 30, 0, 30)
    later = await shop.client.v1.invoices.finalize_invoice_async((await bill(shop, 100)).id)
    assert (later.amount_due, later.starting_balance) == (130, 30)


async def test_a_credit_note_lowers_an_open_invoice_and_gives_back_from_a_paid_one(shop: Shop) -> None:
    await shop.open("2025-03-01")
    final = await shop.client.v1.invoices.finalize_invoice_async((await bill(shop)).id)
    note = await shop.client.v1.credit_notes.create_async(
        {"invoice": final.id, "amount": 1000, "reason": "order_change"}
    )
    assert (note.type, note.number, note.pre_payment_amount) == ("pre_payment", f"{final.number}-CN-01", 1000)
    lowered = await shop.client.v1.invoices.retrieve_async(final.id)
    assert (lowered.amount_remaining, lowered.pre_payment_credit_notes_amount) == (4000, 1000)
    paid = await shop.client.v1.invoices.pay_async(final.id)
    assert (paid.amount_paid, paid.status) == (4000, "paid")
    asked: Any = {"invoice": final.id, "lines": [{"type": "invoice_line_item", "amount": 1500}]}
    asked["lines"][0]["invoice_line_item"] = final.lines.data[0].id
    with pytest.raises(stripe.InvalidRequestError, match="must equal"):
        await shop.client.v1.credit_notes.create_async(asked)
    asked |= {"credit_amount": 500, "refund_amount": 1000}
    preview = await shop.client.v1.credit_notes.preview_async(asked)
    made = await shop.client.v1.credit_notes.create_async(asked)
    assert (made.total, made.type, preview.total) == (1500, "post_payment", 1500)
    refuse_other_shape({**made.to_dict(), "total_excluding_tax": None})
    lines = await shop.client.v1.credit_notes.line_items.list_async(made.id)
    refuse_other_shape(lines.data[0])
    assert (await shop.client.v1.customers.retrieve_async(shop.customer)).balance == -500
    after = await shop.client.v1.invoices.retrieve_async(final.id)
    assert (after.post_payment_credit_notes_amount, after.amount_paid) == (1500, 4000)
    assert made.refunds
    refunded = await shop.client.v1.refunds.retrieve_async(str(made.refunds[0].refund))
    assert refunded.amount == 1000
    with pytest.raises(stripe.InvalidRequestError, match="exceeds"):
        await shop.client.v1.credit_notes.create_async({"invoice": final.id, "amount": 2501, "credit_amount": 2501})


async def test_a_credit_note_over_all_that_is_open_pays_it_and_one_can_be_taken_back(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    final = await shop.client.v1.invoices.finalize_invoice_async((await bill(shop)).id)
    note = await shop.client.v1.credit_notes.create_async({"invoice": final.id, "amount": 2000})
    assert (await shop.client.v1.credit_notes.void_credit_note_async(note.id)).status == "void"
    assert (await shop.client.v1.invoices.retrieve_async(final.id)).amount_remaining == 5000
    await shop.client.v1.credit_notes.create_async({"invoice": final.id, "amount": 5000})
    done = await shop.client.v1.invoices.retrieve_async(final.id)
    assert (done.status, done.amount_paid, done.amount_remaining) == ("paid", 0, 0)
