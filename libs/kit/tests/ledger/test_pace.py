"""The pace of a lane, whoever calls; and that claims stay cheap when tables are large."""

import asyncio
import re
import time
from bisect import bisect_left

import asyncpg
import pytest

from kit.ids import new_id
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Lane, Receipt
from kit.testing.databases import TestDatabase

from .conftest import Bench, Sending, until


def windows(times: list[float]) -> list[int]:
    ordered = sorted(times)
    return [bisect_left(ordered, start + 1.0) - place for place, start in enumerate(ordered)]


@pytest.mark.parametrize(("rate", "workers"), [(80, 1), (80, 3), (400, 3)])
async def test_a_lane_is_never_faster_than_its_limit_whoever_calls(
    bench: Bench, kind: Sending, rate: int, workers: int
) -> None:
    """Measured where the call begins.

    How near it comes to the limit depends on the machine: `make bench-full NAMES=pacing`.
    """
    times: list[float] = []

    async def timed(_: Entry) -> Receipt:
        times.append(time.monotonic())
        return Receipt("x")

    kind.answers, kind.timing = timed, Timing(call_within=10)
    lane, count = Lane(new_id(), "lane", float(rate)), rate * 3
    await bench.add(*(Effect("sample.sending", lane, new_id()) for _ in range(count)))
    async with bench.working(workers):
        await until(lambda: asyncio.sleep(0, len(times)), equals=count, within=60)
    took = max(times) - min(times)
    print(f"{rate}/s by {workers}: {max(windows(times))} at most, {count / took / rate:.1%} of the limit")  # noqa: T201
    assert rate * 0.3 <= max(windows(times)) <= rate * 1.01


async def test_a_lane_that_was_idle_has_saved_nothing_up(bench: Bench, kind: Sending) -> None:
    times: list[float] = []

    async def timed(_: Entry) -> Receipt:
        times.append(time.monotonic())
        return Receipt("x")

    kind.answers = timed
    lane = Lane(new_id(), "lane", 20.0)
    async with bench.working():
        for _ in range(2):
            before = len(times)
            await bench.add(*(Effect("sample.sending", lane, new_id()) for _ in range(20)))
            await until(lambda: asyncio.sleep(0, len(times)), equals=before + 20)
            await asyncio.sleep(1.2)
    assert max(windows(times)) <= 20


async def test_a_call_that_is_late_for_its_slot_has_another_one_and_is_not_claimed_again(
    bench: Bench, kind: Sending
) -> None:
    """What one lane calls keeps the process busy for longer than a call of the other may be late."""

    async def busy(_: Entry) -> Receipt:
        time.sleep(0.03)  # noqa: ASYNC251 - nothing else goes on meanwhile
        return Receipt("x")

    kind.answers = busy
    lanes = [Lane(new_id(), "lane", 1000.0) for _ in range(3)]
    await bench.add(*(Effect("sample.sending", lane, new_id()) for lane in lanes for _ in range(4)))
    async with bench.working():
        await until(lambda: asyncio.sleep(0, len(kind.calls)), equals=12)
    assert [each.attempt for each in kind.calls] == [1] * 12


async def test_the_rate_given_last_counts(bench: Bench, kind: Sending) -> None:
    organization_id = new_id()
    await bench.add(Effect("sample.sending", Lane(organization_id, "lane", 0.001), new_id()))
    async with bench.working():
        await until(lambda: asyncio.sleep(0, len(kind.calls)), equals=1)
        async with bench.database.transaction(organization_id) as tx:
            await bench.ledger.set_rate(tx, Lane(organization_id, "other", 1000.0))
        await bench.add(*(Effect("sample.sending", Lane(organization_id, "other", 1000.0), new_id()) for _ in "abc"))
        await until(lambda: asyncio.sleep(0, len(kind.calls)), equals=4)


FILL = """
    INSERT INTO ledger_lanes (organization_id, key, rate, ready_at)
    SELECT gen_random_uuid(), 'lane', 80, kit_now() + interval '1 day' + n * interval '1 second'
    FROM generate_series(1, {lanes}) AS n;
    INSERT INTO ledger_entries (id, kind, organization_id, lane_id, subject_id, status, due_at, first_due_at, look_at,
        leased_until, settled_at)
    SELECT gen_random_uuid(), 'sample.sending', lane.organization_id, lane.id, gen_random_uuid(),
           CASE WHEN n % 10 = 0 THEN 'done' WHEN n % 1000 = 1 THEN 'unknown' ELSE 'pending' END,
           kit_now() + interval '1 day', kit_now() + interval '1 day', kit_now() + interval '1 day', NULL,
           CASE WHEN n % 10 = 0 THEN kit_now() END
    FROM generate_series(1, {entries}) AS n JOIN ledger_lanes AS lane ON lane.id = 1 + n % {lanes};
    ANALYZE ledger_lanes; ANALYZE ledger_entries;
"""
CLAIM = "SELECT * FROM ledger_claim('{sample.sending}', '{25}', 500, 50, 0.982, 0.02, 0.15, 0.05, 20, '{}', 0.05, 5)"
LOOKS = "SELECT * FROM ledger_claim_looks('{sample.sending}', '{25}', 50, 5, 0)"
OVERDUE = "SELECT * FROM ledger_overdue('{sample.sending}', 200, '{}')"
MEASURE = "SELECT * FROM ledger_measure('{sample.sending}', 10000)"


async def touched(connection: "asyncpg.Connection[asyncpg.Record]", statement: str) -> int:
    """How many pages the statement has to look at."""
    plan = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {statement}")
    numbers = re.findall(r"shared (?:hit=(\d+))?(?: read=(\d+))?", plan[1]["QUERY PLAN"])
    return sum(int(each or 0) for pair in numbers for each in pair)


async def test_a_claim_looks_at_what_is_ready_and_not_at_what_waits_for_tomorrow(
    bench: Bench, kind: Sending, place: TestDatabase
) -> None:
    """10,000 lanes and 100,000 effects that are due tomorrow; one that is due now."""
    admin = await asyncpg.connect(place.admin_url)
    try:
        await admin.execute(f"SET search_path = sample, kit; {FILL.format(lanes=10_000, entries=100_000)}")
        await bench.add(Effect("sample.sending", Lane(new_id(), "lane", 80.0), new_id()))
        await admin.fetch("SELECT ledger_drain_wakes(5000)")
        for statement in (CLAIM, OVERDUE, MEASURE):  # the first time the catalogue is read, too
            await admin.fetch(statement)
        await bench.add(Effect("sample.sending", Lane(new_id(), "lane", 80.0), new_id()))
        await admin.fetch("SELECT ledger_drain_wakes(5000)")
        pages = {name: await touched(admin, sql) for name, sql in {"claim": CLAIM, "overdue": OVERDUE}.items()}
        pages["measure"] = await touched(admin, MEASURE)
        size = await admin.fetchval("SELECT pg_relation_size('ledger_entries') / 8192")
        print(f"pages: {pages}, of {size} in the table")  # noqa: T201 - figures to be read
    finally:
        await admin.close()
    assert kind.calls == []
    assert max(pages.values()) < 200
