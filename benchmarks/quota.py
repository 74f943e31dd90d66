"""What counting against a limit costs when everybody counts on the same row: one organization, 64 workers.

A worker reserves in one transaction and settles in the next, as work that takes a while does. The bare form is what
nobody can do without: an `UPDATE … RETURNING` of the same row in two transactions, without limit, reservation or
threshold. Both on the same pool of connections, in turns; in the end nothing may be left reserved.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from benchmarks import harness
from benchmarks.harness import Result, Size
from kit.db.database import Database
from kit.ids import new_id
from kit.quota import Meter, Quota
from kit.testing import sample
from kit.testing.databases import Databases

WORKERS: Final = 64
CONNECTIONS: Final = 16
SECONDS: Final = {"short": 2.0, "full": 10.0}
ROUNDS: Final = {"short": 3, "full": 5}
METER: Final = Meter("generations_per_month", before_first=2**60)
QUOTA: Final = Quota([METER])


async def measure(size: Size) -> Sequence[Result]:
    """Pairs of transactions a second."""
    databases = Databases()
    try:
        place = await databases.clone({"sample": sample})
        database = await Database.open(place.url("sample"), name="bench", pool_size=CONNECTIONS, acquire_within=60)
        try:
            return [await pairs(database, SECONDS[size], ROUNDS[size])]
        finally:
            await database.close()
    finally:
        await databases.close()


async def pairs(database: Database, seconds: float, rounds: int) -> Result:
    """Reserved and settled, in turns with the bare form."""
    organization_id = new_id()
    async with database.transaction(organization_id) as tx:
        await QUOTA.take(tx, METER, 1)
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(rounds):
        ours.append(await rate(lambda: reserve_and_settle(database, organization_id), seconds))
        bare.append(await rate(lambda: twice_bare(database, organization_id), seconds))
    async with database.transaction(organization_id) as tx:
        use = await QUOTA.use(tx, METER)
    if use.reserved:
        raise AssertionError(f"{use.reserved} reserved that nobody settled")
    return Result("reserve + settle, 64 workers on one row, beside bare UPDATE", "pairs/s", ours, bare, 0.5)


async def reserve_and_settle(database: Database, organization_id: UUID) -> None:
    """Two transactions, as work that is taken in and done."""
    reservation_id = new_id()
    async with database.transaction(organization_id) as tx:
        await QUOTA.reserve(tx, METER, 1, reservation_id)
    async with database.transaction(organization_id) as tx:
        await QUOTA.settle(tx, reservation_id)


async def twice_bare(database: Database, organization_id: UUID) -> None:
    """The same number of transactions, with nothing but the row."""
    for _ in range(2):
        async with database.transaction(organization_id) as tx:
            await tx.fetchrow(
                "UPDATE quota_usage SET used = used + 1 WHERE organization_id = $1 AND meter = $2 RETURNING used",
                organization_id,
                METER.name,
            )


async def rate(work: Callable[[], Awaitable[None]], seconds: float) -> float:
    """How often a second, by all workers together."""
    done = 0
    ends = time.perf_counter() + seconds

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < ends:
            await work()
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    return done / (time.perf_counter() - started)


if __name__ == "__main__":
    harness.run("quota", measure)
