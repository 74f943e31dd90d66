"""What waits, or cannot be recorded, stands before nobody else; what was seen outside is not called again."""

import asyncio

import asyncpg
import pytest

from kit.db.database import Database
from kit.db.provision import move_clock
from kit.ids import new_id
from kit.ledger import outcomes
from kit.ledger.claims import Claims
from kit.ledger.kind import Timing
from kit.ledger.looking import Looking
from kit.ledger.model import Effect, Entry, Found, Lane, Look, NotAccepted, Parked, Receipt, Status
from kit.ledger.sweeping import Sweeping
from kit.testing.databases import TestDatabase

from .conftest import Bench, Sending, effect, until


async def _arranged(place: TestDatabase, *statements: str) -> None:
    connection = await asyncpg.connect(place.admin_url)
    try:
        await connection.execute("SET search_path = sample, kit")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_look_that_is_due_is_made_however_many_lanes_wait_for_theirs(
    bench: Bench, kind: Sending, database: Database, place: TestDatabase
) -> None:
    async def there(_entry: Entry) -> Look:
        return Found(Receipt("x"))

    kind.sees, organization_id = there, new_id()
    effects = [Effect("sample.sending", Lane(organization_id, f"lane {n:04}"), new_id()) for n in range(1100)]
    await bench.add(*effects)
    await _arranged(
        place,
        "UPDATE ledger_entries SET status = 'unknown', attempt = 1, called_at = kit_now(),"
        " look_at = kit_now() + interval '1 hour'",
        "UPDATE ledger_entries SET look_at = kit_now() WHERE lane_id = (SELECT max(id) FROM ledger_lanes)",
    )
    looking = Looking(database, bench.ledger.kinds)
    while await looking.turn():
        pass
    assert [entry.lane_key for entry in kind.looks] == ["lane 1099"]


async def test_a_look_that_hangs_delays_no_other(bench: Bench, kind: Sending, place: TestDatabase) -> None:
    hanging, quick, ends = effect(new_id()), effect(new_id()), asyncio.Event()

    async def sees(entry: Entry) -> Look:
        if entry.subject_id == hanging.subject_id:
            await ends.wait()
        return Found(Receipt("x"))

    kind.sees, kind.timing = sees, Timing(call_within=30)
    await bench.add(hanging, quick)
    await _arranged(
        place, "UPDATE ledger_entries SET status = 'unknown', attempt = 1, called_at = kit_now(), look_at = kit_now()"
    )
    async with bench.working():
        await bench.until(quick, Status.DONE)
        assert await bench.status(hanging) is Status.UNKNOWN
        ends.set()
        await bench.until(hanging, Status.DONE)


async def test_claims_that_cannot_be_settled_do_not_hold_up_the_others(
    bench: Bench, kind: Sending, database: Database, place: TestDatabase
) -> None:
    organization_id = new_id()
    poison = [effect(organization_id) for _ in range(3)]
    other = effect(organization_id)
    await bench.add(*poison, other)
    kind.unrecordable = {each.subject_id for each in poison}
    await _arranged(
        place,
        "UPDATE ledger_entries SET status = 'calling', attempt = 1, called_at = kit_now(),"
        " leased_until = now() - interval '1 minute'",
        f"UPDATE ledger_entries SET leased_until = now() - interval '1 s' WHERE subject_id = '{other.subject_id}'",
    )
    sweeping = Sweeping(database, bench.ledger.kinds, at_once=3)
    assert await sweeping.sweep()
    assert not await sweeping.sweep()
    assert await bench.status(other) is Status.UNKNOWN
    assert await bench.status(poison[0]) is Status.CALLING


async def test_what_was_seen_outside_is_not_called_again_though_it_was_taken_for_absent(
    bench: Bench, kind: Sending, database: Database
) -> None:
    async def busy(_entry: Entry) -> Receipt:
        raise NotAccepted("later", retry_after=600)

    kind.answers = busy
    postponed, waiting = effect(organization_id := new_id()), effect(organization_id, "another lane")
    await bench.add(postponed)
    async with bench.working():
        await until(lambda: bench.outcomes(postponed), equals=["not_accepted"])
    await bench.add(waiting)
    async with database.transaction(organization_id) as tx:
        seen = {each.subject_id: Receipt("seen") for each in (postponed, waiting)}
        assert await bench.ledger.found(tx, "sample.sending", seen) == {postponed.subject_id}
    assert await bench.status(postponed) is Status.DONE
    assert await bench.status(waiting) is Status.PENDING


async def test_a_lane_with_kinds_that_a_worker_does_not_know_is_not_looked_at_all_the_time(
    bench: Bench, database: Database
) -> None:
    await bench.add(Effect("sample.other", Lane(new_id(), "lane"), new_id()))
    claims = Claims(database, bench.ledger.kinds)
    await claims.drain()
    taken, seconds = await claims.take(10, [])
    assert taken == []
    assert seconds is not None
    assert seconds > 1


@pytest.mark.parametrize(("asked", "parked"), [(30.0, 30.0), (999_999_999.0, 86_400.0)])
def test_no_lane_is_parked_for_longer_than_a_day(asked: float, parked: float) -> None:
    trouble = NotAccepted("later", retry_after=asked, whole_lane=True)
    assert outcomes.called(trouble, Timing(), attempt=1, age=0).park == parked


async def test_a_dead_token_holds_its_lane_also_after_the_clock_was_set_back(
    bench: Bench, kind: Sending, database: Database, place: TestDatabase
) -> None:
    async def dead(_entry: Entry) -> Receipt:
        raise Parked("Reconnect the account.")

    kind.answers = dead
    await bench.add(waiting := effect(organization_id := new_id()))
    async with database.transaction(organization_id) as tx:
        await bench.ledger.release(tx, organization_id, "lane")
    await move_clock(place.admin_url, -86_400)
    await bench.add(leaving := effect(organization_id))

    async def held() -> str | None:
        async with database.transaction(organization_id) as tx:
            return (await bench.ledger.states(tx, leaving.kind, [leaving.subject_id]))[leaving.subject_id].held

    async with bench.working():
        await until(held, equals="Reconnect the account.")
    assert await bench.status(waiting) is Status.PENDING
