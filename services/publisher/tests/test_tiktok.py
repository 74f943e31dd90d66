"""TikTok through the door: sent in chunks or fetched, live once, explained where it fails."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually

from .abroad import PUBLISHING, Side, Stored, applications
from .story import Story

MIB = 1024 * 1024
CHUNKS = PUBLISHING["tiktok"]
INIT = {"path": "/tiktok/api/v2/post/publish/video/init/", "method": "POST"}
PHOTOS = {"path": "/tiktok/api/v2/post/publish/content/init/", "method": "POST"}
STATUS = {"path": "/tiktok/api/v2/post/publish/status/fetch/", "method": "POST"}


@pytest.fixture
async def tiktok(place: TestDatabase, database: Database, sandbox: Sandbox) -> AsyncIterator[Side]:
    stored = Stored()
    async with Story.told(place, database, sandbox, media=stored, **applications(sandbox)) as story:
        yield Side(story, "tiktok", stored)


async def film(
    side: Side, client: httpx.AsyncClient, account: str, size: int = 1000, **content: Any
) -> dict[str, Any]:
    media, options = [{"media_id": side.stored.film(size)}], {"privacy": "public", **content.pop("options", {})}
    return await side.story.post(
        client, account, text="Bread", content={"media": media, "options": options, **content}
    )


PUBLIC = {"privacy": "public"}


async def live(side: Side) -> list[dict[str, Any]]:
    return await side.seen("posts", live=True)


async def test_a_creator_is_connected_and_a_film_is_live_once_under_its_late_id(tiktok: Side) -> None:
    await tiktok.set_app(moderation_seconds=0.5)
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    assert (await client.get(f"/v1/connected-accounts/{account}")).json()["name"] == "Ann Example"
    post = await film(tiktok, client, account, 12 * MIB, options={"disable_duet": True})
    async with tiktok.story.working():
        found = await tiktok.until(client, post, "published")
    (one,) = await live(tiktok)
    assert (one["title"], one["privacy"], one["size"]) == ("Bread", "PUBLIC_TO_EVERYONE", 12 * MIB)
    assert one["body"]["post_info"]["disable_duet"] is True
    assert found["deliveries"][0]["external_id"] in {one["post_id"], one["publish_id"]}


async def test_photos_are_fetched_from_us(tiktok: Side, sandbox: Sandbox) -> None:
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    media = [{"media_id": tiktok.stored.picture(f"{sandbox.url}/livez")} for _ in range(2)]
    post = await tiktok.story.post(
        client, account, content={"kind": "carousel", "media": media, "title": "Two", "options": PUBLIC}
    )
    async with tiktok.story.working():
        await tiktok.until(client, post, "published")
    (one,) = await live(tiktok)
    assert (one["title"], len(one["pulled"])) == ("Two", 2)


async def test_photos_that_cannot_be_fetched_are_explained(tiktok: Side) -> None:
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    media = [{"media_id": tiktok.stored.picture("http://127.0.0.1:1/1.jpg")}]
    async with tiktok.story.working():
        post = await tiktok.story.post(client, account, content={"media": media, "options": PUBLIC})
        failed = await tiktok.until(client, post, "failed")
    assert failed["deliveries"][0]["reason"] == "TikTok did not publish it: TikTok could not fetch a photo from us."


@pytest.mark.parametrize("times", [1, 2])
async def test_lost_answers_to_chunks_are_asked_for_and_it_is_live_once(tiktok: Side, times: int) -> None:
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    await tiktok.fails({"kind": "drop_after_effect", "match": CHUNKS, "times": times})
    post = await film(tiktok, client, account, 25 * MIB)
    async with tiktok.story.working():
        await tiktok.until(client, post, "published", step=3.0)
    (one,) = await live(tiktok)
    assert one["size"] == 25 * MIB
    assert len(await tiktok.seen("posts")) == 1


async def test_a_last_chunk_of_which_nobody_knows_is_looked_for(tiktok: Side) -> None:
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    await tiktok.fails(
        {"kind": "drop_after_effect", "match": CHUNKS, "times": 1},
        {"kind": "refuse_before_effect", "status": 503, "match": STATUS, "times": 1},
    )
    post = await film(tiktok, client, account)
    async with tiktok.story.working():
        found = await tiktok.until(client, post, "published", step=3.0)
    assert len(await live(tiktok)) == 1
    assert found["deliveries"][0]["external_id"]


async def test_a_lost_announcement_is_made_again_for_nothing_was_sent(tiktok: Side) -> None:
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    await tiktok.fails({"kind": "drop_after_effect", "match": INIT, "times": 1})
    post = await film(tiktok, client, account)
    async with tiktok.story.working():
        await tiktok.until(client, post, "published", step=3.0)
    assert len(await live(tiktok)) == 1


async def test_photos_whose_answer_was_lost_are_never_asked_for_again(tiktok: Side, sandbox: Sandbox) -> None:
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    await tiktok.fails({"kind": "drop_after_effect", "match": PHOTOS, "times": 1})
    media = [{"media_id": tiktok.stored.picture(f"{sandbox.url}/livez")}]
    post = await tiktok.story.post(client, account, content={"media": media, "options": PUBLIC})
    async with tiktok.story.working():
        await tiktok.until(client, post, "unconfirmed", step=120.0)
    assert len(await tiktok.seen("posts")) == 1


async def test_what_tiktok_cannot_use_is_explained(tiktok: Side) -> None:
    await tiktok.set_app(processing="fails", reason="frame_rate_check_failed", processing_seconds=0)
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    async with tiktok.story.working():
        failed = await tiktok.until(client, await film(tiktok, client, account), "failed")
    (delivery,) = failed["deliveries"]
    assert (delivery["code"], delivery["reason"]) == (
        "processing-failed",
        "TikTok did not publish it: TikTok wants 23 to 60 frames a second.",
    )


@pytest.mark.parametrize(
    ("person", "app", "code"),
    [
        ("bob-open-id", {}, "privacy-not-offered"),
        ("ann-open-id", {"audited": False}, "unaudited"),
    ],
)
async def test_what_the_creator_or_tiktok_does_not_allow_is_refused(
    tiktok: Side, person: str, app: dict[str, Any], code: str
) -> None:
    await tiktok.set_app(**app)
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client, person)
    async with tiktok.story.working():
        failed = await tiktok.until(client, await film(tiktok, client, account), "failed")
    assert failed["deliveries"][0]["code"] == code


async def test_a_film_longer_than_the_creator_may_post_is_refused_before_it_is_sent(tiktok: Side) -> None:
    ann = {"id": "ann-open-id", "longest_video": 60}
    (await tiktok.http.post("/tiktok/control/people", json=ann)).raise_for_status()
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    media = [{"media_id": tiktok.stored.film(seconds=61)}]
    async with tiktok.story.working():
        failed = await tiktok.until(
            client, await tiktok.story.post(client, account, content={"media": media, "options": PUBLIC}), "failed"
        )
    assert failed["deliveries"][0]["reason"].startswith("This TikTok account may post videos of at most 60 seconds")


async def test_what_tiktok_says_a_creator_may_choose_is_heeded_when_posts_are_planned(tiktok: Side) -> None:
    ann = {"id": "ann-open-id", "longest_video": 60}
    (await tiktok.http.post("/tiktok/control/people", json=ann)).raise_for_status()
    client, other = tiktok.story.client(new_id()), tiktok.story.client(new_id())
    account, theirs = await tiktok.connect(client), await tiktok.connect(other, "bob-open-id")
    long = {"media": [{"media_id": tiktok.stored.film(seconds=61)}], "options": PUBLIC}
    short = long | {"media": [{"media_id": tiktok.stored.film(seconds=59)}]}
    while await tiktok.story.made.scheduling.budget_watch.ask_due():
        pass

    async def refused(by: httpx.AsyncClient, of: str, content: dict[str, Any]) -> list[tuple[str, str]]:
        body = {"text": "Bread", "targets": [of], "content": content}
        (shown,) = (await by.post("/v1/posts/preview", json=body)).json()["previews"]
        return [(each["rule"], each["pointer"]) for each in shown["findings"] if each["blocks"]]

    async with tiktok.story.working():
        await eventually(lambda: refused(client, account, long), within=60)
        await eventually(lambda: refused(other, theirs, short), within=60)
    assert await refused(client, account, long) == [("video.seconds.max", "#/content/media/0")]
    assert await refused(other, theirs, short) == [("privacy", "#/content/options/privacy")]
    assert await refused(client, account, short) == []
    body = {"text": "Bread", "targets": [account], "content": long, "publish_at": "now"}
    answer = await client.post("/v1/posts", json=body)
    assert (answer.status_code, answer.json()["findings"][0]["limit"]) == (422, 60)


async def test_the_days_posts_being_used_up_holds_the_account(tiktok: Side) -> None:
    await tiktok.set_app(posts_per_day=0)
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    post = await film(tiktok, client, account)

    async with tiktok.story.working():
        await tiktok.put_off(client, post, "daily-limit")
        await tiktok.set_app()
        await tiktok.story.forward(hours=6, seconds=5)
        await tiktok.until(client, post, "published")
    assert len(await live(tiktok)) == 1


async def test_a_dead_permission_parks_the_film_and_it_leaves_once_reconnected(tiktok: Side) -> None:
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    await tiktok.end_tokens()
    post = await film(tiktok, client, account)
    async with tiktok.story.working():
        await tiktok.parks_and_leaves_once_reconnected(client, account, post)
    assert len(await live(tiktok)) == 1


async def test_the_rotated_refresh_token_is_kept(tiktok: Side) -> None:
    client = tiktok.story.client(new_id())
    account = await tiktok.connect(client)
    async with tiktok.story.working():
        for _ in range(2):
            await tiktok.end_tokens(state="expired", refreshable=True)
            await tiktok.until(client, await film(tiktok, client, account), "published")
    assert len(await live(tiktok)) == 2
