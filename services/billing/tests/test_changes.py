"""Changes of a subscription, through our doors and the sandbox's Stripe."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from billing.changes.model import Wanted, When
from billing.changes.repository import ChangeRepository
from contracts.billing import BillingAuditRecorded
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.testing.mortal import Died, Mortal

from .hearing import added
from .shop import Customer, Shop


@pytest.fixture
async def ann(shop: Shop) -> Customer:
    await shop.put_up_all()
    customer = await shop.customer()
    await shop.subscribe(customer)
    return customer


async def test_what_is_less_comes_with_the_end_of_the_period(shop: Shop, ann: Customer) -> None:
    preview = await ann.post("/preview", plan="creator")
    assert (preview["when"], preview["amount_due"], preview["next_amount"]) == ("period_end", 0, 1_900)

    change = await ann.post("/changes", plan="creator")
    await shop.follow()
    assert (change["state"], change["when"]) == ("scheduled", "period_end")
    assert ((await ann.get())["plan"], await shop.plan(ann)) == ("pro", "pro")

    await shop.forward(ann, days=32)

    assert ((await ann.get())["plan"], await shop.plan(ann)) == ("creator", "creator")
    assert (await ann.get(f"/changes/{change['id']}"))["state"] == "applied"
    assert [each["amount_paid"] for each in await shop.invoices(ann)] == [4_900, 1_900]


async def test_from_yearly_to_monthly_at_the_end_of_the_year(shop: Shop) -> None:
    await shop.put_up_all()
    bob = await shop.customer()
    await shop.subscribe(bob, "pro_year_eur_v1")
    ends = (await bob.get())["period_end"]

    change = await bob.post("/changes", interval="month")
    assert change["state"] == "scheduled"
    await shop.forward(bob, days=366)

    shown = await bob.get()
    assert (shown["interval"], shown["period_start"]) == ("month", ends)
    assert [each["amount_paid"] for each in await shop.invoices(bob)] == [49_000, 4_900]


async def test_a_newer_change_supersedes_the_one_that_was_to_come(shop: Shop, ann: Customer) -> None:
    first = await ann.post("/changes", plan="creator")
    second = await ann.post("/changes", plan="agency")
    await shop.follow()

    assert second["state"] == "applied"
    assert (await ann.get(f"/changes/{first['id']}"))["state"] == "superseded"
    await shop.forward(ann, days=32)
    assert (await ann.get())["plan"] == "agency"


async def test_who_lost_the_answer_and_asks_again_under_the_key_is_shown_the_change(ann: Customer) -> None:
    """Also when it is done by then, and asked for anew would be nothing to change."""
    key = {"idempotency-key": "seats"}
    first = await ann.ask("POST", "/changes", json={"seats": 2}, headers=key)
    again = await ann.ask("POST", "/changes", json={"seats": 2}, headers=key)
    other = await ann.ask("POST", "/changes", json={"seats": 2}, headers={"idempotency-key": "others"})

    assert (first.status_code, first.json()["state"]) == (201, "applied")
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (409, "nothing-to-change")
    assert len((await ann.get("/changes"))["items"]) == 1


async def test_what_was_to_come_can_be_taken_back(shop: Shop, ann: Customer) -> None:
    first = await ann.post("/changes", plan="creator")
    await ann.post("/keep")
    assert (await ann.get(f"/changes/{first['id']}"))["state"] == "superseded"
    await ann.post("/cancel")
    assert (await ann.get())["state"] == "cancelling"
    await ann.post("/keep")
    assert (await ann.get())["state"] == "active"

    await shop.forward(ann, days=32)

    assert ((await ann.get())["plan"], (await ann.get())["state"]) == ("pro", "active")


async def test_a_switch_that_the_bank_wants_confirmed_waits_for_the_payer(shop: Shop, ann: Customer) -> None:
    await shop.use(ann, "pm_card_authenticationRequired")

    change = await ann.post("/changes", plan="agency")

    assert change["state"] == "requires_action"
    assert (await ann.get())["plan"] == "pro"
    link = await ann.get(f"/changes/{change['id']}/payment-link")
    assert "/stripe/pages/invoices/" in link["url"]
    assert link["url"] not in str([each.model_dump_json() for each in await shop.told(ann)])
    await shop.use(ann, "pm_card_visa")
    async with shop.database.transaction(ann.organization_id) as tx:
        row = await ChangeRepository(tx).find(change["id"])
    await shop.at_stripe("POST", f"/invoices/{row.invoice_id}/pay")
    await shop.follow()
    assert (await ann.get(f"/changes/{change['id']}"))["state"] == "applied"
    assert ((await ann.get())["plan"], await shop.plan(ann)) == ("agency", "agency")
    assert (await ann.ask("GET", f"/changes/{change['id']}/payment-link")).status_code == 404


async def test_a_switch_that_nobody_pays_lapses_and_has_changed_nothing(shop: Shop, ann: Customer) -> None:
    await shop.use(ann, "pm_card_chargeCustomerFail")
    change = await ann.post("/changes", plan="agency")
    assert change["state"] == "requires_action"

    await shop.forward(ann, hours=24)

    assert (await ann.get(f"/changes/{change['id']}"))["state"] == "lapsed"
    assert (await ann.get())["plan"] == "pro"


async def test_pausing_costs_nothing_and_grants_nothing(shop: Shop, ann: Customer) -> None:
    await ann.post("/pause")
    assert ((await ann.get())["state"], await shop.plan(ann)) == ("paused", "free")
    await shop.forward(ann, days=32)
    await ann.post("/unpause")
    assert ((await ann.get())["state"], await shop.plan(ann)) == ("active", "pro")
    assert await shop.charged(ann) == 4_900


async def test_the_same_request_sent_twice_is_one_change(shop: Shop, ann: Customer) -> None:
    headers = {"idempotency-key": new_id().hex}
    answers = await asyncio.gather(
        *(ann.ask("POST", "/changes", json={"plan": "agency"}, headers=headers) for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await ann.get("/changes"))["items"]) == 1
    lines = [each for each in await shop.told(ann) if isinstance(each, BillingAuditRecorded)]
    assert [each.action for each in lines].count("billing.subscription.change_asked") == 1


async def test_what_makes_no_sense_is_refused_with_what_to_do(shop: Shop, ann: Customer) -> None:
    for member in range(4):
        await shop.ear.hear(added(ann.organization_id, new_id(), member + 1))
    refused: list[tuple[str, dict[str, Any], int, str]] = [
        ("/changes", {"plan": "pro"}, 409, "nothing-to-change"),
        ("/changes", {"plan": "free"}, 422, "not-sold"),
        ("/changes", {"plan": "creator"}, 409, "seats-in-use"),
        ("/changes", {"seats": -1}, 422, "#/seats"),
        ("/changes", {"plan": "agency", "proration_at": "2020-01-01T00:00:00Z"}, 409, "preview-too-old"),
        ("/unpause", {}, 409, "subscription-not-changeable"),
    ]
    for path, body, status, code in refused:
        answer = await ann.ask("POST", path, json=body or None)
        assert (answer.status_code, code in answer.text) == (status, True), answer.text
    bob = await shop.customer()
    assert "no-subscription" in (await bob.ask("POST", "/cancel")).text


async def test_nobody_sees_the_changes_of_another_organization(shop: Shop, ann: Customer) -> None:
    change = await ann.post("/changes", plan="creator")
    bob = await shop.customer()
    await shop.subscribe(bob)

    assert (await bob.ask("GET", f"/changes/{change['id']}")).status_code == 404
    assert (await bob.get("/changes"))["items"] == []
    assert (await bob.ask("GET", f"/changes/{change['id']}/payment-link")).status_code == 404


async def test_a_request_that_dies_at_any_step_is_finished_by_a_worker_and_charges_once(
    shop: Shop, ann: Customer
) -> None:
    """Between Stripe's answer and our commit above all: whoever comes after asks under the same key."""
    mortal = await Mortal.open(shop.place.url("billing"), name="mortal", pool_size=4, acquire_within=20)
    assert isinstance(mortal, Mortal)
    try:
        dying = Dying(shop, mortal, ann)
        steps = await dying.ask(1, None)
        assert steps > MOST_STEPS
        for number, at in enumerate(range(steps - MOST_STEPS, steps + 1, 3), 2):
            await dying.ask(number, at)
            await dying.recover(told_first=number % 2 == 0)
            shown = await ann.get()
            assert shown["seats"] == number, f"it died at step {at} of {steps}"
    finally:
        await mortal.close()

    changes = (await ann.get("/changes"))["items"]
    assert {each["state"] for each in changes} == {"applied"}
    invoices = [each for each in await shop.invoices(ann) if each["billing_reason"] == "subscription_update"]
    assert sorted(each["id"] for each in invoices) == sorted({each["id"] for each in invoices})
    assert len(invoices) == len(changes)
    assert await shop.charged(ann) == 4_900 + sum(each["amount_due"] for each in changes)


MOST_STEPS: Final = 30
NO_KEY: Final = Idempotency("", None, "POST /v1/billing/subscription/changes", b"")


@dataclass
class Dying:
    """Requests whose process dies at a step."""

    shop: Shop
    mortal: Mortal
    ann: Customer

    async def ask(self, seats: int, dies_at: int | None) -> int:
        """Ask for so many seats, and die there; how many steps were gone."""
        shop = self.shop
        kinds = list(shop.made.ledger.kinds.values())
        service = replace(shop.made.changes, database=self.mortal, ledger=Ledger(self.mortal, kinds))
        caller = MemberCaller(new_id(), new_id(), self.ann.organization_id, "owner", 0)
        self.mortal.live_for(dies_at)
        with suppress(Died):
            await service.switch(caller, Wanted(seats=seats, when=When.NOW), None, NO_KEY)
        return self.mortal.steps

    async def recover(self, *, told_first: bool) -> None:
        """Other workers come by; Stripe's events before them, or after."""
        if told_first:
            await self.shop.deliver(await self.shop.events())
            await self.shop.reduce()
        delivering = self.shop.delivering
        await delivering.lapse()
        for seconds in (31, 31, 301):
            await delivering.forward(seconds=seconds)
            await delivering.work()
        await self.shop.follow()


async def test_the_end_of_a_month_comes_back_after_a_short_one(shop: Shop) -> None:
    at = datetime(shop.database.clock.now().year + 1, 1, 31, 9, 30, tzinfo=UTC)
    await shop.travel((at - shop.database.clock.now()).total_seconds())
    await shop.put_up_all()
    bob = await shop.customer()
    await shop.subscribe(bob)

    days = [(await bob.get())["period_end"][5:10]]
    for _ in range(3):
        await shop.forward(bob, days=31)
        days.append((await bob.get())["period_end"][5:10])

    assert days in (["02-28", "03-31", "04-30", "05-31"], ["02-29", "03-31", "04-30", "05-31"])
