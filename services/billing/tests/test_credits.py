"""Credits through their doors: spent in turn, once, never more than there is; the books always add up."""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.credits.errors import CreditsInsufficient
from billing.credits.keeping import CreditCheck, CreditExpiry
from billing.credits.model import Lot, Take, gives_back, in_turn, takes
from kit.clock import SystemClock
from kit.db.database import Database
from kit.db.provision import move_clock
from kit.ids import new_id
from kit.telemetry import metrics
from kit.testing.databases import TestDatabase

from .conftest import Asking, Employing
from .hearing import Ear

NOW = SystemClock().now()
PATH = "/v1/billing/credits"


def lot(priority: int, days: int | None, available: int) -> Lot:
    ends = None if days is None else NOW + timedelta(days=days)
    return Lot(new_id(), "goodwill", priority, ends, available, available, 0, 0, NOW)


LOTS = st.lists(
    st.builds(lot, st.integers(0, 3), st.none() | st.integers(-2, 3), st.integers(0, 50)), max_size=8, unique_by=id
)


@given(LOTS, st.integers(1, 300))
def test_a_spend_takes_from_what_comes_first_and_never_from_what_has_ended(lots: list[Lot], amount: int) -> None:
    live = [each for each in lots if each.expires_at is None or each.expires_at > NOW]
    if amount > sum(each.available for each in live):
        with pytest.raises(CreditsInsufficient):
            takes(lots, amount, NOW)
        return
    taken = takes(lots, amount, NOW)
    assert sum(take.amount for take in taken) == amount
    by_id = {each.id: each for each in live}
    assert all(0 < take.amount <= by_id[take.lot_id].available for take in taken)
    last = [take.lot_id for take in taken][-1]
    before = [each for each in in_turn(live) if each.available][: len(taken)]
    assert [take.lot_id for take in taken] == [each.id for each in before], "in turn, none left out"
    assert all(take.amount == by_id[take.lot_id].available for take in taken if take.lot_id != last)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.data())
def test_what_is_given_back_fills_the_lots_it_came_from_and_no_more(amounts: list[int], data: st.DataObject) -> None:
    taken, returned = [Take(new_id(), amount) for amount in amounts], list[Take]()
    left = sum(amounts)
    while left:
        part = data.draw(st.integers(1, left))
        returned += gives_back(taken, returned, part)
        left -= part
    for take in taken:
        assert sum(back.amount for back in returned if back.lot_id == take.lot_id) == take.amount


async def grant(staff: httpx.AsyncClient, organization_id: UUID, **wish: Any) -> dict[str, Any]:
    body = {"amount": 10, "reason": "goodwill", **wish}
    answer = await staff.post(f"/v1/staff/billing/organizations/{organization_id}/credits/lots", json=body)
    assert answer.status_code == 201, answer.text
    granted: dict[str, Any] = answer.json()
    return granted


async def spend(owner: httpx.AsyncClient, amount: int, spend_id: UUID | None = None) -> httpx.Response:
    body = {"id": str(spend_id or new_id()), "amount": amount, "purpose": "image_generation"}
    return await owner.post(f"{PATH}/spends", json=body)


async def available(owner: httpx.AsyncClient) -> int:
    found: int = (await owner.get(PATH)).json()["available"]
    return found


async def wrong(database: Database) -> int:
    check = CreditCheck(database)
    while await check.check():
        pass
    found = re.search(rb"^billing_credits_out_of_balance (\S+)$", metrics.render("billing"), re.MULTILINE)
    assert found
    return int(float(found[1]))


async def test_credits_are_spent_by_priority_and_then_by_end(asking: Asking, employing: Employing) -> None:
    ours, theirs = new_id(), new_id()
    owner, staff = asking(ours), employing("credits.manage", "billing.read")
    soon, later = (NOW + timedelta(days=days) for days in (1, 9))
    never = await grant(staff, ours)
    late = await grant(staff, ours, expires_at=later.isoformat())
    early = await grant(staff, ours, expires_at=soon.isoformat())
    first = await grant(staff, ours, priority=1)
    await grant(staff, theirs, amount=500)
    assert (await spend(owner, 25)).status_code == 200
    left = {each["id"]: each["available"] for each in (await owner.get(f"{PATH}/lots")).json()["items"]}
    assert left == {first["id"]: 0, early["id"]: 0, late["id"]: 5, never["id"]: 10}
    refused = await spend(owner, 16)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:rostrum:problem:credits-insufficient")
    assert await available(owner) == 15
    assert await available(asking(theirs)) == 500


async def test_a_spend_asked_for_twice_is_one_and_another_under_its_id_is_refused(
    asking: Asking, employing: Employing, ear: Ear
) -> None:
    ours, theirs, spend_id = new_id(), new_id(), new_id()
    owner, staff = asking(ours), employing("credits.manage", "billing.read")
    await grant(staff, ours)
    await grant(staff, theirs)
    answers = await asyncio.gather(*(spend(owner, 4, spend_id) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert await available(owner) == 6
    other = await spend(owner, 5, spend_id)
    assert (other.status_code, other.json()["type"]) == (409, "urn:rostrum:problem:spend-differs")
    assert (await spend(asking(theirs), 3, spend_id)).status_code == 200, "an id is the organization's own"
    assert [fact for fact in await ear.facts(ours) if fact == "CreditsSpent"] == ["CreditsSpent"]
    assert [line.action for line in await ear.audited(ours)] == ["billing.credits.granted", "billing.credits.spent"]


async def test_64_spends_at_once_never_overdraw(asking: Asking, employing: Employing, database: Database) -> None:
    ours = new_id()
    owner, staff = asking(ours), employing("credits.manage", "billing.read")
    for _ in range(5):
        await grant(staff, ours, amount=20)
    answers = await asyncio.gather(*(spend(owner, 3) for _ in range(64)))
    assert sorted(answer.status_code for answer in answers) == [200] * 33 + [409] * 31
    assert await available(owner) == 1
    assert await wrong(database) == 0


async def test_what_is_given_back_can_be_spent_again_and_nothing_more_than_was_spent(
    asking: Asking, employing: Employing, ear: Ear
) -> None:
    ours, theirs, spend_id = new_id(), new_id(), new_id()
    owner, staff = asking(ours), employing("credits.manage", "billing.read")
    await grant(staff, ours)
    await spend(owner, 8, spend_id)
    path = f"/v1/staff/billing/organizations/{ours}/credits/spends/{spend_id}/returns"
    for _ in range(2):
        answer = await staff.post(path, json={"amount": 5}, headers={"idempotency-key": "once"})
        assert (answer.status_code, answer.json()["returned"]) == (200, 5)
    assert await available(owner) == 7
    assert (await staff.post(path, json={"amount": 4})).json()["type"].endswith("return-too-large")
    elsewhere = await staff.post(path.replace(str(ours), str(theirs)), json={"amount": 1})
    assert elsewhere.status_code == 404
    assert (await ear.facts(ours)).count("CreditsReturned") == 1


async def test_named_lots_end_at_once_and_others_when_their_time_has_come(
    asking: Asking, employing: Employing, database: Database, place: TestDatabase, ear: Ear
) -> None:
    ours, theirs = new_id(), new_id()
    owner, staff = asking(ours), employing("credits.manage", "billing.read")
    named, timed = (
        await grant(staff, ours),
        await grant(staff, ours, expires_at=(NOW + timedelta(days=1)).isoformat()),
    )
    await grant(staff, ours)
    foreign = await grant(staff, theirs)
    path = f"/v1/staff/billing/organizations/{ours}/credits/expirations"
    refused = await staff.post(path, json={"lot_ids": [named["id"], foreign["id"]]})
    assert refused.status_code == 404
    for _ in range(2):
        ended = await staff.post(path, json={"lot_ids": [named["id"]]})
        assert ended.json()["items"][0] | {"available": 0, "expired": 10} == ended.json()["items"][0]
    assert await available(owner) == 20
    await move_clock(place.admin_url, 2 * 86_400)
    assert await available(asking(ours)) == 10, "what has ended is not there, whether a loop has come by or not"
    expiry = CreditExpiry(database)
    await asyncio.gather(expiry.expire_due(), expiry.expire_due())
    lots = (await asking(ours).get(f"{PATH}/lots")).json()["items"]
    assert {each["id"]: each["expired"] for each in lots if each["expired"]} == {named["id"]: 10, timed["id"]: 10}
    assert (await ear.facts(ours)).count("CreditsExpired") == 2
    assert await available(asking(theirs)) == 10
    assert await wrong(database) == 0


async def test_what_comes_back_into_a_lot_that_has_ended_ends_too(
    asking: Asking, employing: Employing, database: Database, place: TestDatabase
) -> None:
    ours, spend_id = new_id(), new_id()
    staff = employing("credits.manage", "billing.read")
    await grant(staff, ours, expires_at=(NOW + timedelta(days=1)).isoformat())
    await spend(asking(ours), 6, spend_id)
    await move_clock(place.admin_url, 2 * 86_400)
    await CreditExpiry(database).expire_due()
    staff = employing("credits.manage", "billing.read")
    await staff.post(f"/v1/staff/billing/organizations/{ours}/credits/spends/{spend_id}/returns", json={"amount": 6})
    assert await available(asking(ours)) == 0
    await CreditExpiry(database).expire_due()
    lots = (await asking(ours).get(f"{PATH}/lots")).json()["items"]
    assert [(each["expired"], each["spent"], each["available"]) for each in lots] == [(10, 0, 0)]


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(["grant", "spend", "return", "expire"]), st.integers(0, 3), st.integers(1, 30)),
        max_size=12,
    )
)
async def test_any_interleaving_conserves(
    asking: Asking, employing: Employing, database: Database, steps: list[tuple[str, int, int]]
) -> None:
    """All at once, in whatever order the database takes them: what was granted is there, spent or expired."""
    ours = new_id()
    owner, staff = asking(ours), employing("credits.manage", "billing.read")
    lots = [await grant(staff, ours, amount=25, priority=number) for number in range(2)]
    spends = [new_id() for _ in range(4)]
    at = f"/v1/staff/billing/organizations/{ours}/credits"

    async def take(what: str, which: int, amount: int) -> None:
        match what:
            case "grant":
                lots.append(await grant(staff, ours, amount=amount, priority=which))
            case "spend":
                await spend(owner, amount, spends[which])
            case "return":
                await staff.post(f"{at}/spends/{spends[which]}/returns", json={"amount": amount})
            case _:
                await staff.post(f"{at}/expirations", json={"lot_ids": [lots[which % 2]["id"]]})

    await asyncio.gather(*(take(*step) for step in steps))
    shown = (await owner.get(f"{PATH}/lots", params={"limit": 100})).json()["items"]
    assert sum(each["granted"] for each in shown) == sum(each["granted"] for each in lots)
    for each in shown:
        assert each["granted"] == each["available"] + each["spent"] + each["expired"]
        assert min(each["available"], each["spent"], each["expired"]) >= 0
    assert await available(owner) == sum(each["available"] for each in shown)
    lines = (await owner.get(f"{PATH}/movements", params={"limit": 100})).json()["items"]
    assert _balances(lines)["available"] == await available(owner)
    assert sum(_balances(lines).values()) == 0, "double entry"
    assert await wrong(database) == 0


def _balances(lines: list[Mapping[str, Any]]) -> dict[str, int]:
    accounts = dict.fromkeys(("issued", "available", "spent", "expired"), 0)
    for line in lines:
        accounts[line["taken_from"]] -= line["amount"]
        accounts[line["put_into"]] += line["amount"]
    return accounts


async def test_the_books_are_append_only_and_no_balance_is_negative(employing: Employing, database: Database) -> None:
    ours = new_id()
    lot_id = (await grant(employing("credits.manage"), ours))["id"]
    for sql in (
        "UPDATE credit_movements SET amount = 1",
        "DELETE FROM credit_movements",
        "UPDATE credit_lots SET granted = 20",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(ours) as tx:
                await tx.execute(sql)
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction(ours) as tx:
            await tx.execute("UPDATE credit_lots SET available = -1, spent = 11 WHERE id = $1", UUID(lot_id))
    async with database.transaction(ours) as tx:
        await tx.execute("UPDATE credit_lots SET available = 4, spent = 6 WHERE id = $1", UUID(lot_id))
    assert await wrong(database) == 1, "a spend without its movement is seen"


async def test_who_may_spend_and_who_may_grant(asking: Asking, employing: Employing) -> None:
    ours = new_id()
    assert (await spend(asking(ours, role="admin"), 1)).status_code == 403
    path = f"/v1/staff/billing/organizations/{ours}/credits/lots"
    body = {"amount": 1, "reason": "goodwill"}
    assert (await employing("billing.read").post(path, json=body)).status_code == 403
    assert (await asking(ours).post(path, json=body)).status_code == 401, "an owner is not of the staff"
    staff = employing("credits.manage")
    for bad in (
        {"amount": 0},
        {"amount": 10**12 + 1},
        {"reason": "A sentence."},
        {"expires_at": "2020-01-01T00:00:00Z"},
    ):
        assert (await staff.post(path, json=body | bad)).status_code in (409, 422), bad
