"""X through the door: published once, looked for where an answer was lost, parked while tokens are dead."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually

from .abroad import PUBLISHING, TOKEN, Side, Stored, applications
from .story import Story

PIECES = "/x/api/2/media/upload/"


@pytest.fixture
async def x(place: TestDatabase, database: Database, sandbox: Sandbox) -> AsyncIterator[Side]:
    stored = Stored()
    async with Story.told(place, database, sandbox, media=stored, **applications(sandbox)) as story:
        yield Side(story, "x", stored)


async def test_an_account_is_connected_with_pkce_and_a_text_is_live_once(x: Side) -> None:
    client = x.story.client(new_id())
    account = await x.connect(client)
    shown = (await client.get(f"/v1/connected-accounts/{account}")).json()
    assert (shown["name"], shown["health"]) == ("@annexample", "connected")
    post = await x.story.post(client, account, text="Tom & Jerry", content={"link": "https://example.org/a?b=1&c=2"})
    async with x.story.working():
        found = await x.story.until(client, post, "published")
    (live,) = await x.seen("posts")
    assert live["written"] == "Tom & Jerry\n\nhttps://example.org/a?b=1&c=2"
    assert found["deliveries"][0]["url"] == f"https://x.com/i/status/{live['id']}"


async def test_another_person_cancels_and_nothing_is_connected(x: Side) -> None:
    client = x.story.client(new_id())
    answer = await client.get(await x.consent(client, deny="1"))
    assert answer.headers["location"].endswith("?problem=cancelled")


async def test_pictures_go_with_their_descriptions(x: Side) -> None:
    client = x.story.client(new_id())
    account = await x.connect(client)
    media = [{"media_id": x.stored.picture(), "alt": "A loaf"}, {"media_id": x.stored.picture()}]
    post = await x.story.post(client, account, content={"media": media, "options": {"ai_label": True}})
    async with x.story.working():
        await x.story.until(client, post, "published")
    (live,) = await x.seen("posts")
    assert [one["alt"] for one in live["media"]] == ["A loaf", ""]
    assert live["body"]["made_with_ai"] is True


async def test_a_film_is_sent_in_pieces_and_goes_on_after_a_lost_one(x: Side) -> None:
    client = x.story.client(new_id())
    account = await x.connect(client)
    await x.fails(
        {"kind": "refuse_before_effect", "status": 503, "match": {"path": PIECES, "method": "POST"}, "times": 3}
    )
    content = {"media": [{"media_id": x.stored.film(9_000_000)}]}
    post = await x.story.post(client, account, content=content)
    async with x.story.working():
        await x.until(client, post, "published")
    (live,) = await x.seen("posts")
    assert live["media"][0]["segments"] == {"0": 4_194_304, "1": 4_194_304, "2": 9_000_000 - 2 * 4_194_304}
    assert len(await x.seen("media")) == 1


async def test_a_film_that_x_cannot_process_is_explained(x: Side) -> None:
    await x.set_app(processing="fails", processing_seconds=0)
    client = x.story.client(new_id())
    account = await x.connect(client)
    post = await x.story.post(client, account, content={"media": [{"media_id": x.stored.film()}]})
    async with x.story.working():
        failed = await x.until(client, post, "failed")
    (delivery,) = failed["deliveries"]
    assert delivery["code"] == "processing-failed"
    assert delivery["reason"].startswith("X could not process the video: Unsupported video format.")
    assert await x.seen("posts") == []


@pytest.mark.parametrize("content", [{}, {"link": "https://example.org/?a=1"}, {"media": "picture"}])
async def test_a_lost_answer_is_looked_for_and_it_is_live_once(x: Side, content: dict[str, Any]) -> None:
    client = x.story.client(new_id())
    account = await x.connect(client)
    if "media" in content:
        content = {"media": [{"media_id": x.stored.picture()}]}
    await x.fails({"kind": "drop_after_effect", "match": PUBLISHING["x"], "times": 1})
    post = await x.story.post(client, account, text="Only <once>\n& no more", content=content)
    async with x.story.working():
        found = await x.until(client, post, "published", step=3.0)
    (live,) = await x.seen("posts")
    assert found["deliveries"][0]["external_id"] == live["id"]
    assert [each["outcome"] for each in found["deliveries"][0]["tried"]] == ["unanswered", "found"]


async def test_a_thread_and_a_first_comment_follow_each_as_an_answer(x: Side) -> None:
    client = x.story.client(new_id())
    account = await x.connect(client)
    content = {"kind": "thread", "parts": [{"text": "two"}, {"text": "three"}], "first_comment": "More below"}
    post = await x.story.post(client, account, text="one", content=content)

    async def all_live() -> bool:
        return len(await x.seen("posts")) == 4

    async with x.story.working():
        await x.until(client, post, "published")
        await eventually(all_live)
    live = {one["written"]: one for one in await x.seen("posts")}
    assert live["two"]["answers"] == live["one"]["id"] == live["More below"]["answers"]
    assert live["three"]["answers"] == live["two"]["id"]


async def test_the_same_text_again_is_refused_in_plain_words(x: Side) -> None:
    client = x.story.client(new_id())
    account = await x.connect(client)
    first = await x.story.post(client, account, text="same")
    async with x.story.working():
        await x.story.until(client, first, "published")
        failed = await x.story.until(client, await x.story.post(client, account, text="same"), "failed")
    assert failed["deliveries"][0]["code"] == "duplicate"
    assert len(await x.seen("posts")) == 1


async def test_a_dead_permission_parks_what_waits_and_it_leaves_once_reconnected(x: Side) -> None:
    client = x.story.client(new_id())
    account = await x.connect(client)
    await x.end_tokens()
    post = await x.story.post(client, account)
    async with x.story.working():
        await x.parks_and_leaves_once_reconnected(client, account, post)
    assert len(await x.seen("posts")) == 1


async def test_a_permission_that_ran_out_is_renewed_and_the_rotated_refresh_token_kept(x: Side) -> None:
    client = x.story.client(new_id())
    account = await x.connect(client)
    async with x.story.working():
        for _ in range(2):
            await x.end_tokens(state="expired", refreshable=True)
            await x.story.until(client, await x.story.post(client, account), "published")
    assert len(await x.seen("posts")) == 2
    renewals = [one for one in await x.seen("tokens") if one["refresh_token"]]
    assert len({one["access_token"] for one in renewals}) == 3


async def test_a_post_is_taken_down_also_when_the_answer_to_that_was_lost(x: Side) -> None:
    client = x.story.client(new_id())
    post = await x.story.post(client, await x.connect(client))

    async def gone() -> bool:
        await x.story.forward(seconds=5)
        return await x.seen("posts") == [] and len(await x.received("/2/tweets/", "DELETE")) == 2

    async with x.story.working():
        done = await x.until(client, post, "published")
        await x.fails(
            {"kind": "drop_after_effect", "match": {"path": "/x/api/2/tweets/", "method": "DELETE"}, "times": 1}
        )
        path = f"/v1/posts/{post['id']}/deliveries/{done['deliveries'][0]['id']}/take-down"
        assert (await client.post(path)).status_code == 202
        await eventually(gone)
    assert len(await x.seen("posts", deleted=True)) == 1


async def test_a_used_up_limit_waits_until_x_counts_anew(x: Side) -> None:
    await x.set_app(limits={"POST /2/tweets": 1})
    client = x.story.client(new_id())
    account = await x.connect(client)
    first = await x.story.post(client, account)
    second = await x.story.post(client, account)  # before X has told of its limit, so that it is accepted
    async with x.story.working():
        await x.story.until(client, first, "published")
        await x.put_off(client, second, "rate-limited")
        await x.set_app()
        await x.story.forward(seconds=901)
        await x.story.until(client, second, "published")
    assert len(await x.seen("posts")) == 2


async def test_the_token_endpoint_being_away_loses_nobody(x: Side) -> None:
    client = x.story.client(new_id())
    account = await x.connect(client)
    await x.end_tokens(state="expired", refreshable=True)
    await x.fails({"kind": "refuse_before_effect", "status": 503, "match": TOKEN["x"], "times": 1})
    post = await x.story.post(client, account)
    async with x.story.working():
        await x.until(client, post, "published", step=5.0)
    assert (await client.get(f"/v1/connected-accounts/{account}")).json()["health"] == "connected"
