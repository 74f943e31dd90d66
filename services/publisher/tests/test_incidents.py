"""Failures that other publishing systems were reported to have, each replayed: here it cannot happen.

The numbers are those of the reports at github.com/gitroomhq/postiz-app, and of a pull request at
github.com/brightbeanxyz/brightbean-studio.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from contracts.publisher import PostFailed, PostPublished
from kit.db.database import Database
from kit.db.provision import with_database
from kit.http.etag import etag
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually

from .abroad import PUBLISHING, Side, Stored, applications
from .meta_side import Files, MetaSide
from .sides import PlatformSide
from .story import POSTING, Story

FEED = {"path": "/facebook/graph/v23.0/600001/feed", "method": "POST"}


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    async with Files.served() as served:
        yield served


@pytest.fixture
async def abroad(place: TestDatabase, database: Database, sandbox: Sandbox) -> AsyncIterator[Side]:
    """All platforms, with pictures and films in memory."""
    stored = Stored()
    async with Story.told(place, database, sandbox, media=stored, **applications(sandbox)) as story:
        yield Side(story, "x", stored)


async def administrator(story: Story, sql: str) -> None:
    admin = await asyncpg.connect(with_database(story.place.admin_url, story.place.name))
    try:
        await admin.execute(f"SET search_path = publisher, kit; {sql}")
    finally:
        await admin.close()


BREAK = """
    CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
    CREATE TRIGGER broken BEFORE UPDATE ON deliveries FOR EACH ROW WHEN (NEW.status = 'published')
        EXECUTE FUNCTION broken()
"""


@pytest.mark.parametrize(("name", "path"), [("facebook", "/feed"), ("threads", "/threads_publish")])
async def test_bookkeeping_that_fails_after_the_call_publishes_nothing_again(
    story: Story, name: str, path: str
) -> None:
    """1321: what followed a publication failed, and the publication was run again, without end.

    At Facebook the first call publishes, at Threads a later step.
    """
    client, side = story.client(new_id()), MetaSide(story, name)
    account = await side.connect(client)
    await administrator(story, BREAK)
    post = await story.post(client, account)
    async with story.working():

        async def sent() -> bool:
            await story.forward(seconds=1)
            return await side.calls(path) == 1

        await eventually(sent, within=60)
        await story.forward(seconds=70)
        await administrator(story, "DROP TRIGGER broken ON deliveries")
        await side.settles(client, post, "published")
    assert len(await side.live()) == 1
    assert await side.calls(path) == 1


@pytest.mark.parametrize("kind", ["error_after_effect", "drop_after_effect"])
async def test_what_goes_wrong_five_times_is_published_once(story: Story, kind: str) -> None:
    """1172: one message five times, since an error after the effect was tried again."""
    client, side = story.client(new_id()), MetaSide(story, "facebook")
    account = await side.connect(client)
    await side.fails({"kind": kind, "match": FEED, "times": 5})
    post = await story.post(client, account)
    async with story.working():
        await side.settles(client, post, "published")
    assert len(await side.live()) == 1
    assert await side.calls("/feed") == 1


async def test_a_post_that_no_worker_saw_in_time_leaves_when_one_comes_and_can_be_read_meanwhile(
    story: Story,
) -> None:
    """1724: posts stayed in the queue for ever, and one post could not be read."""
    client, side = story.client(new_id()), MetaSide(story, "threads")
    account = await side.connect(client)
    at = story.now().replace(microsecond=0)
    post = await story.post(client, account, publish_at={"local": f"{at:%Y-%m-%dT%H:%M:%S}", "zone": "UTC"})
    await story.forward(days=3)
    shown = await story.shown(client, post)
    assert (shown["status"], shown["deliveries"][0]["next_at"] is not None) == ("scheduled", True)
    async with story.working():
        await side.settles(client, post, "published")
    assert len(await side.live()) == 1


async def test_asking_twice_for_one_post_by_the_api_is_one_post(story: Story) -> None:
    """1724: whoever got no answer could not ask again without a second post."""
    client, side = story.client(new_id()), MetaSide(story, "threads")
    account = await side.connect(client)
    body = {"text": f"Bread {new_id()}", "targets": [account], "publish_at": "now"}
    answers = [
        await client.post("/v1/posts", json=body, headers={"idempotency-key": "one-and-the-same"}) for _ in range(3)
    ]
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    async with story.working():
        await side.settles(client, answers[0].json(), "published")
    assert len(await side.live()) == 1


@pytest.mark.timeout(300)  # answers come three seconds late, three times
@pytest.mark.parametrize("name", ["youtube", "tiktok", "instagram"])
async def test_a_time_out_while_the_platform_works_publishes_nothing_a_second_time(
    abroad: Side, files: Files, name: str
) -> None:
    """1813: the call that published also waited for processing, and its time-out was taken for a failure."""
    story, client = abroad.story, abroad.story.client(new_id())
    side: PlatformSide = MetaSide(story, name) if name == "instagram" else Side(story, name, abroad.stored)
    account = await connected(story, abroad.stored, client, name)
    await side.set_app(processing_seconds=3)
    path = {"path": "/instagram/graph/v23.0/", "method": "POST"} if name == "instagram" else PUBLISHING[name]
    await side.fails({"kind": "delay", "seconds": 3, "match": path, "times": 3})
    await story.line.wait_no_longer_than(1.0)
    media = files.add("video") if name == "instagram" else {"media_id": abroad.stored.film()}
    abroad.stored.items |= files.items
    options = {"privacy": "public"} if name == "tiktok" else {}
    post = await story.post(client, account, content={"media": [media], "title": "Bread", "options": options})
    async with story.working():
        done = await side.until(client, post, "published", "failed", "unconfirmed", step=2.0, within=120)
    assert done["status"] == "published", done["deliveries"]
    live = await side.seen({"youtube": "videos"}.get(name, "posts"))
    assert len(live) == 1


@pytest.mark.parametrize("name", ["x", "linkedin", "facebook"])
async def test_what_is_live_is_never_told_as_failed(abroad: Side, name: str) -> None:
    """1681: a post that was live was marked as failed, and its author published it again."""
    story, organization_id = abroad.story, new_id()
    client = story.client(organization_id)
    account = await connected(story, abroad.stored, client, name)
    path = {"x": PUBLISHING["x"], "linkedin": POSTING, "facebook": FEED}[name]
    side = PlatformSide(story, name)
    await side.fails({"kind": "error_after_effect", "status": 500, "match": path, "times": 1})
    post = await story.post(client, account)
    seen: set[str] = set()
    async with story.working():

        async def published() -> bool:
            shown = await story.shown(client, post)
            seen.update((shown["status"], *(each["status"] for each in shown["deliveries"])))
            await story.forward(seconds=2)
            return bool(shown["status"] == "published")

        await eventually(published, within=90)
    told = [type(each) for each in await story.told_of(organization_id)]
    assert "failed" not in seen
    assert (told.count(PostPublished), told.count(PostFailed)) == (1, 0)
    assert len(await side.seen("posts")) == 1


async def connected(story: Story, stored: Stored, client: httpx.AsyncClient, name: str) -> str:
    """An account of this platform."""
    if name == "linkedin":
        return await story.connect(client)
    if name in ("x", "youtube", "tiktok"):
        return await Side(story, name, stored).connect(client)
    return await MetaSide(story, name).connect(client)


@pytest.mark.timeout(300)  # four posts, each at its slot
async def test_what_is_published_stays_when_its_queue_is_changed(story: Story) -> None:
    """Brightbean 96: adding to a queue, or reordering it, gave posts that were live slots of the days to come."""
    client = story.client(new_id())
    page = await story.connect(client)
    slots = [{"day": day, "at": "09:00"} for day in ("monday", "tuesday", "wednesday")]
    queue = {"name": "Mornings", "zone": "Europe/Berlin", "slots": slots, "accounts": [page]}
    made = (await client.post("/v1/publishing/queues", json=queue)).json()
    path = f"/v1/publishing/queues/{made['id']}"
    first, second, third = [await story.post(client, page, publish_at={"queue": made["id"]}) for _ in range(3)]
    async with story.working():
        await until_slot(story, first)
        before = await story.until(client, first, "published")
        fourth = await story.post(client, page, publish_at={"queue": made["id"]})
        swapped = await client.post(f"{path}/arrange", json={"order": [third["id"], second["id"]]})
        assert swapped.json() == {"moved": 2}
        assert await story.shown(client, first) == before
        other = queue | {"slots": [{"day": "friday", "at": "18:00"}, {"day": "sunday", "at": "07:00"}]}
        changed = await client.put(path, json=other, headers={"if-match": etag(made["version"])})
        assert changed.status_code == 200, changed.text
        assert (await client.post(f"{path}/arrange", json={"close_gaps": True})).json() == {"moved": 3}
        for wrong in ({"order": [second["id"], first["id"]]}, {"push_back": first["id"]}):
            assert (await client.post(f"{path}/arrange", json=wrong)).status_code == 409
        assert await story.shown(client, first) == before
        for each in (third, second, fourth):
            await until_slot(story, await story.shown(client, each))
            await story.until(client, each, "published")
    assert await story.shown(client, first) == before
    assert len(await story.linkedin.live()) == 4


async def until_slot(story: Story, post: dict[str, Any]) -> None:
    """Its time has come."""
    left = datetime.fromisoformat(post["publish_at"]) - story.now()
    await story.forward(seconds=max(0.0, left.total_seconds()) + 1)


async def test_connecting_again_without_a_refresh_token_keeps_the_one_that_is_stored(story: Story) -> None:
    """1884: connecting an account anew brought no refresh token, and the stored one was gone."""
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.set_app(refresh_tokens=False)
    assert await story.connect(client) == account
    before = (await client.get(f"/v1/connected-accounts/{account}")).json()["version"]
    async with story.working():
        await story.forward(days=43)

        async def renewed() -> bool:
            shown = (await client.get(f"/v1/connected-accounts/{account}")).json()
            return bool(shown["version"] > before and shown["health"] == "connected")

        await eventually(renewed, within=60)
        await story.until(client, await story.post(client, account), "published")


async def test_a_renewal_without_a_refresh_token_keeps_the_one_that_is_stored(story: Story) -> None:
    """1884: an answer without a refresh token erased the stored one, and the account had to be connected again."""
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.set_app(refresh_tokens=False)
    seen: list[Any] = [(await client.get(f"/v1/connected-accounts/{account}")).json()["version"]]
    async with story.working():
        for _ in range(2):
            await story.forward(days=43)

            async def renewed() -> bool:
                shown = (await client.get(f"/v1/connected-accounts/{account}")).json()
                if shown["version"] > seen[-1] and shown["health"] == "connected":
                    seen.append(shown["version"])
                    return True
                return False

            await eventually(renewed, within=60)
