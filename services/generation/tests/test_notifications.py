"""OpenAI's webhook, through its door: what is believed, and that it hints and says nothing."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from generation.notifications.source import OpenAiSource
from kit.db.provision import with_database
from kit.http.app import create_app
from kit.ids import new_id
from kit.intake.intake import Intake
from kit.intake.model import Unreadable
from kit.intake.reducing import Reducer
from kit.intake.splitting import Splitter
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Mortal
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually

from .story import Story

SECRETS = ["whsec_" + base64.b64encode(each).decode() for each in (b"the one before", b"the one now")]
PATH = "/v1/webhooks/openai"
BATCHES = "/v1/generation/batches"


@dataclass
class Post:
    """The door, and by hand what stands behind it."""

    story: Story
    intake: Intake
    source: OpenAiSource
    client: httpx.AsyncClient

    async def send(self, event: dict[str, Any], *, secret: str = SECRETS[1], age: int = 0, **changed: str) -> int:
        body, at = json.dumps(event).encode(), str(int(self.story.database.clock.timestamp()) - age)
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signature = hmac.digest(key, f"wh_1.{at}.".encode() + body, "sha256")
        headers = {
            "webhook-id": "wh_1",
            "webhook-timestamp": at,
            "webhook-signature": f"v1,YW5vdGhlcg== v1,{base64.b64encode(signature).decode()}",
        }
        answer = await self.client.post(PATH, content=body, headers=headers | changed)
        return answer.status_code

    async def work(self) -> None:
        splitter = Splitter(self.story.database, self.story.keyring, self.source, lease=20)
        await splitter.register()
        await splitter.step()
        reducer = Reducer(self.story.database, self.story.keyring, self.source, lease=20)
        while await reducer.step():
            pass

    async def verdicts(self) -> list[str]:
        async with self.story.database.transaction() as tx:
            return [row["verdict"] for row in await tx.fetch("SELECT verdict FROM intake_items ORDER BY id")]


@pytest.fixture
async def story(place: TestDatabase, database: Mortal, sandbox: Sandbox) -> AsyncIterator[Story]:
    async with httpx.AsyncClient(base_url=sandbox.url, timeout=60, verify=False) as http:
        (await http.post("/control/reset")).raise_for_status()
    told = {"openai_url": f"{sandbox.url}/openai/v1", "openai_api_key": "sk-sandbox"}
    async with Story.told(place, database, **told) as told_story:
        yield told_story


@pytest.fixture
async def post(story: Story) -> AsyncIterator[Post]:
    source = OpenAiSource(SECRETS, story.database.clock)
    intake = Intake(story.database, [source], story.keyring)
    app = create_app(service="generation", title="Generation", mounts={PATH: intake.asgi("openai")})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://generation.test") as client:
        yield Post(story, intake, source, client)


def event(kind: str = "batch.completed", about: str = "batch_1") -> dict[str, Any]:
    return {"id": f"evt_{new_id().hex}", "object": "event", "created_at": 1, "type": kind, "data": {"id": about}}


async def test_only_what_openai_has_signed_lately_is_believed(post: Post) -> None:
    told = event()
    assert await post.send(told) == 200
    assert await post.send(event(), secret=SECRETS[0]) == 200
    for wrong in (
        {"secret": "whsec_" + base64.b64encode(b"a stranger's").decode()},
        {"age": 301},
        {"webhook-id": "wh_2"},
        {"webhook-timestamp": "0"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1a,AAAA"},
    ):
        assert await post.send(event(), **wrong) in {401, 403}


async def test_the_end_of_a_batch_has_it_looked_at_at_once_whatever_the_event_says_of_it(
    story: Story, post: Post
) -> None:
    client = story.client(new_id())
    batch = (await client.post(BATCHES, json={"items": [{"subject": "A shop", "platforms": ["x"]}]})).json()
    async with story.working():
        external_id = await submitted(story, batch["id"])
    await story.made.following.follow_due()
    assert await due(story, batch["id"]) is False
    told = event("batch.failed", external_id)
    for _ in range(2):
        assert await post.send(told) == 200
    assert await post.send(event("batch.completed", "batch_of_somebody_else")) == 200
    assert await post.send(event("response.completed", external_id)) == 200
    await post.work()
    assert await due(story, batch["id"]) is True
    assert set(await post.verdicts()) <= {"applied", "duplicate"}
    assert (await client.get(f"{BATCHES}/{batch['id']}")).json()["state"] == "submitted"


async def submitted(story: Story, batch_id: str) -> str:
    seen = ""

    async def there() -> bool:
        nonlocal seen
        row = await found(story, batch_id)
        seen = row["external_id"] or ""
        return bool(seen)

    await eventually(there, within=30)
    return seen


async def found(story: Story, batch_id: str) -> Any:
    admin = await asyncpg.connect(with_database(story.place.admin_url, story.place.name))
    try:
        return await admin.fetchrow(
            "SELECT external_id, look_at <= kit.kit_now() AS due FROM generation.batches WHERE id = $1::uuid",
            batch_id,
        )
    finally:
        await admin.close()


async def due(story: Story, batch_id: str) -> bool:
    return bool((await found(story, batch_id))["due"])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id":"evt_1","type":"batch.completed","data":{"id":7}}'])
async def test_what_is_no_event_of_openai_is_kept_for_a_person(post: Post, body: bytes) -> None:
    with pytest.raises(Unreadable):
        post.source.split(body)
