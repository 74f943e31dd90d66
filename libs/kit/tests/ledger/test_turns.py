"""Who is next where more is ready than a worker may hold."""

from collections import Counter

from kit.ids import new_id
from kit.ledger.claims import Claims
from kit.ledger.model import Effect, Lane

from .conftest import Bench


async def test_an_organization_with_many_lanes_gets_no_more_than_one_with_one(bench: Bench) -> None:
    many, few = new_id(), new_id()
    for number in range(8):
        await bench.add(
            *(Effect("sample.sending", Lane(many, f"lane-{number}", 1000.0), new_id()) for _ in range(60))
        )
    await bench.add(*(Effect("sample.sending", Lane(few, "lane", 1000.0), new_id()) for _ in range(150)))
    claims = Claims(bench.database, bench.ledger.kinds)
    await claims.drain()
    taken, _ = await claims.take(200, [])
    assert Counter(claim.entry.organization_id for claim in taken) == {many: 100, few: 100}


async def test_whoever_is_alone_gets_all_that_may_be_claimed(bench: Bench) -> None:
    alone = new_id()
    await bench.add(*(Effect("sample.sending", Lane(alone, "lane", 1000.0), new_id()) for _ in range(150)))
    claims = Claims(bench.database, bench.ledger.kinds)
    await claims.drain()
    taken, _ = await claims.take(120, [])
    assert len(taken) == 120
