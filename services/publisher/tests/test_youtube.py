"""YouTube through the door: uploaded piece by piece, live once whatever is lost, explained where it fails."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually
from publisher.steps.repository import StepSweeper

from .abroad import PUBLISHING, Side, Stored, applications
from .story import Story

MIB = 1024 * 1024
PUTS = PUBLISHING["youtube"]


@pytest.fixture
async def youtube(place: TestDatabase, database: Database, sandbox: Sandbox) -> AsyncIterator[Side]:
    stored = Stored()
    async with Story.told(place, database, sandbox, media=stored, **applications(sandbox)) as story:
        yield Side(story, "youtube", stored)


async def film(
    side: Side, client: httpx.AsyncClient, account: str, size: int = 1000, **content: Any
) -> dict[str, Any]:
    media = [{"media_id": side.stored.film(size)}]
    return await side.story.post(client, account, content={"media": media, "title": "Bread", **content})


async def test_a_channel_is_connected_and_a_film_is_live_once_with_its_comment(youtube: Side) -> None:
    await youtube.set_app(audited=True)
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    assert (await client.get(f"/v1/connected-accounts/{account}")).json()["name"] == "Example Bakery"
    options = {"privacy": "unlisted", "ai_label": True, "tags": "bread, oven"}
    post = await film(youtube, client, account, options=options, first_comment="First")
    async with youtube.story.working():
        found = await youtube.until(client, post, "published")

        async def commented() -> bool:
            await youtube.story.forward(seconds=1)
            return bool((await youtube.seen("videos"))[0]["comments"])

        await eventually(commented)
    (live,) = await youtube.seen("videos")
    assert (live["title"], live["privacy"], live["comments"][0]["text"]) == ("Bread", "unlisted", "First")
    assert live["body"]["status"]["containsSyntheticMedia"] is True
    assert live["body"]["snippet"]["tags"] == ["bread", "oven"]
    assert found["deliveries"][0]["url"] == f"https://www.youtube.com/watch?v={live['id']}"


async def test_an_account_without_a_channel_is_told_so(youtube: Side) -> None:
    told = await youtube.come_back(youtube.story.client(new_id()), "bob")
    assert told == {"problem": ["no-page"]}


async def test_an_upload_goes_on_where_it_was_cut(youtube: Side) -> None:
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    await youtube.fails(
        {"kind": "drop_after_effect", "match": PUTS, "times": 1},
        {"kind": "refuse_before_effect", "status": 503, "match": PUTS, "times": 4},
    )
    post = await film(youtube, client, account, 20 * MIB)
    async with youtube.story.working():
        await youtube.until(client, post, "published", step=3.0)
    (live,) = await youtube.seen("videos")
    assert live["size"] == 20 * MIB
    begun = await youtube.http.get("/youtube/control/quota")
    assert begun.json()["calls"]["videos.insert"] == 1
    assert sum(offset == 0 for offset, _ in youtube.stored.reads) <= 2


async def test_a_lost_answer_to_the_last_piece_is_asked_for_and_it_is_live_once(youtube: Side) -> None:
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    await youtube.fails({"kind": "drop_after_effect", "match": PUTS, "times": 3})
    post = await film(youtube, client, account)
    async with youtube.story.working():
        found = await youtube.until(client, post, "published", step=3.0)
    (live,) = await youtube.seen("videos")
    assert found["deliveries"][0]["external_id"] == live["id"]


@pytest.mark.parametrize(
    ("processing", "reason", "words"),
    [("fails", "codec", "YouTube does not know its codec"), ("rejects", "duplicate", "this channel has this video")],
)
async def test_what_youtube_cannot_use_is_explained(youtube: Side, processing: str, reason: str, words: str) -> None:
    await youtube.set_app(processing=processing, reason=reason, processing_seconds=0)
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    async with youtube.story.working():
        failed = await youtube.until(client, await film(youtube, client, account), "failed")
    assert words in failed["deliveries"][0]["reason"]


async def test_used_up_uploads_wait_for_midnight_pacific_time(youtube: Side) -> None:
    await youtube.set_app(uploads_per_day=0)
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    post = await film(youtube, client, account)
    async with youtube.story.working():
        seen = await youtube.put_off(client, post, "quota-exceeded")
        next_at = datetime.fromisoformat(seen["next_at"])
        assert next_at.astimezone().minute in {0, 1, 2}
        assert timedelta(0) < next_at - youtube.story.now() <= timedelta(days=1, hours=1, minutes=2)
        await youtube.set_app()
        await youtube.story.forward(seconds=(next_at - youtube.story.now()).total_seconds() + 1)
        await youtube.until(client, post, "published")
    assert len(await youtube.seen("videos")) == 1


async def test_a_dead_permission_parks_the_film_and_it_leaves_once_reconnected(youtube: Side) -> None:
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    await youtube.end_tokens()
    post = await film(youtube, client, account)
    async with youtube.story.working():
        await youtube.parks_and_leaves_once_reconnected(client, account, post)
    assert len(await youtube.seen("videos")) == 1


async def test_renewing_brings_no_refresh_token_and_the_old_one_stays(youtube: Side) -> None:
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    async with youtube.story.working():
        for _ in range(2):
            await youtube.end_tokens(state="expired", refreshable=True)
            await youtube.until(client, await film(youtube, client, account), "published")
    assert len(await youtube.seen("videos")) == 2


async def test_a_text_alone_is_no_film(youtube: Side) -> None:
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    asked = {"text": "Bread", "targets": [account], "publish_at": "now", "content": {"title": "Bread"}}
    refused = await client.post("/v1/posts", json=asked)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/content/media")


async def cover_of(side: Side, client: httpx.AsyncClient, post: dict[str, Any]) -> dict[str, Any]:
    """The step that sets the cover, once it has ended."""
    found: dict[str, Any] = {}

    async def ended() -> bool:
        await side.story.forward(seconds=2)
        (delivery,) = (await side.story.shown(client, post))["deliveries"]
        found.update(next((step for step in delivery["steps"] if step["what"] == "cover"), {}))
        return found.get("status") in {"done", "failed"}

    await eventually(ended, within=60)
    return found


COVERING = {"path": "/youtube/api/upload/youtube/v3/thumbnails/set", "method": "POST"}


async def test_a_cover_is_set_once_the_film_is_live_though_an_answer_is_lost(youtube: Side) -> None:
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    await youtube.fails({"kind": "drop_after_effect", "match": COVERING, "times": 2})
    post = await film(youtube, client, account, cover=youtube.stored.picture())
    async with youtube.story.working():
        await youtube.until(client, post, "published")
        assert (await cover_of(youtube, client, post))["status"] == "done"
    (live,) = await youtube.seen("videos")
    assert live["thumbnail"] == 500
    (delivery,) = (await youtube.story.shown(client, post))["deliveries"]
    assert {"post", "processing", "finalize", "cover"} == {each["step"] for each in delivery["tried"]}


async def test_a_cover_that_is_not_taken_leaves_the_film_live_and_is_explained(youtube: Side) -> None:
    await youtube.set_app(verified=False)
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    post = await film(youtube, client, account, cover=youtube.stored.picture())
    async with youtube.story.working():
        await youtube.until(client, post, "published")
        step = await cover_of(youtube, client, post)
    assert (step["status"], step["code"]) == ("failed", "cover-forbidden")
    assert "verify it by telephone" in step["reason"]
    shown = await youtube.story.shown(client, post)
    assert (shown["status"], len(await youtube.seen("videos"))) == ("published", 1)


async def test_a_cover_must_be_there_and_a_picture_youtube_takes(youtube: Side) -> None:
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    for cover, rule in ((str(new_id()), None), (youtube.stored.document(), "cover.types")):
        content = {"media": [{"media_id": youtube.stored.film()}], "title": "Bread", "cover": cover}
        body = {"text": "x", "targets": [account], "publish_at": "now", "content": content}
        refused = await client.post("/v1/posts", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/content/cover")
        assert rule is None or refused.json()["findings"][0]["rule"] == rule


async def test_what_was_tried_of_every_step_is_known_for_as_long_as_the_ledger_knows_it(youtube: Side) -> None:
    client = youtube.story.client(new_id())
    account = await youtube.connect(client)
    post = await film(youtube, client, account)
    sweeper = StepSweeper(youtube.story.database)
    async with youtube.story.working():
        await youtube.until(client, post, "published")
        await youtube.story.forward(days=89)
        assert not await sweeper.sweep()
        assert await ended_steps(youtube, client) > 0
    await youtube.story.forward(days=2)
    assert not await sweeper.sweep()
    assert await ended_steps(youtube, client) == 0
    shown = await youtube.story.shown(client, post)
    assert (shown["status"], shown["deliveries"][0]["status"]) == ("published", "published")


async def ended_steps(side: Side, client: httpx.AsyncClient) -> int:
    async with side.story.database.transaction(client.auth.organization_id) as tx:  # type: ignore[union-attr]
        return int(await tx.fetchval("SELECT count(*) FROM delivery_steps WHERE status = 'ended' AND handle IS NULL"))
