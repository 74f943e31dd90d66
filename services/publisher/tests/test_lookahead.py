"""What will fail or wait within two weeks is told today, with the reason and what to do."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox

from .lives import rows
from .meta_side import Files, MetaSide
from .story import Story

PATH = "/v1/publishing/look-ahead"


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    async with Files.served() as served:
        yield served


@pytest.fixture
async def story(place: TestDatabase, database: Database, sandbox: Sandbox, files: Files) -> AsyncIterator[Story]:
    async with Story.told(place, database, sandbox, files) as told:
        yield told


async def foreseen(client: httpx.AsyncClient, **asked: Any) -> list[tuple[str, list[str]]]:
    answer = await client.get(PATH, params=asked)
    assert answer.status_code == 200, answer.text
    return [(each["post_id"], [one["code"] for one in each["troubles"]]) for each in answer.json()["items"]]


async def test_each_reason_is_told_and_what_is_well_is_not(story: Story, files: Files) -> None:
    client, side = story.client(new_id()), MetaSide(story, "instagram")
    page, account = await story.connect(client), await side.connect(client)
    at = {"publish_at": (story.now() + timedelta(days=3)).isoformat()}
    picture = files.add("image")
    post = await story.post(client, page, **at)
    shown = await story.post(client, account, content={"media": [picture]}, **at)
    late = await story.post(client, page, publish_at=(story.now() + timedelta(days=20)).isoformat())
    assert await foreseen(client) == []

    stopped = (await client.post("/v1/publishing/stops", json={"account_id": page, "reason": "a test"})).json()["id"]
    assert await foreseen(client) == [(post["id"], ["held"])]
    assert await foreseen(client, account=account) == []
    await client.post(f"/v1/publishing/stops/{stopped}/lift", json={})

    files.items.clear()
    assert await foreseen(client) == [(shown["id"], ["media-missing", "media.needed"])]
    assert (await client.delete(f"/v1/connected-accounts/{page}")).status_code == 200
    found = dict(await foreseen(client))
    assert found[post["id"]] == ["account-disconnected"]
    assert late["id"] not in found
    assert await foreseen(client, days=1) == []
    await rows(story, "UPDATE connected_accounts SET good_until = kit_now() + interval '2 days'")
    assert "permission-ends" in dict(await foreseen(client, account=account))[shown["id"]]
    await rows(
        story,
        "INSERT INTO account_budgets (account_id, organization_id, told_limit, window_seconds, told_at)"
        " SELECT id, organization_id, 0, 86400, kit_now() FROM connected_accounts ON CONFLICT (account_id)"
        " DO UPDATE SET told_limit = 0, window_seconds = 86400, told_at = kit_now()",
    )
    assert "over-budget" in dict(await foreseen(client, account=account))[shown["id"]]
    assert await foreseen(story.client(new_id())) == []


async def test_what_is_found_comes_page_by_page(story: Story) -> None:
    client = story.client(new_id())
    page = await story.connect(client)
    posts = [
        await story.post(client, page, publish_at=(story.now() + timedelta(hours=1 + number // 2)).isoformat())
        for number in range(5)
    ]
    assert (await client.delete(f"/v1/connected-accounts/{page}")).status_code == 200
    seen: list[str] = []
    cursor: str | None = None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        body = (await client.get(PATH, params=asked)).json()
        seen += [each["post_id"] for each in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert seen == [post["id"] for post in posts]
    assert (await client.get(PATH, params={"cursor": "x"})).status_code == 422
    assert (await client.get(PATH, params={"days": 15})).status_code == 422
