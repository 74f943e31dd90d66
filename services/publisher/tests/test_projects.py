"""What a platform takes of our whole application is counted over all organizations, and known to every worker."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually

from .abroad import Side, Stored, applications
from .story import Story

PACIFIC = ZoneInfo("America/Los_Angeles")
CHANNELS = {"ann": "UCsandbox000000000000001", "eve": "UCsandbox000000000000002", "kim": "UCsandbox000000000000003"}


@pytest.fixture
async def youtube(place: TestDatabase, database: Database, sandbox: Sandbox) -> AsyncIterator[Side]:
    stored, changed = Stored(), applications(sandbox) | {"youtube_uploads_a_day": 2}
    async with Story.told(place, database, sandbox, media=stored, **changed) as story:
        side = Side(story, "youtube", stored)
        for person, channel in CHANNELS.items():
            body = {"id": person, "name": person, "channel": channel}
            (await side.http.post("/youtube/control/people", json=body)).raise_for_status()
        yield side


@pytest.fixture
async def x(place: TestDatabase, database: Database, sandbox: Sandbox) -> AsyncIterator[Side]:
    stored = Stored()
    async with Story.told(place, database, sandbox, media=stored, **applications(sandbox)) as story:
        yield Side(story, "x", stored)


async def schedules(side: Side, client: httpx.AsyncClient, account: str, at: datetime | str) -> httpx.Response:
    content = {"media": [{"media_id": side.stored.film()}], "title": "Bread"}
    when = at if isinstance(at, str) else at.isoformat()
    body = {"text": f"Bread {new_id()}", "targets": [account], "content": content, "publish_at": when}
    return await client.post("/v1/posts", json=body)


async def calls(side: Side) -> int:
    """How many uploads were begun at YouTube."""
    told = (await side.http.get("/youtube/control/quota")).json()
    return int(told["calls"].get("videos.insert", 0))


async def test_uploads_of_a_day_are_counted_over_all_organizations_who_learn_nothing_of_each_other(
    youtube: Side,
) -> None:
    ours, theirs = youtube.story.client(new_id()), youtube.story.client(new_id())
    account, other = await youtube.connect(ours, "ann"), await youtube.connect(theirs, "eve")
    day = (youtube.story.now() + timedelta(days=3)).astimezone(PACIFIC).date()
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=PACIFIC)
    late = noon + timedelta(hours=11, minutes=59)
    answers = await asyncio.gather(
        *(schedules(youtube, ours, account, noon + timedelta(minutes=each)) for each in range(2)),
        *(schedules(youtube, theirs, other, late - timedelta(minutes=each)) for each in range(2)),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 422, 422]
    refused = next(answer for answer in answers if answer.status_code == 422).json()
    assert refused["errors"][0]["pointer"] == "#/publish_at"
    assert "of our application" in refused["errors"][0]["detail"]
    (later,) = refused["suggestions"]
    next_day = datetime.fromisoformat(later).astimezone(PACIFIC)
    assert (next_day.date(), next_day.hour) == (day + timedelta(days=1), 0)
    assert (await schedules(youtube, theirs, other, later)).status_code == 201
    post = next(answer for answer in answers if answer.status_code == 201).json()
    owner = ours if post["deliveries"][0]["account_id"] == account else theirs
    assert (await owner.post(f"/v1/posts/{post['id']}/cancel")).status_code == 200
    assert (await schedules(youtube, theirs, other, noon)).status_code == 201
    assert (await schedules(youtube, ours, account, noon)).status_code == 422


async def test_that_uploads_are_used_up_is_known_to_all_who_work_and_plan(youtube: Side) -> None:
    """YouTube has said so to one account: no other is asked for, whatever process works, until it counts anew."""
    await youtube.set_app(uploads_per_day=0)
    clients = [youtube.story.client(new_id()) for _ in range(3)]
    accounts = [await youtube.connect(client, person) for client, person in zip(clients, CHANNELS, strict=True)]
    first = (await schedules(youtube, clients[0], accounts[0], "now")).json()
    async with youtube.story.working():
        await youtube.put_off(clients[0], first, "quota-exceeded")
    asked = await calls(youtube)
    refused = await schedules(youtube, clients[1], accounts[1], "now")
    assert (refused.status_code, len(refused.json()["suggestions"])) == (422, 1)
    until = datetime.fromisoformat(refused.json()["suggestions"][0])
    assert timedelta(0) < until - youtube.story.now() < timedelta(days=1, hours=2)
    at = youtube.story.now() + timedelta(days=2)
    waiting = (await schedules(youtube, clients[2], accounts[2], at)).json()
    await youtube.story.forward(seconds=(until - youtube.story.now()).total_seconds() + 1)
    async with youtube.story.working():
        await youtube.put_off(clients[0], first, "quota-exceeded")

        async def asked_again() -> bool:
            return await calls(youtube) > asked

        await eventually(asked_again, within=60)
    asked = await calls(youtube)
    await due_now(youtube, clients[2], waiting)
    async with youtube.story.working():
        seen = await youtube.put_off(clients[2], waiting, "quota-exceeded")
    assert await calls(youtube) == asked, "nobody asks once one was told"
    assert seen["reason"].startswith("The platform takes no more posts of our application")


async def due_now(side: Side, client: httpx.AsyncClient, post: dict[str, Any]) -> None:
    """A post that was planned before is due while the platform takes nothing more."""
    from uuid import UUID

    async with side.story.database.transaction(client.auth.organization_id) as tx:  # type: ignore[union-attr]
        delivery = UUID(post["deliveries"][0]["id"])
        await side.story.made.ledger.reschedule(tx, "publisher.delivery", {delivery: side.story.now()})


async def test_what_x_says_with_a_post_holds_for_whoever_plans_the_next(x: Side) -> None:
    await x.set_app(limits={"POST /2/tweets": 3})
    client, stranger = x.story.client(new_id()), x.story.client(new_id())
    account = await x.connect(client)
    async with x.story.working():
        await x.story.until(client, await x.story.post(client, account), "published")
    told = (await client.get(f"/v1/connected-accounts/{account}/budget")).json()
    assert (told["limit"], told["told_limit"], told["window_hours"], told["left"]) == (3, 3, 0.25, 2)
    at = x.story.now() + timedelta(seconds=30)
    body = {"targets": [account], "publish_at": at.isoformat()}
    answers = [await client.post("/v1/posts", json=body | {"text": f"Bread {each}"}) for each in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 422]
    refused = answers[-1].json()
    assert "3 posts within 15 minutes" in refused["errors"][0]["detail"]
    (later,) = refused["suggestions"]
    assert timedelta(minutes=14) < datetime.fromisoformat(later) - x.story.now() <= timedelta(minutes=15)
    assert (await stranger.get(f"/v1/connected-accounts/{account}/budget")).status_code == 404
