"""A stop also holds what comes after the first call: pieces of films, parts of threads, comments, covers …"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually

from .abroad import PUBLISHING, Side, Stored, applications
from .sides import PlatformSide
from .story import Story
from .test_stops import lift, stop

SAID = "Publishing is stopped: A wrong price."


@dataclass(frozen=True)
class Case:
    """A step that cannot be made yet, and where it is seen that it was."""

    platform: str
    step: str
    path: str
    method: str = "POST"


CASES = (
    Case("linkedin", "comment", "/linkedin/api/rest/socialActions"),
    Case("linkedin", "removal", "/linkedin/api/rest/posts/", "DELETE"),
    Case("x", "part", "/x/api/2/media/upload"),
    Case("youtube", "finalize", PUBLISHING["youtube"]["path"], "PUT"),
    Case("youtube", "cover", "/youtube/api/upload/youtube/v3/thumbnails/set"),
)


@pytest.fixture
async def stored() -> Stored:
    return Stored()


@pytest.fixture
async def story(place: TestDatabase, database: Database, sandbox: Sandbox, stored: Stored) -> AsyncIterator[Story]:
    async with Story.told(place, database, sandbox, media=stored, **applications(sandbox)) as told:
        yield told


def content_of(case: Case, stored: Stored) -> dict[str, Any]:
    match case.step:
        case "comment":
            return {"first_comment": "More below"}
        case "part":
            return {"parts": [{"text": "and then", "media": [{"media_id": stored.picture()}]}]}
        case "finalize" | "cover":
            cover = {"cover": stored.picture()} if case.step == "cover" else {}
            return {"media": [{"media_id": stored.film()}], "title": "Bread", **cover}
    return {}


async def step_of(story: Story, client: Any, post: dict[str, Any], case: Case) -> dict[str, Any]:
    """What is shown of the step; of pieces of a film, the delivery."""
    (delivery,) = (await story.shown(client, post))["deliveries"]
    if case.step == "finalize":
        return dict(delivery)
    return dict(next((each for each in delivery["steps"] if each["what"] == case.step), {}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.step)
async def test_a_stop_holds_every_step_that_was_not_made_yet_and_says_why(
    story: Story, stored: Stored, case: Case
) -> None:
    client, side = story.client(new_id()), Side(story, case.platform, stored)
    account = await (story.connect(client) if case.platform == "linkedin" else side.connect(client))
    match = {"path": case.path, "method": case.method}
    await side.fails({"kind": "refuse_before_effect", "status": 503, "match": match})
    post = await story.post(client, account, content=content_of(case, stored))
    async with story.working():
        if case.step == "removal":
            await side.until(client, post, "published")
            (delivery,) = (await story.shown(client, post))["deliveries"]
            asked = await client.post(f"/v1/posts/{post['id']}/deliveries/{delivery['id']}/take-down")
            assert asked.status_code == 202, asked.text

        async def begun() -> bool:
            await story.forward(seconds=1)
            return bool(await side.received(case.path, case.method))

        await eventually(begun, within=60)
    stopped = await stop(client)
    await side.fails()
    before = len(await changing(side, case))
    async with story.working():
        await story.forward(hours=2)
        await others_publish(story)

        async def told() -> bool:
            await story.forward(minutes=5)  # what may have happened is looked for first
            shown = await step_of(story, client, post, case)
            return (shown["reason"], shown["next_at"] is not None) == (SAID, True)

        await eventually(told, within=60)
        assert len(await changing(side, case)) == before
        await lift(client, stopped)

        async def done() -> bool:
            await story.forward(seconds=2)
            return bool((await step_of(story, client, post, case))["status"] in {"done", "published"})

        await eventually(done, within=60)


async def changing(side: Side, case: Case) -> list[dict[str, Any]]:
    """The calls that change something: those by which an upload is asked how far it is do not."""
    calls = await side.received(case.path, case.method)
    return [each for each in calls if not each["headers"].get("content-range", "").startswith("bytes */")]


async def others_publish(story: Story) -> None:
    """Another organization's post leaves meanwhile: the workers work."""
    client = story.client(new_id())
    account = await story.connect(client, "member", "bob")
    await PlatformSide(story, "linkedin").until(client, await story.post(client, account), "published")


async def test_a_step_tells_that_its_account_was_asked_to_slow_down(story: Story, stored: Stored) -> None:
    """What another call of the account was answered parks its lane, and a comment that waits for it says so."""
    client, side = story.client(new_id()), Side(story, "youtube", stored)
    account = await side.connect(client)
    body = {"error": {"code": 403, "message": "slow", "errors": [{"reason": "rateLimitExceeded", "message": "slow"}]}}
    match = {"path": "/youtube/api/youtube/v3/commentThreads", "method": "POST"}
    await side.fails({"kind": "refuse_before_effect", "status": 403, "body": body, "match": match, "times": 1})
    content = {"media": [{"media_id": stored.film()}], "title": "Bread", "first_comment": "More below"}
    post = await story.post(client, account, content=content)
    async with story.working():
        await side.until(client, post, "published")
        seen: dict[str, Any] = {}

        async def parked() -> bool:
            seen.update(await step_of(story, client, post, Case("youtube", "comment", "")))
            return seen.get("code") == "rate-limited"

        await eventually(parked)
        assert (seen["reason"], seen["next_at"] is not None) == ("YouTube asks us to slow down.", True)
        await story.forward(seconds=61)

        async def commented() -> bool:
            await story.forward(seconds=1)
            return bool((await step_of(story, client, post, Case("youtube", "comment", "")))["status"] == "done")

        await eventually(commented, within=60)
