"""LinkedIn tells of a page what it was asked to tell, and posting does not depend on it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.publisher import PostEngaged
from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.listening import Listener
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually
from publisher.notifications.kind import TIMING

from .story import Story

OURS = "urn:li:developerApplication:1000001"
PAGE = "urn:li:organization:5000001"
ACCOUNTS = "/v1/connected-accounts"
RESOURCE = {"path": "/linkedin/api/rest/eventSubscriptions"}
SUBSCRIBING = {**RESOURCE, "method": "PUT"}
ENDING = {**RESOURCE, "method": "DELETE"}


class Gateway:
    """Where LinkedIn meets the publisher: a real address before the application."""

    def __init__(self) -> None:
        self.story: Story | None = None
        self.listener = Listener(self._serve)
        self.url = f"http://127.0.0.1:{self.listener.open()}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        assert self.story is not None
        transport = httpx.ASGITransport(app=self.story.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://publisher.test") as client:
            answer = await client.request(method, target, content=body, headers=headers)
        head = (
            f"HTTP/1.1 {answer.status_code} X\r\ncontent-length: {len(answer.content)}\r\nconnection: close\r\n\r\n"
        )
        writer.write(head.encode() + answer.content)
        await writer.drain()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    opened = Gateway()
    yield opened
    await opened.listener.close()


@pytest.fixture
async def story(place: TestDatabase, database: Database, sandbox: Sandbox, gateway: Gateway) -> AsyncIterator[Story]:
    changed: dict[str, Any] = {"linkedin_application_urn": OURS, "public_url": gateway.url}
    async with Story.told(place, database, sandbox, **changed) as told:
        gateway.story = told
        yield told


async def account(client: httpx.AsyncClient, account_id: str) -> dict[str, Any]:
    answer = await client.get(f"{ACCOUNTS}/{account_id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def until(client: httpx.AsyncClient, account_id: str, notifications: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def there() -> bool:
        seen.update(await account(client, account_id))
        return bool(seen["notifications"] == notifications)

    await eventually(there, within=60.0)
    return seen


async def subscriptions(story: Story) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await story.linkedin.http.get("/linkedin/control/subscriptions")).json()
    return found


async def count(story: Story, method: str) -> int:
    received = (await story.linkedin.http.get("/control/linkedin/received", params={"limit": 200})).json()["items"]
    return len([each for each in received if "eventSubscriptions" in each["path"] and each["method"] == method])


async def engaged(story: Story, organization_id: UUID) -> list[PostEngaged]:
    return [event for event in await story.told_of(organization_id) if isinstance(event, PostEngaged)]


async def test_what_people_do_on_a_connected_page_reaches_us(story: Story, gateway: Gateway) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    async with story.working():
        account_id = await story.connect(client)
        shown = await until(client, account_id, "on")
        assert (shown["notifications_reason"], shown["health"]) == (None, "connected")
        webhook = f"{gateway.url}/v1/webhooks/linkedin"
        assert await subscriptions(story) == [{"user": "urn:li:person:ann", "entity": PAGE, "webhook": webhook}]
        post = await story.until(client, await story.post(client, account_id), "published")
        urn = post["deliveries"][0]["external_id"]
        action = {"person": "bob", "action": "LIKE"}
        (await story.linkedin.http.post(f"/linkedin/control/posts/{urn}/actions", json=action)).raise_for_status()

        async def told() -> bool:
            return [event.reactions for event in await engaged(story, organization_id)] == [1]

        await eventually(told, within=60.0)


async def test_a_member_has_no_notifications(story: Story) -> None:
    client = story.client(new_id())
    async with story.working():
        shown = await account(client, await story.connect(client, "member"))
    assert (shown["notifications"], shown["notifications_reason"]) == ("off", None)
    assert await count(story, "PUT") == 0


async def test_a_refusal_is_shown_and_posts_leave_all_the_same(story: Story) -> None:
    client = story.client(new_id())
    body = {"status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions to access"}
    refusal = {"kind": "refuse_before_effect", "status": 403, "body": body, "match": SUBSCRIBING}
    await story.linkedin.fails(refusal)
    async with story.working():
        account_id = await story.connect(client)
        shown = await until(client, account_id, "refused")
        assert (shown["health"], shown["reason"]) == ("connected", None)
        assert "Not enough permissions" in shown["notifications_reason"]
        await story.until(client, await story.post(client, account_id), "published")
        await story.linkedin.fails()
        assert await story.connect(client) == account_id
        assert (await until(client, account_id, "on"))["notifications_reason"] is None


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after_effect"},
        {"kind": "error_after_effect", "status": 500},
        {"kind": "refuse_before_effect", "status": 429, "headers": {"Retry-After": "1"}},
    ],
)
async def test_what_may_be_lost_is_asked_for_again(story: Story, fault: dict[str, Any]) -> None:
    client = story.client(new_id())
    await story.linkedin.fails({**fault, "match": SUBSCRIBING})
    async with story.working():
        account_id = await story.connect(client)
        await until(client, account_id, "waiting")
        post = await story.post(client, account_id)

        async def asked() -> bool:
            return await count(story, "PUT") > 0 and bool((await account(client, account_id))["notifications_reason"])

        await eventually(asked, within=60.0)
        await story.until(client, post, "published")
        assert (await account(client, account_id))["notifications"] == "waiting"
        await story.linkedin.fails()

        async def on() -> bool:
            await story.forward(seconds=2 * TIMING.backoff_first)
            return bool((await account(client, account_id))["notifications"] == "on")

        await eventually(on, within=60.0)
    assert len(await subscriptions(story)) == 1


async def test_an_address_that_linkedin_does_not_know_is_refused_with_the_reason(
    story: Story, gateway: Gateway
) -> None:
    await gateway.listener.close()
    client = story.client(new_id())
    async with story.working():
        shown = await until(client, await story.connect(client), "refused")
    assert "not registered" in shown["notifications_reason"]


async def test_of_two_wishes_the_newer_one_counts(story: Story) -> None:
    client = story.client(new_id())
    account_id = await story.connect(client)
    assert await story.connect(client) == account_id
    async with story.working():
        await until(client, account_id, "on")
        post = await story.post(client, account_id)
        await story.until(client, post, "published")
    assert await count(story, "PUT") == 1


async def test_dead_tokens_are_renewed_before_it_is_asked_again(story: Story) -> None:
    client = story.client(new_id())
    account_id = await story.connect(client)
    await story.linkedin.end_tokens(refreshable=True)
    async with story.working():
        shown = await until(client, account_id, "on")
    assert shown["health"] == "connected"


async def test_disconnecting_ends_the_subscription_before_the_tokens_are_forgotten(story: Story) -> None:
    client = story.client(new_id())
    async with story.working():
        account_id = await story.connect(client)
        await until(client, account_id, "on")
        assert (await client.delete(f"{ACCOUNTS}/{account_id}")).status_code == 200
        assert await subscriptions(story) == []
        assert await story.connect(client) == account_id
        await until(client, account_id, "on")
    assert len(await subscriptions(story)) == 1


@pytest.mark.parametrize("fault", [{"kind": "refuse_before_effect", "status": 500}, {"kind": "drop_after_effect"}])
async def test_an_end_that_fails_does_not_keep_anybody_from_disconnecting(
    story: Story, fault: dict[str, Any]
) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    async with story.working():
        account_id = await story.connect(client)
        await until(client, account_id, "on")
        await story.linkedin.fails({**fault, "match": ENDING})
        assert (await client.delete(f"{ACCOUNTS}/{account_id}")).status_code == 200
    assert await count(story, "DELETE") == 1
    async with story.database.transaction(organization_id) as tx:
        assert await tx.fetchval("SELECT access_token IS NULL AND refresh_token IS NULL FROM connected_accounts")


async def test_a_page_that_another_organization_needs_stays_subscribed(story: Story) -> None:
    ours, theirs = story.client(new_id()), story.client(new_id())
    async with story.working():
        mine, other = await story.connect(ours), await story.connect(theirs)
        await until(ours, mine, "on")
        await until(theirs, other, "on")
        assert (await ours.delete(f"{ACCOUNTS}/{mine}")).status_code == 200
        assert len(await subscriptions(story)) == 1
        assert (await theirs.delete(f"{ACCOUNTS}/{other}")).status_code == 200
        assert await subscriptions(story) == []


async def test_nobody_disconnects_the_pages_of_others(story: Story) -> None:
    ours, theirs = story.client(new_id()), story.client(new_id())
    async with story.working():
        mine = await story.connect(ours)
        await until(ours, mine, "on")
        assert (await theirs.delete(f"{ACCOUNTS}/{mine}")).status_code == 404
    assert len(await subscriptions(story)) == 1
    assert (await account(ours, mine))["notifications"] == "on"


async def test_without_our_applications_name_nothing_is_asked_for(
    place: TestDatabase, database: Database, sandbox: Sandbox
) -> None:
    async with Story.told(place, database, sandbox) as story, story.working():
        client = story.client(new_id())
        shown = await account(client, await story.connect(client))
        assert shown["notifications"] == "off"
        assert await count(story, "PUT") == 0
