"""Facebook, Instagram and Threads: connecting, publishing and what goes wrong; each post is live at most once."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually
from postrules.limits import Platform
from publisher.platforms.base import Quota

from .meta_side import Files, MetaSide
from .story import Story

PLATFORMS = ("facebook", "instagram", "threads")
PUBLISHING = {
    "facebook": {"path": "/facebook/graph/v23.0/600001/feed", "method": "POST"},
    "instagram": {"path": "/instagram/graph/v23.0/17841400000000001/media_publish", "method": "POST"},
    "threads": {"path": "/threads/graph/v1.0/100001/threads_publish", "method": "POST"},
}


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    async with Files.served() as served:
        yield served


@pytest.fixture
async def story(place: TestDatabase, database: Database, sandbox: Sandbox, files: Files) -> AsyncIterator[Story]:
    async with Story.told(place, database, sandbox, files) as told:
        yield told


def said(name: str, files: Files, **content: Any) -> dict[str, Any]:
    """A post that the platform takes: Instagram wants a picture."""
    if name == "instagram" and "media" not in content:
        content["media"] = [files.add("image")]
    return {"content": content} if content else {}


@pytest.mark.parametrize("name", PLATFORMS)
async def test_text_pictures_and_a_video_are_live_once_each(story: Story, files: Files, name: str) -> None:
    client, side = story.client(new_id()), MetaSide(story, name)
    account = await side.connect(client)
    wanted: list[dict[str, Any]] = [
        {"media": [files.add("image")]},
        {"media": [files.add("image"), files.add("image")]},
        {"media": [files.add("video")]},
        {} if name != "instagram" else {"media": [files.add("image")], "kind": "story"},
    ]
    posts = [await story.post(client, account, content=content) for content in wanted]
    async with story.working():
        for post in posts:
            done = await side.settles(client, post, "published", "failed", "unconfirmed")
            assert done["status"] == "published", done["deliveries"]
            assert done["deliveries"][0]["external_id"]
    live = await side.live()
    assert len(live) == len(posts)
    assert {post["text"] for post in posts[:3]} <= {each["text"] for each in live}


@pytest.mark.parametrize("name", PLATFORMS)
async def test_a_post_whose_answer_was_lost_is_looked_for_and_live_once(
    story: Story, files: Files, name: str
) -> None:
    """The old failure: a call that may have published was repeated, or told as failed though it was live."""
    client, side = story.client(new_id()), MetaSide(story, name)
    account = await side.connect(client)
    await side.fails({"kind": "drop_after_effect", "match": PUBLISHING[name], "times": 1})
    post = await story.post(client, account, **said(name, files))
    async with story.working():
        done = await side.settles(client, post, "published", "failed", "unconfirmed")
    (live,) = await side.live()
    assert (done["status"], done["deliveries"][0]["external_id"]) == ("published", live["id"])
    assert await side.calls(PUBLISHING[name]["path"]) == 1


async def test_a_video_whose_id_was_lost_is_found_once_facebook_shows_it(story: Story, files: Files) -> None:
    client, side = story.client(new_id()), MetaSide(story, "facebook")
    account = await side.connect(client)
    await side.set_app(processing_seconds=3)
    videos = {"path": "/facebook/graph/v23.0/600001/videos", "method": "POST"}
    await side.fails({"kind": "drop_after_effect", "match": videos, "times": 1})
    post = await story.post(client, account, content={"media": [files.add("video")]})
    async with story.working():
        await side.settles(client, post, "published")
    assert len(await side.live()) == 1
    assert await side.calls("/videos") == 1


@pytest.mark.parametrize("name", PLATFORMS)
async def test_a_post_waits_for_dead_tokens_and_leaves_when_the_account_is_connected_again(
    story: Story, files: Files, name: str
) -> None:
    client, side = story.client(new_id()), MetaSide(story, name)
    account = await side.connect(client)
    await side.end_tokens()
    post = await story.post(client, account, **said(name, files))
    async with story.working():
        await side.parked(client, account, within=90)
        assert (await story.shown(client, post))["status"] == "scheduled"
        assert await side.live() == []
        assert await side.connect(client) == account
        await side.settles(client, post, "published")
    assert len(await side.live()) == 1


@pytest.mark.parametrize(("name", "code"), [("instagram", "2207026"), ("threads", "UNKNOWN"), ("facebook", "broken")])
async def test_a_video_that_cannot_be_processed_fails_with_a_reason_and_nothing_is_live(
    story: Story, files: Files, name: str, code: str
) -> None:
    client, side = story.client(new_id()), MetaSide(story, name)
    account = await side.connect(client)
    await side.set_app(processing_fails=code)
    post = await story.post(client, account, content={"media": [files.add("video")]})
    async with story.working():
        failed = await side.settles(client, post, "failed", "published", "unconfirmed")
    (delivery,) = failed["deliveries"]
    assert (failed["status"], await side.live()) == ("failed", [])
    assert delivery["reason"]
    assert delivery["code"] in ("video-format", "processing-failed")


async def test_what_takes_long_to_process_is_asked_for_and_published_once(story: Story, files: Files) -> None:
    """The old failure: waiting inside the call that publishes, whose time-out published it again."""
    client, side = story.client(new_id()), MetaSide(story, "instagram")
    account = await side.connect(client)
    await side.set_app(processing_seconds=3)
    post = await story.post(client, account, content={"media": [files.add("video")], "kind": "reel"})
    async with story.working():
        await side.settles(client, post, "processing", "published", step=0)
        await side.settles(client, post, "published", step=2.0)
    assert len(await side.live()) == 1
    assert await side.calls("/media") == 1
    assert await side.calls("/media_publish") == 1


@pytest.mark.parametrize("name", ["instagram", "threads"])
async def test_an_account_whose_quota_is_used_up_waits(story: Story, files: Files, name: str) -> None:
    client, side = story.client(new_id()), MetaSide(story, name)
    account = await side.connect(client)
    await side.set_app(quota_total=0)
    post = await story.post(client, account, **said(name, files))
    async with story.working():
        seen: dict[str, Any] = {}

        async def put_off() -> bool:
            seen.update((await story.shown(client, post))["deliveries"][0])
            if seen["code"] != "quota-used-up":
                await story.forward(seconds=2)
            return bool(seen["code"] == "quota-used-up")

        await eventually(put_off, within=60)
        assert (seen["status"], await side.live()) == ("processing", [])
        await side.set_app(quota_total=1)
        await side.settles(client, post, "published", step=1800.0)
    assert len(await side.live()) == 1


@pytest.mark.parametrize(("name", "external_id"), [("instagram", "17841400000000001"), ("threads", "100001")])
async def test_what_an_account_may_still_publish_is_read_from_the_platform(
    story: Story, files: Files, name: str, external_id: str
) -> None:
    client, side = story.client(new_id()), MetaSide(story, name)
    account = await side.connect(client)
    await side.set_app(quota_total=7)
    async with story.working():
        await side.settles(client, await story.post(client, account, **said(name, files)), "published")
    tokens = (await side.http.get(f"/{name}/control/tokens")).json()
    platform = story.made.posts.sending.platforms[Platform(name)]
    assert await platform.quota(external_id, tokens[-1]["access_token"]) == Quota(7, 1, 86_400.0)


async def test_what_facebook_takes_for_a_duplicate_is_refused_in_plain_words(story: Story) -> None:
    client, side = story.client(new_id()), MetaSide(story, "facebook")
    account = await side.connect(client)
    async with story.working():
        await side.settles(client, await story.post(client, account, text="same"), "published")
        failed = await side.settles(client, await story.post(client, account, text="same"), "failed")
    assert failed["deliveries"][0]["code"] == "duplicate"
    assert len(await side.live()) == 1


async def test_a_version_that_was_switched_off_holds_posts_back(story: Story) -> None:
    client, side = story.client(new_id()), MetaSide(story, "facebook")
    account = await side.connect(client)
    async with story.working():
        await side.settles(client, await story.post(client, account, text="before"), "published")
        await side.set_app(sunset=True)
        post = await story.post(client, account)

        async def held_back() -> bool:
            delivery = (await story.shown(client, post))["deliveries"][0]
            return bool(delivery["code"] == "api-version-sunset")

        await eventually(held_back, within=60)
        await side.set_app()
        await side.settles(client, post, "published", step=1800.0)
    assert len(await side.live()) == 2


async def test_a_post_shows_why_it_waits_where_another_effect_of_its_account_was_answered_so(story: Story) -> None:
    client, side = story.client(new_id()), MetaSide(story, "facebook")
    account = await side.connect(client)
    await side.set_app(sunset=True)
    async with story.working():

        async def parked() -> bool:
            return await side.calls("/subscribed_apps") == 1

        await eventually(parked, within=30)
        post = await story.post(client, account)

        async def told() -> bool:
            return bool((await story.shown(client, post))["deliveries"][0]["code"])

        await eventually(told, within=30)
        shown = (await story.shown(client, post))["deliveries"][0]
        listed = (await client.get("/v1/posts")).json()["items"][0]["deliveries"][0]
        assert shown["attempts"] == listed["attempts"] == 0
        for each in (shown, listed):
            assert each["code"] == "api-version-sunset"
            assert "version" in each["reason"]
            assert each["next_at"] > post["created_at"]
        await side.set_app()
        done = await side.settles(client, post, "published", step=1800.0)
    assert (done["deliveries"][0]["code"], done["deliveries"][0]["reason"]) == (None, None)


async def test_a_thread_and_its_first_comment_follow_in_order_once_it_is_live(story: Story) -> None:
    client, side = story.client(new_id()), MetaSide(story, "threads")
    account = await side.connect(client)
    content = {"parts": [{"text": "two"}, {"text": "three"}], "first_comment": "and a link"}
    await side.fails({"kind": "drop_after_effect", "match": PUBLISHING["threads"], "times": 2})
    post = await story.post(client, account, text="one", content=content)
    async with story.working():
        await side.settles(client, post, "published")

        async def followed() -> bool:
            await story.forward(seconds=6)
            steps = (await story.shown(client, post))["deliveries"][0]["steps"]
            return len(steps) == 3 and all(each["status"] == "done" for each in steps)

        await eventually(followed, within=90)
    live = {each["text"]: each for each in await side.live()}
    assert set(live) == {"one", "two", "three", "and a link"}
    assert live["two"]["reply_to"] == live["one"]["id"] == live["and a link"]["reply_to"]
    assert live["three"]["reply_to"] == live["two"]["id"]


async def test_a_post_is_taken_down_once_however_often_it_is_asked(story: Story) -> None:
    organization_id = new_id()
    client, side = story.client(organization_id), MetaSide(story, "facebook")
    account = await side.connect(client)
    post = await story.post(client, account, content={"first_comment": "hello"})
    async with story.working():
        done = await side.settles(client, post, "published")
        path = f"/v1/posts/{post['id']}/deliveries/{done['deliveries'][0]['id']}/take-down"
        for _ in range(2):
            assert (await client.post(path)).status_code == 202
        stranger = await story.client(new_id()).post(path)
        assert stranger.status_code == 404

        async def gone() -> bool:
            return await side.live() == []

        await eventually(gone, within=60)
    audited = [line.action for line in await story.audited(organization_id)]
    assert audited.count("publisher.post.taken_down") == 1


async def test_tokens_are_exchanged_for_long_ones_and_renewed(story: Story) -> None:
    for name in PLATFORMS:
        client, side = story.client(new_id()), MetaSide(story, name)
        account = await side.connect(client)
        shown = (await client.get(f"/v1/connected-accounts/{account}")).json()
        assert shown["good_until"] is not None, name
        before = shown["version"]
        await story.forward(days=43)
        async with story.working():

            async def renewed(
                client: httpx.AsyncClient = client, account: str = account, before: int = before
            ) -> bool:
                now = (await client.get(f"/v1/connected-accounts/{account}")).json()
                return bool(now["version"] > before and now["health"] == "connected")

            await eventually(renewed, within=60)


async def test_threads_has_no_pages_to_connect(story: Story) -> None:
    client = story.client(new_id())
    answer = await client.post("/v1/connected-accounts", json={"platform": "threads", "what": "organization"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/what"
