"""What no event ever told is found at night: missing on either side, or different, and read again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalogue.catalogue import CATALOGUE
from billing.reconciliation.comparing import Reconciling
from billing.reconciliation.mirrored import MONEY, REACH
from billing.reconciliation.model import (
    Compared,
    Reconciliation,
    Window,
    beginnings,
    halved,
    next_night,
    next_window,
)
from billing.reconciliation.repository import ReconciliationRepository
from billing.subscriptions.comparing import ComparedSubscriptions
from contracts import decode
from contracts.billing import BillingAuditRecorded, DriftFound
from kit.http.tokens import staff_audience
from kit.ids import new_id
from kit.testing.tokens import AUDIENCE

from .shop import Customer, Shop


@dataclass
class Staff:
    """A member of staff at billing's doors."""

    shop: Shop
    client: httpx.AsyncClient

    async def ask(self, method: str, path: str, **query: Any) -> httpx.Response:
        """Ask for something below the doors of staff."""
        token = self.shop.issuer.token(
            self.shop.database.clock.now(),
            None,
            aud=staff_audience(AUDIENCE),
            principal="staff",
            staff_role="operator",
            permissions="billing.reconcile",
        )
        headers = {"authorization": f"Bearer {token}"}
        return await self.client.request(method, f"/v1/staff/billing/{path}", headers=headers, params=query)

    async def drifts(self, **query: Any) -> list[dict[str, Any]]:
        """What was found to differ."""
        answer = await self.ask("GET", "drifts", **query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def compare(self, **changed: Any) -> dict[str, Any]:
        """Ask for a comparison, and let workers do it and what follows."""
        answer = await self.ask("POST", "reconciliations")
        assert answer.status_code == 202, answer.text
        reconciling = replace(lately(self.shop), **changed)
        for _ in range(10):
            while await reconciling.step():
                pass
            found: dict[str, Any] = (await self.ask("GET", f"reconciliations/{answer.json()['id']}")).json()
            if found["state"] == "done":
                break
            await self.shop.travel(30)  # Stripe was slow or wanted less for a moment: it has been put off
        await self.shop.delivering.work()
        return found


def lately(shop: Shop) -> Reconciling:
    """As if nothing had been sold before the last days: weeks without anything take their time."""
    return replace(shop.made.reconciling, beginning=shop.database.clock.now() - timedelta(days=10))


@pytest.fixture
async def staff(shop: Shop) -> AsyncIterator[Staff]:
    transport = httpx.ASGITransport(app=shop.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://billing.test") as client:
        yield Staff(shop, client)


async def silently(shop: Shop, customer: Customer) -> dict[str, Any]:
    """Subscribe at Stripe, without a word of it."""
    given = {"customer": customer.stripe_id, "items": [{"price": shop.prices["pro_month_eur_v1"]}]}
    return await shop.at_stripe("POST", "/subscriptions", given)


async def test_what_no_event_told_is_found_and_repaired(shop: Shop, staff: Staff) -> None:
    await shop.put_up_all()
    ann, bob = await shop.customer(on_clock=False), await shop.customer(on_clock=False)
    await shop.subscribe(bob)
    mirror = await shop.mirror(bob)
    unheard = await silently(shop, ann)
    await shop.at_stripe("POST", f"/subscriptions/{mirror.seen.stripe_id}", {"cancel_at_period_end": True})
    stranger = await shop.at_stripe("POST", "/customers", {})
    await shop.at_stripe("POST", "/payment_methods/pm_card_visa/attach", {"customer": stranger["id"]})
    nobodys = await shop.at_stripe(
        "POST",
        "/subscriptions",
        {
            "customer": stranger["id"],
            "items": [{"price": shop.prices["pro_month_eur_v1"]}],
            "trial_period_days": 7,
        },
    )
    await shop.travel(120)

    done = await staff.compare()

    assert (done["state"], done["compared"], done["found"]) == ("done", 3 + 3 + 2, 6), "and invoices, and payments"
    found = {each["object_id"]: each for each in await staff.drifts() if each["object_type"] == "subscription"}
    assert {key: each["finding"] for key, each in found.items()} == {
        unheard["id"]: "missing_here",
        mirror.seen.stripe_id: "differs",
        nobodys["id"]: "nobodys",
    }
    assert found[mirror.seen.stripe_id]["fields"] == ["cancel_at", "end_reason"]
    assert nobodys["id"] in [each["object_id"] for each in await staff.drifts(unrepaired=True)]
    assert {each["finding"] for each in await staff.drifts(unrepaired=True)} == {"nobodys"}
    assert (await shop.plan(ann), (await bob.get())["state"]) == ("pro", "cancelling")
    again = await staff.compare()
    assert (again["state"], again["found"]) == ("done", 0)
    drifts = [each.object_type for each in await shop.told(ann) if isinstance(each, DriftFound)]
    assert sorted(drifts) == ["invoice", "payment_intent", "subscription"], "each is told of once"
    lines = [each.action for each in await shop.told(bob) if isinstance(each, BillingAuditRecorded)]
    assert lines.count("billing.drift.found") == 1


async def test_money_that_no_event_told_of_is_found_on_every_page_and_repaired(shop: Shop, staff: Staff) -> None:
    await shop.put_up_all()
    ann, bob = await shop.customer(on_clock=False), await shop.customer(on_clock=False)
    await shop.subscribe(ann)
    (paid,) = await shop.invoices(ann)
    await shop.subscribe(bob)
    disputed = (await bought(shop, bob, 2_500, card="pm_card_createDispute"))["id"]
    unheard = {(await bought(shop, ann, 1_000 + number))["id"] for number in range(3)}
    intents = [each async for each in shop.made.stripe.pages("/v1/payment_intents", {"customer": ann.stripe_id})]
    given = {"payment_intent": intents[-1]["id"], "amount": 700}
    refunds = {(await shop.at_stripe("POST", "/refunds", given))["id"] for _ in range(3)}
    corrected = {"invoice": paid["id"], "amount": 300, "credit_amount": 300}
    notes = {(await shop.at_stripe("POST", "/credit_notes", corrected))["id"] for _ in range(3)}
    await shop.travel(120)

    done = await staff.compare(page=2, at_most=3)

    assert done["state"] == "done"
    found = {each["object_id"]: each for each in await staff.drifts(limit=100)}
    assert {key for key, each in found.items() if each["object_type"] == "invoice"} >= {*unheard, disputed}
    assert {key for key, each in found.items() if each["object_type"] == "refund"} == refunds
    assert {key for key, each in found.items() if each["object_type"] == "credit_note"} == notes
    assert [each["finding"] for each in found.values() if each["object_type"] == "dispute"] == ["missing_here"]
    await shop.delivering.work()
    assert await staff.drifts(unrepaired=True) == []
    assert (await staff.compare(page=2, at_most=3))["found"] == 0
    async with shop.database.transaction(ann.organization_id) as tx:
        sums = await tx.fetchrow("SELECT sum(received) AS received, sum(refunded) AS refunded FROM payments")
        credited = await tx.fetchval("SELECT sum(credited) FROM invoices")
    assert sums is not None
    assert (sums["received"] - sums["refunded"], sums["refunded"]) == (await shop.charged(ann), 2_100)
    assert credited == 900
    names = [each.object_type for each in await shop.told(ann) if isinstance(each, DriftFound)]
    assert sorted(set(names)) == ["credit_note", "invoice", "payment_intent", "refund"]


async def test_money_that_differs_is_named_and_read_again(shop: Shop, staff: Staff) -> None:
    await shop.put_up_all()
    ann = await shop.customer(on_clock=False)
    await shop.subscribe(ann)
    for table, wrong in (("payments", "received = 4899"), ("invoices", "paid = 1")):
        await shop.delivering.ask(f"UPDATE {table} SET {wrong}")
    await shop.travel(120)

    assert (await staff.compare())["found"] == 2
    shown = {each["object_type"]: (each["finding"], each["fields"]) for each in await staff.drifts()}
    assert shown == {"invoice": ("differs", ["paid"]), "payment_intent": ("differs", ["received"])}
    assert await staff.drifts(unrepaired=True) == []
    assert (await staff.compare())["found"] == 0


async def bought(shop: Shop, customer: Customer, amount: int, *, card: str = "") -> dict[str, Any]:
    """An invoice of its own, paid at Stripe without a word of it."""
    if card:
        await shop.use(customer, card)
    about = {"customer": customer.stripe_id}
    draft = await shop.at_stripe("POST", "/invoices", {**about, "auto_advance": False})
    item = {**about, "invoice": draft["id"], "amount": amount, "currency": "eur"}
    await shop.at_stripe("POST", "/invoiceitems", item)
    await shop.at_stripe("POST", f"/invoices/{draft['id']}/finalize", {"auto_advance": False})
    return await shop.at_stripe("POST", f"/invoices/{draft['id']}/pay")


async def test_what_stripe_does_not_know_is_shown_to_staff(shop: Shop, staff: Staff) -> None:
    await shop.put_up_all()
    ann = await shop.customer(on_clock=False)
    await shop.subscribe(ann)
    lost = (await shop.mirror(ann)).seen.stripe_id
    await shop.stripe.post("/control/reset")
    await shop.travel(120)

    await staff.compare()

    found = await staff.drifts(unrepaired=True)
    assert lost in {each["object_id"] for each in found}
    assert {(each["object_type"], each["finding"]) for each in found} == {
        (kind, "missing_there") for kind in ("subscription", "payment_intent")
    }
    assert (await shop.plan(ann)) == "pro"


@pytest.mark.parametrize(("times", "goes_on"), [(2, True), (None, False)])
async def test_a_list_waits_where_stripe_asks_for_patience_and_is_put_off_when_it_asks_too_often(
    shop: Shop, staff: Staff, times: int | None, goes_on: bool
) -> None:
    await shop.put_up_all()
    ann = await shop.customer(on_clock=False)
    await shop.subscribe(ann)
    await shop.travel(120)
    busy = {"code": "rate_limit", "message": "Slower, please.", "type": "invalid_request_error"}
    rule = {
        "kind": "refuse_before_effect",
        "match": {"method": "GET", "path": "/stripe/v1/invoices"},
        "times": times,
        "status": 429,
        "headers": {"retry-after": "0"},
        "body": {"error": busy},
    }
    answer = await shop.stripe.put("/control/stripe/faults", json=[rule])
    assert answer.status_code == 200, answer.text

    first = await staff.compare()

    assert (first["state"] == "done", first["trouble"]) == (goes_on, "" if goes_on else "Stripe asks for patience.")


async def test_a_comparison_that_dies_goes_on_where_it_was_and_only_one_works_on_it(shop: Shop) -> None:
    async with shop.database.transaction() as tx:
        reconciliations = ReconciliationRepository(tx)
        await reconciliations.plan("staff", await reconciliations.now())
        assert await reconciliations.plan("staff", await reconciliations.now()) is None
    async with shop.database.transaction() as tx:
        dead = await ReconciliationRepository(tx).claim()
        assert dead is not None
    async with shop.database.transaction() as tx:
        assert await ReconciliationRepository(tx).claim() is None
    await shop.delivering.ask("UPDATE reconciliations SET leased_until = now() - interval '1s'")

    while await lately(shop).step():
        pass

    window = next_window(dead, {"subscription": shop.made.reconciling.beginning}, shop.database.clock.now())
    assert window is not None
    async with shop.database.transaction() as tx:
        reconciliations = ReconciliationRepository(tx)
        assert not await reconciliations.advance(dead, window, 1, 1)
        found = await reconciliations.find(dead.id)
    assert found is not None
    assert (found["state"], found["compared"]) == ("done", 0)


async def test_the_door_is_for_staff_with_the_right_to_it(shop: Shop, staff: Staff) -> None:
    ann = await shop.customer(on_clock=False)
    for path in ("reconciliations", "drifts"):
        answer = await ann.client.get(f"/v1/staff/billing/{path}", headers={"authorization": f"Bearer {ann.token()}"})
        assert answer.status_code == 401
    assert (await staff.ask("GET", f"reconciliations/{new_id()}")).status_code == 404
    assert (await staff.ask("GET", "reconciliations", cursor="x")).status_code == 422
    first = await staff.ask("POST", "reconciliations")
    second = await staff.ask("POST", "reconciliations")
    assert first.json()["id"] == second.json()["id"]
    assert len((await staff.ask("GET", "reconciliations")).json()["items"]) == 1
    await staff.drifts()
    async with shop.database.transaction() as tx:
        rows = await tx.fetch("SELECT body FROM outbox WHERE organization_id IS NULL")
    told = [each for row in rows if isinstance(each := decode(row["body"]), BillingAuditRecorded)]
    assert {each.action for each in told} == {"billing.reconciliation.asked", "billing.drift.read"}


def test_a_night_looks_at_old_money_no_more_and_staff_at_everything() -> None:
    beginning, now = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    night, asked = Reconciliation(new_id(), 1, None, None, 0), Reconciliation(new_id(), 1, None, None, 0, "staff")
    compared: list[Compared] = [ComparedSubscriptions(CATALOGUE), *MONEY]

    assert set(beginnings(compared, asked, beginning, now).values()) == {beginning}
    assert beginnings(compared, night, beginning, now) == {"subscription": beginning} | {
        each.type: now - REACH for each in MONEY
    }
    assert set(beginnings(compared, night, beginning, beginning).values()) == {beginning}


@given(st.integers(1, 10**6))
def test_a_window_that_holds_too_much_is_halved_down_to_a_second(seconds: int) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    window, most = Window("invoice", since, since + timedelta(seconds=seconds)), 0
    while (half := halved(window)) is not None:
        assert window.since == half.since < half.until < window.until
        window, most = half, most + 1
    assert window.until == since + timedelta(seconds=1)
    assert most <= 20


def test_windows_follow_each_other_without_a_gap_type_after_type() -> None:
    beginning, now = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 20, 12, 0, 0, 500_000, tzinfo=UTC)
    held, windows = Reconciliation(new_id(), 1, None, None, 0), []
    while (window := next_window(held, {"subscription": beginning, "invoice": beginning}, now)) is not None:
        windows.append(window)
        held = Reconciliation(held.id, 1, window.type, window.until, 0)

    ends = [beginning + timedelta(days=7), beginning + timedelta(days=14), datetime(2026, 1, 20, 11, 59, tzinfo=UTC)]
    assert [(each.type, each.until) for each in windows] == [
        *(("subscription", end) for end in ends),
        *(("invoice", end) for end in ends),
    ]
    assert all(each.since == (beginning, *ends)[place % 3] for place, each in enumerate(windows))
    assert next_night(now) == datetime(2026, 1, 21, 2, tzinfo=UTC)
    assert next_night(datetime(2026, 1, 21, 1, 59, tzinfo=UTC)) == datetime(2026, 1, 21, 2, tzinfo=UTC)
