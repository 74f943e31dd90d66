"""Webhooks of X and TikTok: challenged, signed, and acted on once however often they come."""

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually

from .abroad import Side, Stored, applications
from .story import Story


@pytest.fixture
async def story(place: TestDatabase, database: Database, sandbox: Sandbox) -> AsyncIterator[Story]:
    async with Story.told(place, database, sandbox, Stored(), **applications(sandbox)) as told:
        yield told


def by_x(text: bytes, secret: str = "sandbox-x-consumer-secret") -> str:
    return "sha256=" + base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def by_tiktok(text: bytes, at: float | None = None) -> str:
    seconds = str(int(time.time() if at is None else at))
    signed = hmac.new(b"sandbox-tiktok-secret", seconds.encode() + b"." + text, hashlib.sha256).hexdigest()
    return f"t={seconds},s={signed}"


async def told(
    story: Story, platform: str, document: Any, *, times: int = 1, wrong: dict[str, str] | None = None
) -> httpx.Response:
    body = orjson.dumps(document)
    headers = {"x": {"x-twitter-webhooks-signature": by_x(body)}, "tiktok": {"tiktok-signature": by_tiktok(body)}}
    for _ in range(times):
        answer = await story.client(None).post(
            f"/v1/webhooks/{platform}", content=body, headers=headers[platform] | (wrong or {})
        )
    return answer


REVOKED = {
    "x": {"user_event": {"revoke": {"date_time": "2026-11-30T09:00:00+00:00", "source": {"user_id": "2000001"}}}},
    "tiktok": {"event": "authorization.removed", "create_time": 1764493200, "user_openid": "ann-open-id"},
}


async def test_the_challenge_of_x_is_answered_with_the_consumer_secret(story: Story) -> None:
    anybody = story.client(None)
    answer = await anybody.get("/v1/webhooks/x", params={"crc_token": "abc"})
    assert answer.json() == {"response_token": by_x(b"abc")}
    assert (await anybody.get("/v1/webhooks/x")).status_code == 403
    assert (await anybody.get("/v1/webhooks/tiktok")).status_code == 403


@pytest.mark.parametrize(
    ("platform", "wrong"),
    [
        ("x", {"x-twitter-webhooks-signature": by_x(b"other")}),
        ("x", {"x-twitter-webhooks-signature": ""}),
        ("tiktok", {"tiktok-signature": by_tiktok(b"other")}),
        ("tiktok", {"tiktok-signature": by_tiktok(orjson.dumps(REVOKED["tiktok"]), time.time() - 301)}),
    ],
)
async def test_what_is_not_signed_right_is_refused(story: Story, platform: str, wrong: dict[str, str]) -> None:
    answer = await told(story, platform, REVOKED[platform], wrong=wrong)
    assert answer.status_code in {401, 403}


@pytest.mark.parametrize("platform", ["x", "tiktok"])
async def test_a_permission_that_was_taken_back_asks_for_a_person_at_once_in_every_organization(
    story: Story, platform: str
) -> None:
    side = Side(story, platform, Stored())
    organizations = [new_id(), new_id()]
    clients, stranger = [story.client(each) for each in organizations], story.client(new_id())
    accounts = [await side.connect(client) for client in clients]
    untouched = await side.connect(stranger, {"x": "2000002", "tiktok": "bob-open-id"}[platform])
    await side.end_tokens(person={"x": "2000001", "tiktok": "ann-open-id"}[platform])
    assert (await told(story, platform, REVOKED[platform], times=2)).status_code == 200

    async def asks() -> bool:
        shown = [await healthy(client, each) for client, each in zip(clients, accounts, strict=True)]
        return shown == ["reconnect_needed", "reconnect_needed"]

    async with story.working():
        await eventually(asks, within=30)
    assert await healthy(stranger, untouched) == "connected"
    for organization_id in organizations:
        events = await story.told_of(organization_id)
        assert len([each for each in events if each.type == "publisher.account.health_changed.v1"]) == 1


async def healthy(client: httpx.AsyncClient, account_id: str) -> str:
    return str((await client.get(f"/v1/connected-accounts/{account_id}")).json()["health"])


async def test_a_permission_given_anew_outlives_the_notice_that_comes_late(story: Story) -> None:
    side = Side(story, "tiktok", Stored())
    client = story.client(new_id())
    account = await side.connect(client)
    await side.end_tokens(person="ann-open-id")
    assert await side.connect(client) == account
    await told(story, "tiktok", REVOKED["tiktok"], times=2)

    async def heard() -> bool:
        async with story.database.transaction() as tx:
            return [
                row["accounts"]
                for row in await tx.fetch("SELECT accounts FROM withdrawals WHERE done_at < kit_now()")
            ] == [1]

    async with story.working():
        await eventually(heard)
    assert await healthy(client, account) == "connected"


async def test_a_false_word_that_a_permission_ended_only_renews_it(story: Story) -> None:
    side = Side(story, "x", Stored())
    client = story.client(new_id())
    account = await side.connect(client)
    await told(story, "x", REVOKED["x"])

    async def renewed() -> bool:
        return len(await side.seen("tokens")) == 2

    async with story.working():
        await eventually(renewed)
    assert (await client.get(f"/v1/connected-accounts/{account}")).json()["health"] == "connected"


async def test_answers_to_a_post_are_counted_once(story: Story) -> None:
    side = Side(story, "x", Stored())
    organization_id = new_id()
    client = story.client(organization_id)
    account = await side.connect(client)
    post = await story.post(client, account)
    async with story.working():
        found = await story.until(client, post, "published")
        payload = {"referenced_tweets": [{"type": "replied_to", "id": found["deliveries"][0]["external_id"]}]}
        event = {"event_uuid": "1", "event_type": "post.reply.create", "filter": {"user_id": "2000001"}}
        await told(story, "x", {"data": {**event, "payload": payload}}, times=2)

        async def counted() -> bool:
            return any(each.type == "publisher.post.engaged.v1" for each in await story.told_of(organization_id))

        await eventually(counted)
    engaged = [each for each in await story.told_of(organization_id) if each.type == "publisher.post.engaged.v1"]
    assert [each.model_dump()["comments"] for each in engaged] == [1]
