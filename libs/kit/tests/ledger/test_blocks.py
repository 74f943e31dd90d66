"""What was claimed and never begun is told from what may have left."""

import asyncio
import random

import asyncpg
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.ledger.beginning import Beginning
from kit.ledger.claims import Claim, Claims
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane, Status
from kit.ledger.sweeping import Sweeping
from kit.testing.databases import TestDatabase

from .conftest import Bench, Sending, effect


async def claimed(bench: Bench) -> list[Claim]:
    """All that can be claimed now."""
    claims = Claims(bench.database, bench.ledger.kinds)
    await claims.drain()
    found, _ = await claims.take(1000, [])
    return found


async def change(place: TestDatabase, sql: str) -> None:
    """What time would do."""
    admin = await asyncpg.connect(place.admin_url)
    try:
        await admin.execute(f"SET search_path = sample; {sql}")
    finally:
        await admin.close()


async def too_late(place: TestDatabase) -> None:
    """Nobody begins any more what is claimed."""
    await change(place, "UPDATE ledger_blocks SET begin_by = now() - interval '1 s'")


async def leases_end(place: TestDatabase) -> None:
    await change(place, "UPDATE ledger_entries SET leased_until = now() - interval '1 s'")


async def left(place: TestDatabase) -> int:
    admin = await asyncpg.connect(place.admin_url)
    try:
        found: int = await admin.fetchval("SELECT count(*) FROM sample.ledger_blocks")
        return found
    finally:
        await admin.close()


async def test_a_block_has_the_slots_of_a_few_hundredths_of_a_second(bench: Bench) -> None:
    us = new_id()
    await bench.add(*(effect(us, "fast", rate=1000.0) for _ in range(150)))
    await bench.add(*(effect(us, "slow", rate=2.0) for _ in range(2)))
    await bench.add(*(effect(us, "free") for _ in range(20)))
    sizes: dict[str, dict[int, int]] = {}
    for claim in await claimed(bench):
        of_lane = sizes.setdefault(claim.entry.lane_key, {})
        of_lane[claim.block_id] = of_lane.get(claim.block_id, 0) + 1
    assert sorted(sizes["fast"].values()) == [5, 29, 29, 29, 29, 29]
    assert list(sizes["slow"].values()) == [1]
    assert list(sizes["free"].values()) == [20]


async def test_what_was_not_begun_waits_again_and_what_was_begun_is_looked_for(
    bench: Bench, database: Database, place: TestDatabase
) -> None:
    effects = [effect(new_id(), rate=1000.0) for _ in range(4)]
    await bench.add(*effects)
    one, *others = await claimed(bench)
    assert await Beginning(database).begin(one.block_id)
    sweeping = Sweeping(database, bench.ledger.kinds)
    await leases_end(place)
    await too_late(place)
    assert not await sweeping.sweep()
    statuses = {each.subject_id: await bench.status(each) for each in effects}
    assert statuses.pop(one.entry.subject_id) is Status.UNKNOWN
    assert set(statuses.values()) == {Status.PENDING}
    assert await left(place) == 0
    again = {claim.entry.id: claim.entry.attempt for claim in await claimed(bench)}
    assert again == {claim.entry.id: 2 for claim in others}


async def test_a_lease_that_ends_is_no_word_on_what_was_not_begun(
    bench: Bench, database: Database, place: TestDatabase
) -> None:
    one = effect(new_id())
    await bench.add(one)
    await claimed(bench)
    await leases_end(place)
    await Sweeping(database, bench.ledger.kinds).sweep()
    assert await bench.status(one) is Status.CALLING
    await too_late(place)
    await Sweeping(database, bench.ledger.kinds).sweep()
    assert await bench.status(one) is Status.PENDING


async def test_of_a_worker_and_the_sweep_one_has_the_block(
    bench: Bench, database: Database, place: TestDatabase
) -> None:
    """Whichever of them is first; what was given back is pending, what has begun is still being called."""
    effects = [effect(new_id()) for _ in range(40)]
    await bench.add(*effects)
    found = await claimed(bench)
    await too_late(place)
    beginning, sweeping = Beginning(database), Sweeping(database, bench.ledger.kinds, at_once=3)
    random.shuffle(found)

    async def begin(claim: Claim) -> bool:
        await asyncio.sleep(random.random() * 0.05)  # both are at work at the same time
        return await beginning.begin(claim.block_id)

    async def sweep() -> None:
        while await sweeping.sweep():
            pass

    *begun, _ = await asyncio.gather(*map(begin, found), sweep())
    by_subject = {each.subject_id: each for each in effects}
    for claim, ours in zip(found, begun, strict=True):
        status = await bench.status(by_subject[claim.entry.subject_id])
        assert status is (Status.CALLING if ours else Status.PENDING)
    assert await left(place) == 0


async def test_a_claim_that_came_back_is_not_given_back_by_its_old_block(
    bench: Bench, database: Database, place: TestDatabase
) -> None:
    """Its worker returned it in good order, another one has claimed and begun it, and then the old block ends."""
    one = effect(new_id())
    await bench.add(one)
    [first] = await claimed(bench)
    admin = await asyncpg.connect(place.admin_url)
    try:
        await admin.execute(
            "UPDATE sample.ledger_entries SET status = 'pending'; UPDATE sample.ledger_lanes SET ready_at = now()"
        )
    finally:
        await admin.close()
    [second] = await claimed(bench)
    assert second.block_id != first.block_id
    assert await Beginning(database).begin(second.block_id)
    await too_late(place)
    await Sweeping(database, bench.ledger.kinds).sweep()
    assert await bench.status(one) is Status.CALLING


async def test_kinds_that_share_a_lane_begin_by_themselves(database: Database) -> None:
    kinds = [Sending(name="sample.one"), Sending(name="sample.other")]
    bench = Bench(database, kinds[0], Ledger(database, kinds))
    lane = Lane(new_id(), "shared", 500.0)
    effects = [Effect(kinds[n % 2].name, lane, new_id()) for n in range(40)]
    async with bench.working(2):
        await bench.add(*effects)
        for each in effects:
            await bench.until(each, Status.DONE)
    assert sorted(entry.subject_id for kind in kinds for entry in kind.calls) == sorted(e.subject_id for e in effects)


@pytest.mark.parametrize("rate", [None, 300.0])
async def test_who_expired_before_anything_began_is_refused(
    bench: Bench, database: Database, place: TestDatabase, rate: float | None
) -> None:
    due = await database.now()
    one = Effect("sample.sending", Lane(new_id(), "lane", rate), new_id(), expires_at=due.replace(year=due.year + 1))
    await bench.add(one)
    await claimed(bench)
    await change(place, "UPDATE ledger_entries SET expires_at = due_at - interval '1 s'")
    await too_late(place)
    sweeping = Sweeping(database, bench.ledger.kinds)
    await sweeping.sweep()
    await sweeping.sweep()
    assert (await bench.status(one), await bench.outcomes(one)) == (Status.REFUSED, [])
