"""Paying an open invoice again, and credit notes: through our doors, before the sandbox's Stripe."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from contracts.money import CreditNoteIssued, InvoicePaid
from kit.http.tokens import staff_audience
from kit.ids import new_id
from kit.testing.tokens import AUDIENCE

from .shop import Customer, Shop
from .story import problem

Json = dict[str, Any]
_LOST: Final[list[Json]] = [
    {"kind": "drop_after_effect"},
    {"kind": "error_after_effect", "status": 500},
    {"kind": "refuse_before_effect", "status": 503},
    {"kind": "refuse_before_effect", "status": 429},
]
_STAFF: Final = str(new_id())
_NAMES: Final = ["cut off", "500", "503", "429"]


@dataclass
class Desk:
    """Our doors, as owners and staff use them, and what Stripe shows of one invoice."""

    shop: Shop
    client: httpx.AsyncClient
    customer: Customer
    invoice: Json
    id: str = ""

    @property
    def path(self) -> str:
        """The invoice, for staff."""
        return f"/v1/staff/billing/organizations/{self.customer.organization_id}/invoices/{self.id}"

    async def owner(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask as its owner."""
        headers = {"authorization": f"Bearer {self.customer.token()}", **more.pop("headers", {})}
        return await self.client.request(method, f"/v1/billing/{path}", headers=headers, **more)

    async def staff(self, path: str, body: Json, key: str = "") -> httpx.Response:
        """Ask as staff who may."""
        token = self.shop.issuer.token(
            self.shop.database.clock.now(),
            None,
            aud=staff_audience(AUDIENCE),
            principal="staff",
            staff_role="operator",
            permissions="billing.read refunds.issue",
            sub=_STAFF,
        )
        headers = {"authorization": f"Bearer {token}", "idempotency-key": key or new_id().hex}
        return await self.client.post(path, headers=headers, json=body)

    async def pay(self, key: str = "") -> Json:
        """Try to have the invoice paid, as its owner."""
        headers = {"idempotency-key": key or new_id().hex}
        answer = await self.owner("POST", f"invoices/{self.id}/pays", headers=headers)
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        return found

    async def credit(self, amount: int, key: str = "") -> httpx.Response:
        """Correct the invoice by so much."""
        return await self.staff(f"{self.path}/credit-notes", {"amount": amount, "reason": "order_change"}, key)

    async def shown(self, path: str = "") -> Json:
        """The invoice, or what stands below it."""
        answer = await self.owner("GET", f"invoices/{self.id}{path}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def notes(self) -> list[Json]:
        found: list[Json] = (await self.shown("/credit-notes"))["items"]
        return found

    async def fails(self, path: str, fault: Json) -> None:
        """One call to this path goes wrong."""
        rule = {**fault, "match": {"method": "POST", "path": f"/stripe/v1{path}"}, "times": 1}
        answer = await self.shop.stripe.put("/control/stripe/faults", json=[rule])
        assert answer.status_code == 200, answer.text

    async def later(self) -> None:
        """Time passes, and workers do what was left."""
        for seconds in (2, 31, 130, 130, 310):
            await self.shop.delivering.forward(seconds=seconds)
            await self.shop.delivering.work()
        await self.shop.follow()

    async def charges(self) -> list[int]:
        """What was taken from the customer's cards."""
        asked = {"customer": self.customer.stripe_id}
        return [each["amount"] async for each in self.shop.made.stripe.pages("/v1/charges", asked) if each["paid"]]


@pytest.fixture
async def desk(shop: Shop) -> AsyncIterator[Desk]:
    """A customer whose invoice over 40 is open, as their card was declined."""
    ann = await shop.customer("pm_card_chargeCustomerFail", on_clock=False)
    about = {"customer": ann.stripe_id}
    draft = await shop.at_stripe("POST", "/invoices", {**about, "auto_advance": False})
    await shop.at_stripe(
        "POST", "/invoiceitems", {**about, "invoice": draft["id"], "amount": 4_000, "currency": "eur"}
    )
    invoice = await shop.at_stripe("POST", f"/invoices/{draft['id']}/finalize", {"auto_advance": False})
    await shop.follow()
    transport = httpx.ASGITransport(app=shop.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://billing.test") as client:
        desk = Desk(shop, client, ann, invoice)
        (listed,) = (await desk.owner("GET", "invoices")).json()["items"]
        assert (listed["status"], listed["remaining"]) == ("open", 4_000)
        desk.id = listed["id"]
        yield desk


async def test_a_declined_card_says_why_and_another_one_pays(shop: Shop, desk: Desk) -> None:
    declined = await desk.pay()
    assert (declined["state"], declined["failure"]["code"]) == ("failed", "generic_decline")
    await shop.follow()
    assert (await desk.shown())["status"] == "open"

    await shop.use(desk.customer, "pm_card_visa")
    first = await desk.pay("now")
    again = await desk.pay("now")
    await shop.follow()

    assert (first["state"], again["id"]) == ("succeeded", first["id"])
    assert ((await desk.shown())["status"], await desk.charges()) == ("paid", [4_000])
    over = await desk.owner("POST", f"invoices/{desk.id}/pays")
    assert problem(over) == (409, "invoice-not-open")
    assert [each for each in await shop.told(desk.customer) if isinstance(each, InvoicePaid)] != []


@pytest.mark.parametrize("says", [True, False])
async def test_where_the_bank_asks_its_customer_confirms_at_the_link(shop: Shop, desk: Desk, says: bool) -> None:
    await shop.use(desk.customer, "pm_card_authenticationRequired")
    tried = await desk.pay()
    assert (tried["state"], tried["failure"]) == ("action_required", None)
    await shop.follow()
    (payment,) = (await desk.owner("GET", "payments")).json()["items"]
    assert payment["state"] == "action_required"
    link = await desk.shown("/link")
    assert desk.invoice["id"] in link["page"] or "/stripe/pages/invoices/" in link["page"]

    await shop.control(f"invoices/{desk.invoice['id']}/authenticate", succeeds=says)
    await shop.follow()

    (payment,) = (await desk.owner("GET", "payments")).json()["items"]
    if says:
        assert (payment["state"], (await desk.shown())["status"]) == ("succeeded", "paid")
        assert await desk.charges() == [4_000]
    else:
        assert (payment["state"], (await desk.shown())["status"]) == ("failed", "open")
        await shop.use(desk.customer, "pm_card_visa")
        assert (await desk.pay())["state"] == "succeeded"
        assert await desk.charges() == [4_000]


@pytest.mark.parametrize("fault", _LOST, ids=_NAMES)
async def test_an_answer_that_is_lost_charges_once(shop: Shop, desk: Desk, fault: Json) -> None:
    await shop.use(desk.customer, "pm_card_visa")
    await desk.fails(f"/invoices/{desk.invoice['id']}/pay", fault)
    tried = await desk.pay()
    assert tried["state"] in {"asked", "unknown"}
    other = await desk.owner("POST", f"invoices/{desk.id}/pays")
    assert problem(other) == (409, "pay-under-way"), "nobody tries beside it"
    await desk.later()

    assert (await desk.owner("GET", f"invoice-pays/{tried['id']}")).json()["state"] == "succeeded"
    assert ((await desk.shown())["status"], await desk.charges()) == ("paid", [4_000])


async def test_a_500_that_stripe_repeats_for_ever_hides_no_payment(shop: Shop, desk: Desk) -> None:
    await shop.use(desk.customer, "pm_card_visa")
    account = {"breaks": [{"path": f"/v1/invoices/{desk.invoice['id']}/pay", "effect": "after"}]}
    (await shop.stripe.put("/stripe/control/account", json=account)).raise_for_status()
    tried = await desk.pay()
    await desk.later()

    assert (await desk.owner("GET", f"invoice-pays/{tried['id']}")).json()["state"] == "succeeded"
    assert ((await desk.shown())["status"], await desk.charges()) == ("paid", [4_000])


async def test_owners_who_press_at_once_pay_once(shop: Shop, desk: Desk) -> None:
    await shop.use(desk.customer, "pm_card_visa")
    path = f"invoices/{desk.id}/pays"
    answers = await asyncio.gather(*(desk.owner("POST", path) for _ in range(5)))
    assert {each.status_code for each in answers} <= {201, 409}
    assert [each.status_code for each in answers].count(201) == 1
    await desk.later()
    assert await desk.charges() == [4_000]


async def test_of_an_open_invoice_less_is_due_and_the_rest_is_paid(shop: Shop, desk: Desk) -> None:
    assert (await desk.credit(1_500)).status_code == 201
    await desk.later()
    shown = await desk.shown()
    assert (shown["remaining"], shown["credited"], [each["state"] for each in await desk.notes()]) == (
        2_500,
        1_500,
        ["issued"],
    )
    over = await desk.credit(2_501)
    assert problem(over) == (409, "over-credit")
    assert over.json()["creditable"] == 2_500

    await shop.use(desk.customer, "pm_card_visa")
    assert (await desk.pay())["state"] == "succeeded"
    await shop.follow()
    assert await desk.charges() == [2_500]


async def test_more_is_never_credited_than_the_invoice_is_over_whoever_asks_at_once(shop: Shop, desk: Desk) -> None:
    await _paid(shop, desk)
    answers = await asyncio.gather(*(desk.credit(1_500) for _ in range(6)))
    assert sorted(each.status_code for each in answers) == [201] * 2 + [409] * 4
    assert {problem(each)[1] for each in answers if each.status_code == 409} == {"over-credit"}
    await desk.later()

    assert ((await desk.shown())["credited"], await desk.charges()) == (3_000, [4_000])
    assert (await desk.credit(1_000)).status_code == 201
    await desk.later()
    customer = await shop.at_stripe("GET", f"/customers/{desk.customer.stripe_id}")
    assert customer["balance"] == -4_000, "from which the next invoices are paid"
    assert problem(await desk.credit(1)) == (409, "over-credit")


@pytest.mark.parametrize("fault", _LOST, ids=_NAMES)
async def test_a_credit_note_whose_answer_is_lost_is_issued_once(shop: Shop, desk: Desk, fault: Json) -> None:
    await _paid(shop, desk)
    await desk.fails("/credit_notes", fault)
    first, again = await desk.credit(700, "one"), await desk.credit(700, "one")
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    await desk.later()

    listed = [each async for each in shop.made.stripe.pages("/v1/credit_notes", {"invoice": desk.invoice["id"]})]
    assert [(each["total"], each["metadata"]["row_id"]) for each in listed] == [(700, first.json()["id"])]
    assert [(each["state"], each["amount"]) for each in await desk.notes()] == [("issued", 700)]
    assert len([each for each in await shop.told(desk.customer) if isinstance(each, CreditNoteIssued)]) == 1


async def test_what_stripe_refuses_to_credit_can_be_credited_again(shop: Shop, desk: Desk) -> None:
    """Somebody has voided the invoice at Stripe's desk, and we have not heard of it."""
    await shop.at_stripe("POST", f"/invoices/{desk.invoice['id']}/void")
    assert (await desk.credit(4_000)).status_code == 201
    await shop.delivering.work()
    assert [each["state"] for each in await desk.notes()] == ["refused"]
    assert (await desk.shown())["credited"] == 0
    await shop.follow()
    assert problem(await desk.credit(1)) == (409, "nothing-to-correct")
    assert problem(await desk.owner("POST", f"invoices/{desk.id}/pays")) == (409, "invoice-not-open")


async def test_nobody_pays_or_corrects_an_invoice_of_another_organization(shop: Shop, desk: Desk) -> None:
    bob = await shop.customer(on_clock=False)
    theirs = Desk(shop, desk.client, bob, desk.invoice, desk.id)
    assert problem(await theirs.owner("POST", f"invoices/{desk.id}/pays")) == (404, "invoice-not-found")
    assert problem(await theirs.credit(1)) == (404, "invoice-not-found")
    assert problem(await theirs.owner("GET", f"invoices/{desk.id}/link")) == (404, "invoice-not-found")
    for amount in (0, -1, 2**53, 1.5, "all"):
        bad = await desk.staff(f"{desk.path}/credit-notes", {"amount": amount, "reason": "other"})
        assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "#/amount")
        refund = f"{desk.path.partition('/invoices')[0]}/payments/{new_id()}/refunds"
        bad = await desk.staff(refund, {"amount": amount, "reason": "other"})
        assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "#/amount")
    bad = await desk.staff(f"{desk.path}/credit-notes", {"amount": 1, "reason": "because"})
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "#/reason")
    assert await desk.notes() == []


async def _paid(shop: Shop, desk: Desk) -> None:
    await shop.use(desk.customer, "pm_card_visa")
    assert (await desk.pay())["state"] == "succeeded"
    await shop.follow()
