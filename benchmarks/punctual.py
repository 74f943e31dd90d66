"""How punctually posts leave, with a table full of future posts against an empty one; and what a claim costs.

One real worker, real platforms' code, sandboxes. Posts are due at moments by chance, twenty a second, each for an
account of its own, so that no platform's pace holds one up; late is from due to the beginning of the call, by the
ledger's own record. First with nothing else in the tables, then with many posts of the days to come (`full`:
1,000,000 over 50,000 accounts). A claim is measured by the pages that PostgreSQL touches: they do not grow with the
tables. The plans are printed, and how long it took to fill the tables. At last everything is stopped while posts
leave: how long after the answer does the last call begin?
"""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from benchmarks import harness
from benchmarks.harness import Result, Size
from benchmarks.rush.filling import fill
from benchmarks.rush.rush import Measure, opened, watched
from kit.ledger import pace
from kit.ledger.claims import BEGIN_WITHIN
from publisher.deliveries.model import KIND

FILLED: Final = {"short": (5_000, 50_000), "full": (50_000, 1_000_000)}
ROUND: Final = Measure(400, 400, 20.0)
BAR_MS: Final = 1000.0
_CLAIM: Final = f"""
    EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
    SELECT * FROM publisher.ledger_claim(ARRAY['{KIND}'], ARRAY[25.0]::float8[], 1000, 50, {pace.PACE}, {pace.LEAD},
        {pace.AHEAD}, {pace.SLICE}, {pace.UNPACED}, ARRAY[]::bigint[], {pace.BLOCK}, {BEGIN_WITHIN})
"""
_SHOWN: Final = (
    "SELECT id FROM publisher.ledger_lanes WHERE ready_at <= kit.kit_now() ORDER BY ready_at LIMIT 50",
    """
    SELECT id FROM publisher.ledger_entries
    WHERE lane_id = (SELECT max(id) FROM publisher.ledger_lanes) AND status = 'pending' AND due_at <= kit.kit_now()
    ORDER BY due_at, id LIMIT 20
    """,
    "SELECT min(ready_at) FROM publisher.ledger_lanes WHERE ready_at IS NOT NULL",
)


async def measure(size: Size) -> Sequence[Result]:
    """The same round twice, in one database."""
    accounts, posts = FILLED[size]
    with watched() as bar:
        async with opened(ROUND, bar) as rush:
            await rush.prepare(1)
            await rush.calm()  # what is imported and connected at the first post
            empty, empty_pages = await rush.calm(), await _pages(rush.admin)
            began = time.monotonic()
            await fill(rush.admin, accounts, posts)
            bar.console.print(f"filled with {posts:,} posts in {time.monotonic() - began:.0f} s")
            await rush.calm()
            filled, filled_pages = await rush.calm(), await _pages(rush.admin)
            slipped = await rush.stopped()
            for statement in _SHOWN:
                plan = await rush.admin.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}")
                bar.console.print("\n".join(row[0] for row in plan), markup=False)
    name = f"{posts:,} future posts"
    return [
        _late(f"due to call started, p50, {name} against none", filled, empty, 50),
        _late(f"due to call started, p99, {name} against none", filled, empty, 99),
        Result(f"due to call started, p99, {name}", "ms", [_at(filled, 99)], [BAR_MS], 1.0, less_is_better=True),
        Result("stop answered to last call begun", "ms", [slipped], [BAR_MS], 1.0, less_is_better=True),
        Result(f"pages of an empty claim, {name} against none", "pages", [filled_pages], [empty_pages], 0.3, True),
    ]


def _at(late: Sequence[float], percent: float) -> float:
    return harness.percentile(late, percent)


def _late(name: str, filled: Sequence[float], empty: Sequence[float], percent: float) -> Result:
    return Result(name, "ms", [_at(filled, percent)], [_at(empty, percent)], 0.5, less_is_better=True)


async def _pages(admin: "asyncpg.Connection[Any]") -> float:
    """Pages that a claim touches when nothing is due, the least of a few."""
    found = []
    for _ in range(5):
        plan = json.loads(await admin.fetchval(_CLAIM))[0]["Plan"]
        found.append(float(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]))
        await asyncio.sleep(0.1)
    return min(found)


if __name__ == "__main__":
    harness.run("punctual", measure)
