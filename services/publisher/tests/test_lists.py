"""Lists ask for all of their rows at once, and pages are where they are whatever else is wished for."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Mortal

from .story import Story

LATER = "2027-06-01T09:00:00Z"


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Mortal.open(place.url("publisher"), name="publisher test", pool_size=8, acquire_within=20)
    try:
        yield opened
    finally:
        await opened.close()


async def pages(client: httpx.AsyncClient, **wanted: Any) -> list[str]:
    """The ids of all posts that fit, two on a page."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = (await client.get("/v1/posts", params={**wanted, **cursor, "limit": 2})).json()
        found += [each["id"] for each in answer["items"]]
        if answer["next_cursor"] is None:
            return found
        cursor = {"cursor": answer["next_cursor"]}


async def test_a_list_of_posts_asks_as_often_whether_it_is_long_or_short(story: Story, database: Mortal) -> None:
    client = story.client(new_id())
    accounts = [await story.connect(client, what) for what in ("member", "organization")]
    steps = []
    for number in (1, 6):
        for _ in range(number):
            await story.post(client, *accounts, publish_at=LATER)
        database.live_for(None)
        shown = (await client.get("/v1/posts")).json()["items"]
        assert all(len(each["deliveries"]) == 2 for each in shown)
        steps.append(database.steps)
    assert steps[0] == steps[1]


async def test_posts_are_paged_by_account_status_and_time_together(story: Story) -> None:
    client, stranger = story.client(new_id()), story.client(new_id())
    first, second = [await story.connect(client, what) for what in ("member", "organization")]
    foreign = await story.connect(stranger)
    await story.post(stranger, foreign, publish_at=LATER)
    both = [(await story.post(client, first, second, publish_at=LATER))["id"] for _ in range(3)]
    one = [(await story.post(client, first, publish_at="2027-07-01T09:00:00Z"))["id"] for _ in range(3)]
    draft = (await story.post(client, first, publish_at=None))["id"]
    assert await pages(client) == [draft, *one[::-1], *both[::-1]]
    assert await pages(client, account=first) == [draft, *one[::-1], *both[::-1]]
    assert await pages(client, account=second) == both[::-1]
    assert await pages(client, account=first, status="scheduled") == [*one[::-1], *both[::-1]]
    assert await pages(client, account=first, to="2027-06-15T00:00:00Z") == both[::-1]
    assert await pages(client, **{"from": "2027-06-15T00:00:00Z"}) == one[::-1]
    assert await pages(client, account=foreign) == []
