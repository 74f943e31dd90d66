"""Doubled, shuffled, past a worker that dies: what is shown is what would be shown had all come in order."""

import pytest
from benchmarks.orders import difference, in_chaos, in_order, inbox
from benchmarks.whatsapp_story import Story

from inbox import migrations
from kit.testing.databases import Databases

WITHIN = 240.0
"""Seconds, far more than it takes: then it says what is missing."""


@pytest.mark.timeout(600)
async def test_order_comes_out_of_chaos(databases: Databases) -> None:
    """The small form of `make orders`: 2,000 items over 100 conversations, three workers, one of them killed."""
    story = Story(items=2_000, conversations=100)
    places = [await databases.clone({"inbox": migrations}) for _ in range(2)]
    async with inbox(places[0].url("inbox")) as one:
        clean = await in_order(one, story, within=WITHIN)
    assert len(clean) == 100
    assert sum(len(each["messages"]) for each in clean.values()) > 1_000
    async with inbox(places[1].url("inbox")) as one:
        found = await in_chaos(one, story, workers=3, seconds=5, kills=1, within=WITHIN)
    assert difference(clean, found) == []
