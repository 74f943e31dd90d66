"""No more posts are planned for an account than its platform takes; another time is offered."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually
from publisher.budgets.model import DAY, Budget, Told, first_fit, holding

from .meta_side import Files, MetaSide
from .story import Story

START = datetime(2026, 12, 1, tzinfo=UTC)
hours = st.integers(0, 96).map(lambda hour: START + timedelta(hours=hour))
budgets = st.builds(Budget, st.integers(1, 5), st.just(timedelta(hours=24)), st.integers(0, 3), st.none() | hours)


@settings(max_examples=200, deadline=None)
@given(budgets, st.lists(hours, max_size=25))
def test_whatever_is_wanted_no_window_holds_more_than_the_limit(budget: Budget, wanted: list[datetime]) -> None:
    taken: list[datetime] = []
    for at in wanted:
        when = budget.next_fit(taken, at)
        if when is None:
            assert budget.room(START) <= 0
            continue
        assert when >= at
        assert (when == at) == budget.fits(taken, at)
        taken = sorted([*taken, when])
    for end in taken:
        assert sum(end - budget.window < each <= end for each in taken) <= budget.room(end)


def test_where_sources_disagree_the_lower_one_holds() -> None:
    told = Told(100, 3, timedelta(days=1), None, START)
    assert holding(50, told) == (Budget(50, timedelta(days=1), 3, START + timedelta(days=1)),)
    assert holding(250, told) == (Budget(100, timedelta(days=1), 3, START + timedelta(days=1)),)
    assert holding(None, None) == ()
    assert holding(15, None) == (Budget(15),)


def test_what_is_told_of_minutes_holds_beside_the_rule_for_the_day() -> None:
    told = Told(3, 1, timedelta(minutes=15), START + timedelta(minutes=9), START)
    assert holding(100, told) == (Budget(100), Budget(3, timedelta(minutes=15), 1, told.resets_at))
    taken = [START + timedelta(minutes=minute) for minute in (1, 2)]
    later = first_fit([(each, taken) for each in holding(100, told)], START + timedelta(minutes=3), START + DAY)
    assert later == START + timedelta(minutes=9)


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    async with Files.served() as served:
        yield served


@pytest.fixture
async def story(place: TestDatabase, database: Database, sandbox: Sandbox, files: Files) -> AsyncIterator[Story]:
    async with Story.told(place, database, sandbox, files) as told:
        yield told


async def budget_of(client: httpx.AsyncClient, account: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/connected-accounts/{account}/budget")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read(story: Story, client: httpx.AsyncClient, account: str, limit: int) -> None:
    """Let workers ask, each account once."""
    while await story.made.scheduling.budget_watch.ask_due():
        pass

    async def known() -> bool:
        return bool((await budget_of(client, account))["told_limit"] == limit)

    async with story.working():
        await eventually(known)


async def test_what_the_platform_tells_is_heeded_when_posts_are_planned(story: Story, files: Files) -> None:
    organization_id = new_id()
    client, side = story.client(organization_id), MetaSide(story, "instagram")
    await side.set_app(quota_total=2)
    account = await side.connect(client)
    await asyncio.gather(*(story.made.scheduling.budget_watch.ask_due() for _ in range(3)))
    await read(story, client, account, 2)
    assert await side.calls("/content_publishing_limit", "GET") == 1, "however many workers, one asks"
    at = story.now() + timedelta(days=3)
    body: dict[str, Any] = {
        "text": "x",
        "targets": [account],
        "content": {"media": [files.add("image")]},
        "publish_at": at.isoformat(),
    }
    answers = await asyncio.gather(*(client.post("/v1/posts", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 422, 422, 422, 422]
    refused = next(answer.json() for answer in answers if answer.status_code == 422)
    assert refused["errors"][0]["pointer"] == "#/publish_at"
    assert "2 posts within 24 hours" in refused["errors"][0]["detail"]
    (later,) = refused["suggestions"]
    assert datetime.fromisoformat(later) - at == timedelta(days=1)
    assert (await client.post("/v1/posts", json=body | {"publish_at": later})).status_code == 201
    early = (at - timedelta(hours=23)).isoformat()
    assert (await client.post("/v1/posts", json=body | {"publish_at": early})).status_code == 422
    assert (await client.post("/v1/posts", json=body | {"publish_at": None})).status_code == 201
    stranger = story.client(new_id())
    assert (await stranger.get(f"/v1/connected-accounts/{account}/budget")).status_code == 404


async def test_what_was_published_elsewhere_counts_and_a_silent_platform_goes_by_the_rules(
    story: Story, files: Files
) -> None:
    client, side = story.client(new_id()), MetaSide(story, "instagram")
    other = story.client(new_id())
    account, theirs = await side.connect(client), await side.connect(other)
    content = {"media": [files.add("image")]}
    async with story.working():
        await side.settles(other, await story.post(other, theirs, content=content), "published")
    await side.set_app(quota_total=1)
    await read(story, client, account, 1)
    stands = await budget_of(client, account)
    assert (stands["limit"], stands["elsewhere"], stands["used"], stands["left"]) == (1, 1, 0, 0)
    refused = await client.post(
        "/v1/posts", json={"text": "x", "targets": [account], "content": content, "publish_at": "now"}
    )
    assert "1 by what was published elsewhere" in refused.json()["errors"][0]["detail"]
    page = await story.connect(client)
    stands = await budget_of(client, page)
    assert (stands["limit"], stands["told_limit"], stands["left"]) == (100, None, 100)
