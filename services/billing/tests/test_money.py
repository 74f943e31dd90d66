"""Invoices, payments, refunds, credit notes and disputes, as Stripe's objects bring them and people see them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from billing.credit_notes import following as credit_notes
from billing.credit_notes.seeing import seen_of as credit_note_seen
from billing.disputes import following as disputes
from billing.disputes.seeing import seen_of as dispute_seen
from billing.entitlements.model import Own
from billing.entitlements.service import own
from billing.grants.repository import GrantRepository
from billing.invoices import reading as invoices
from billing.invoices.seeing import seen_of as invoice_seen
from billing.payments import reading as payments
from billing.payments.repository import owners_of_payments
from billing.payments.seeing import seen_of as payment_seen
from billing.pays.kind import KIND as PAYING
from billing.refunds import following as refunds
from billing.refunds.kind import KIND as REFUNDING
from billing.refunds.seeing import seen_of as refund_seen
from billing.stripe_objects import Json
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Entry, Settled, Status

from .conftest import Asking, Employing
from .hearing import NOW, Ear, created
from .stripe_shapes import credit_note, declined, dispute, intent, invoice, line, refund

Seeing = Callable[..., Awaitable[None]]


@pytest.fixture
def seeing(database: Database) -> Seeing:
    """Applies what Stripe says, as a reading does."""

    async def see(organization_id: UUID, *objects: Json) -> None:
        for each in objects:
            async with database.transaction(organization_id) as tx:
                await GrantRepository(tx).lock()
                await _apply(tx, each)

    return see


async def _apply(tx: Transaction, found: Json) -> None:
    match found["object"]:
        case "invoice":
            await invoices.follow(tx, invoice_seen(found, [line(found["total"])]))
        case "payment_intent":
            await payments.follow(tx, payment_seen(found))
        case "refund":
            await refunds.follow(tx, refund_seen(found))
        case "credit_note":
            await credit_notes.follow(tx, credit_note_seen(found))
        case "dispute":
            await disputes.follow(tx, dispute_seen(found))


async def items(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def paid(seeing: Seeing, organization_id: UUID, owner: httpx.AsyncClient) -> str:
    """An invoice that was paid; the id of the payment."""
    await seeing(organization_id, invoice(status="paid"), intent())
    found: str = (await items(owner, "/v1/billing/payments"))[0]["id"]
    return found


async def test_an_invoice_is_shown_with_its_lines_to_its_organization_alone(asking: Asking, seeing: Seeing) -> None:
    ours, theirs = new_id(), new_id()
    await seeing(ours, invoice(), invoice("in_2", number="R-0002"))
    owner = asking(ours)
    first, second = await items(owner, "/v1/billing/invoices")
    assert {first["number"], second["number"]} == {"R-0001", "R-0002"}
    shown = (await owner.get(f"/v1/billing/invoices/{first['id']}")).json()
    assert (shown["total"], shown["tax"], shown["currency"], shown["remaining"]) == (2_900, 463, "eur", 2_900)
    assert [(each["amount"], each["quantity"], each["proration"]) for each in shown["lines"]] == [(2_900, 1, False)]
    assert await items(asking(theirs), "/v1/billing/invoices") == []
    assert (await asking(theirs).get(f"/v1/billing/invoices/{first['id']}")).status_code == 404
    page = (await owner.get("/v1/billing/invoices", params={"limit": 1})).json()
    rest = (await owner.get("/v1/billing/invoices", params={"cursor": page["next_cursor"]})).json()
    assert [each["id"] for each in (*page["items"], *rest["items"])] == [first["id"], second["id"]]
    assert (await asking(ours, role="client").get("/v1/billing/invoices")).status_code == 403


async def test_a_draft_changes_and_a_finalised_invoice_never_does(
    asking: Asking, seeing: Seeing, database: Database, ear: Ear
) -> None:
    ours = new_id()
    await seeing(ours, invoice(status="draft", total=100), invoice(status="draft", total=200))
    await seeing(ours, invoice(total=300), invoice(total=300), invoice(status="paid", total=999))
    (shown,) = await items(asking(ours), "/v1/billing/invoices")
    assert (shown["total"], shown["status"]) == (300, "paid")
    assert await ear.facts(ours) == ["InvoiceFinalized", "InvoicePaid"]
    for sql in ("UPDATE invoices SET total = 1", "UPDATE invoices SET lines = '[]'", "DELETE FROM invoices"):
        with pytest.raises(asyncpg.RestrictViolationError):
            async with database.transaction(ours) as tx:
                await tx.execute(sql)


async def test_a_payment_that_fails_says_why_and_recovers(asking: Asking, seeing: Seeing, ear: Ear) -> None:
    ours = new_id()
    owner = asking(ours)
    steps = (
        declined("insufficient_funds", "ch_1"),
        declined("do_not_honor", "ch_2"),
        intent(status="requires_action", charge="ch_3"),
        intent(charge="ch_3"),
    )
    for step in steps:
        await seeing(ours, step, step)
        (shown,) = await items(owner, "/v1/billing/payments")
        if step is steps[0]:
            assert shown["failure"]["says"].startswith("There is not enough money")
        if step is steps[2]:
            assert (shown["state"], shown["failure"]) == ("action_required", None)
    assert (shown["state"], shown["received"]) == ("succeeded", 2_900)
    assert await ear.facts(ours) == ["PaymentFailed", "PaymentFailed", "PaymentActionRequired", "PaymentSucceeded"]
    assert await items(asking(new_id()), "/v1/billing/payments") == []


async def test_a_payment_belongs_to_its_invoice_whichever_is_read_first(asking: Asking, seeing: Seeing) -> None:
    for order in ((intent(), invoice(status="paid")), (invoice("in_9", status="paid"), intent())):
        ours = new_id()
        await seeing(ours, *({**each, "id": f"{each['id']}_{ours}"} for each in _linked(order, ours)))
        (shown,) = await items(asking(ours), "/v1/billing/payments")
        (issued,) = await items(asking(ours), "/v1/billing/invoices")
        assert shown["invoice_id"] == issued["id"]
        assert len(await items(asking(ours), f"/v1/billing/payments?invoice_id={issued['id']}")) == 1


def _linked(order: tuple[Json, ...], ours: UUID) -> tuple[Json, ...]:
    pays = {"data": [{"payment": {"type": "payment_intent", "payment_intent": f"pi_1_{ours}"}}]}
    return tuple({**each, "payments": pays} if each["object"] == "invoice" else each for each in order)


async def ask_refund(staff: httpx.AsyncClient, organization_id: UUID, payment_id: str, **body: Any) -> httpx.Response:
    path = f"/v1/staff/billing/organizations/{organization_id}/payments/{payment_id}/refunds"
    return await staff.post(path, json={"reason": "requested_by_customer", **body})


async def test_50_refunds_at_once_never_give_back_more_than_was_received(
    asking: Asking, employing: Employing, seeing: Seeing, database: Database
) -> None:
    ours = new_id()
    owner, staff = asking(ours), employing("refunds.issue", "billing.read")
    payment_id = await paid(seeing, ours, owner)
    answers = await asyncio.gather(*(ask_refund(staff, ours, payment_id, amount=100) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] * 29 + [409] * 21
    (shown,) = await items(owner, "/v1/billing/payments")
    assert (shown["refunded"], shown["received"]) == (2_900, 2_900)
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction(ours) as tx:
            await tx.execute(
                "INSERT INTO refunds (id, organization_id, payment_id, currency, amount, reason, state) "
                "VALUES ($1, $2, $3, 'eur', 1, 'other', 'asked')",
                new_id(),
                ours,
                UUID(payment_id),
            )


async def test_a_refund_is_settled_once_whoever_tells_of_it_first(
    asking: Asking, employing: Employing, seeing: Seeing, ledger: Ledger, database: Database, ear: Ear
) -> None:
    """The answer of the call, a webhook that comes before it, and both again."""
    ours, theirs = new_id(), new_id()
    owner, staff = asking(ours), employing("refunds.issue", "billing.read")
    payment_id = await paid(seeing, ours, owner)
    key = {"idempotency-key": "once"}
    path = f"/v1/staff/billing/organizations/{ours}/payments/{payment_id}/refunds"
    body = {"reason": "duplicate", "amount": 500}
    asked = [(await staff.post(path, json=body, headers=key)).json() for _ in range(2)]
    assert asked[0] == asked[1]
    found = refund(row_id=asked[0]["id"])
    entry = Entry(new_id(), REFUNDING, ours, "stripe", UUID(asked[0]["id"]), 1, NOW, NOW, NOW)
    await seeing(ours, found)
    for _ in range(2):
        async with database.transaction(ours) as tx:
            settled = Settled(entry, Status.DONE, "call", NOW, NOW, external_id="re_1", result=refund_seen(found))
            await ledger.kinds[REFUNDING].record(tx, [settled])
        await seeing(ours, found)
    (shown,) = await items(owner, "/v1/billing/refunds")
    assert (shown["state"], shown["amount"], shown["id"]) == ("succeeded", 500, asked[0]["id"])
    assert (await ear.facts(ours)).count("RefundIssued") == 1
    assert (await items(owner, "/v1/billing/payments"))[0]["refunded"] == 500
    assert await items(asking(theirs), "/v1/billing/refunds") == []
    assert (await ask_refund(staff, theirs, payment_id, amount=1)).status_code == 404


async def test_what_is_refused_or_comes_back_can_be_given_back_again(
    asking: Asking, employing: Employing, seeing: Seeing, ledger: Ledger, database: Database, ear: Ear
) -> None:
    ours = new_id()
    owner, staff = asking(ours), employing("refunds.issue", "billing.read")
    payment_id = await paid(seeing, ours, owner)
    asked = (await ask_refund(staff, ours, payment_id)).json()
    assert asked["amount"] == 2_900, "all that is left"
    assert (await ask_refund(staff, ours, payment_id)).json()["type"].endswith("over-refund")
    entry = Entry(new_id(), REFUNDING, ours, "stripe", UUID(asked["id"]), 1, NOW, NOW, NOW)
    for _ in range(2):
        async with database.transaction(ours) as tx:
            refused = Settled(entry, Status.REFUSED, "call", NOW, NOW, code="charge_already_refunded")
            await ledger.kinds[REFUNDING].record(tx, [refused])
    again = (await ask_refund(staff, ours, payment_id, amount=2_000)).json()
    await seeing(ours, refund("re_2", amount=2_000, status="pending", row_id=again["id"]))
    failed = refund("re_2", amount=2_000, status="failed", row_id=again["id"])
    await seeing(ours, failed, failed)
    shown = await items(owner, "/v1/billing/refunds")
    assert [(each["state"], each["failure"]) for each in shown] == [
        ("failed", "expired_or_canceled_card"),
        ("failed", "charge_already_refunded"),
    ]
    assert (await items(owner, "/v1/billing/payments"))[0]["refunded"] == 0
    facts = [fact for fact in await ear.facts(ours) if fact.startswith("Refund")]
    assert facts == ["RefundFailed", "RefundIssued", "RefundFailed"]


async def test_what_is_given_back_at_stripes_desk_counts_and_what_was_only_asked_for_gives_way(
    asking: Asking, employing: Employing, seeing: Seeing
) -> None:
    ours = new_id()
    owner, staff = asking(ours), employing("refunds.issue", "billing.read")
    payment_id = await paid(seeing, ours, owner)
    await ask_refund(staff, ours, payment_id, amount=1_000)
    await ask_refund(staff, ours, payment_id, amount=1_000)
    await seeing(ours, refund("re_9", amount=1_900))
    shown = await items(owner, "/v1/billing/refunds")
    assert sorted((each["amount"], each["state"]) for each in shown) == [
        (1_000, "asked"),
        (1_000, "failed"),
        (1_900, "succeeded"),
    ]
    assert (await items(owner, "/v1/billing/payments"))[0]["refunded"] == 2_900


async def test_a_lost_dispute_withholds_the_plan_that_was_paid_for_until_staff_lift_it(
    asking: Asking, employing: Employing, seeing: Seeing, database: Database, ear: Ear
) -> None:
    ours, theirs = new_id(), new_id()
    owner, staff = asking(ours), employing("disputes.manage", "refunds.issue", "billing.read")
    await ear.hear(created(ours))
    async with database.transaction(ours) as tx:
        await GrantRepository(tx).lock()
        await own(tx, Own("pro", 1))
    payment_id = await paid(seeing, ours, owner)
    await seeing(ours, dispute(), dispute(), dispute(status="under_review"))
    assert (await ear.organization(ours)).plan == "pro", "while it is open nothing changes"
    refused = await ask_refund(staff, ours, payment_id, amount=1)
    assert refused.json()["type"].endswith("payment-disputed")
    await seeing(ours, dispute(status="lost"), dispute(status="lost"))
    assert (await ear.organization(ours)).plan == "free"
    (shown,) = await items(owner, "/v1/billing/disputes")
    assert (shown["state"], shown["withholds"], shown["reason"]) == ("lost", True, "fraudulent")
    path = f"/v1/staff/billing/organizations/{{}}/disputes/{shown['id']}/lift"
    assert (await staff.post(path.format(theirs))).status_code == 404
    assert (await employing("billing.read").post(path.format(ours))).status_code == 403
    assert (await staff.post(path.format(ours))).json()["withholds"] is False
    assert (await staff.post(path.format(ours))).status_code == 409
    await seeing(ours, dispute(status="lost"))
    assert (await ear.organization(ours)).plan == "pro"
    assert [fact for fact in await ear.facts(ours) if fact.startswith("Dispute")] == [
        "DisputeOpened",
        "DisputeClosed",
    ]
    assert await items(asking(theirs), "/v1/billing/disputes") == []


async def test_credit_notes_correct_an_invoice_and_never_by_more_than_it_is_over(
    asking: Asking, employing: Employing, seeing: Seeing, ear: Ear
) -> None:
    ours, theirs = new_id(), new_id()
    owner, staff = asking(ours), employing("refunds.issue", "billing.read")
    await seeing(ours, invoice(), invoice("in_2", status="draft"))
    issued = next(each for each in await items(owner, "/v1/billing/invoices") if each["status"] == "open")
    path = f"/v1/staff/billing/organizations/{{}}/invoices/{issued['id']}/credit-notes"

    async def ask(amount: int, organization_id: UUID = ours) -> httpx.Response:
        return await staff.post(path.format(organization_id), json={"amount": amount, "reason": "order_change"})

    answers = await asyncio.gather(*(ask(500) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 3
    assert (await ask(1, theirs)).status_code == 404
    first = next(answer.json() for answer in answers if answer.status_code == 201)
    found = credit_note(row_id=first["id"])
    await seeing(ours, found, found)
    shown = await items(owner, f"/v1/billing/invoices/{issued['id']}/credit-notes")
    assert [each["number"] for each in shown if each["state"] == "issued"] == ["R-0001-CN-01"]
    assert (await owner.get(f"/v1/billing/invoices/{issued['id']}")).json()["credited"] == 2_500
    await seeing(ours, credit_note(status="void", row_id=first["id"]))
    assert (await owner.get(f"/v1/billing/invoices/{issued['id']}")).json()["credited"] == 2_000
    facts = [fact for fact in await ear.facts(ours) if fact.startswith("CreditNote")]
    assert facts == ["CreditNoteIssued", "CreditNoteVoided"]


async def test_a_refund_of_a_payment_that_is_not_known_is_not_kept_and_nobodys(
    asking: Asking, seeing: Seeing, database: Database
) -> None:
    ours, theirs = new_id(), new_id()
    await seeing(ours, refund(), dispute())
    assert await items(asking(ours), "/v1/billing/refunds") == []
    await seeing(ours, intent(), refund(), dispute())
    assert len(await items(asking(ours), "/v1/billing/refunds")) == 1
    assert len(await items(asking(ours), "/v1/billing/disputes")) == 1
    async with database.transaction(theirs) as tx:
        assert await owners_of_payments(tx, ["pi_1", "ch_1", "pi_2", "cus_1"]) == {"pi_1": ours, "ch_1": ours}


async def test_only_an_open_invoice_is_paid_again_and_by_its_owner_alone(
    asking: Asking, seeing: Seeing, ledger: Ledger
) -> None:
    assert PAYING in ledger.kinds
    ours = new_id()
    await seeing(ours, invoice())
    (issued,) = await items(asking(ours), "/v1/billing/invoices")
    path = f"/v1/billing/invoices/{issued['id']}/pays"
    assert (await asking(ours, role="admin").post(path)).status_code == 403
    off = await asking(ours).post(path)
    assert (off.status_code, off.json()["type"]) == (503, "urn:rostrum:problem:payments-off")
    assert (await asking(ours).get(f"/v1/billing/invoices/{issued['id']}/link")).status_code == 503
    assert (await asking(new_id()).get(f"/v1/billing/invoice-pays/{new_id()}")).status_code == 404
