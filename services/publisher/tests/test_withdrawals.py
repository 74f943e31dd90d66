"""Somebody takes a permission back at Meta, or wants their data deleted; and what people do there is counted."""

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest

from contracts.publisher import AccountHealthChanged, PostEngaged
from kit.ids import new_id
from kit.testing.programs import eventually
from postrules.limits import Platform
from publisher.withdrawals.model import Wish, Withdrawal

from .meta_side import MetaSide
from .story import Story
from .test_incidents import administrator

DEAUTHORIZE, DELETE = "/v1/webhooks/meta-deauthorize", "/v1/webhooks/meta-data-deletion"
FORM = {"content-type": "application/x-www-form-urlencoded"}


EVE = "100003"
SOME = Withdrawal(new_id(), Platform.FACEBOOK, Wish.DELETE, bytes(32), datetime(2026, 12, 1, tzinfo=UTC))


def signed_request(person: str, *, secret: bytes = b"sandbox-secret", issued_at: int | None = None) -> str:
    """A signed request, as Meta makes it."""
    at = int(time.time()) if issued_at is None else issued_at
    said = orjson.dumps({"user_id": person, "algorithm": "HMAC-SHA256", "issued_at": at})
    payload = _base64(said)
    return f"{_base64(hmac.digest(secret, payload.encode(), hashlib.sha256))}.{payload}"


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


async def asks(story: Story, path: str, person: str = "100001", **changed: Any) -> httpx.Response:
    body = urlencode({"signed_request": signed_request(person, **changed)})
    return await story.client(None).post(path, content=body, headers=FORM)


async def account(client: httpx.AsyncClient, account_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = (await client.get(f"/v1/connected-accounts/{account_id}")).json()
    return shown


async def test_a_permission_taken_back_ends_in_every_organization_and_posts_wait_for_a_new_one(story: Story) -> None:
    ours, theirs = story.client(organization_id := new_id()), story.client(new_id())
    side, other = MetaSide(story, "facebook"), MetaSide(story, "threads")
    first, second, untouched = await side.connect(ours), await side.connect(theirs), await other.connect(ours)
    body = urlencode({"signed_request": signed_request("100001")})
    async with story.working():
        for _ in range(2):
            answer = await story.client(None).post(DEAUTHORIZE, content=body, headers=FORM)
            assert answer.status_code == 200

        async def ended() -> bool:
            shown = [await account(client, each) for client, each in ((ours, first), (theirs, second))]
            return all(each["health"] == "reconnect_needed" for each in shown)

        await eventually(ended, within=60)
        assert (await account(ours, first))["reason"].startswith("The permission was taken back")
        told = [each for each in await story.told_of(organization_id) if isinstance(each, AccountHealthChanged)]
        assert len(told) == 1
        post = await story.post(ours, first)
        assert await side.connect(ours) == first
        await side.settles(ours, post, "published")
    assert (await account(ours, untouched))["health"] in ("connected", "reconnect_needed")


async def test_a_deletion_is_answered_with_a_code_that_tells_when_it_is_done(story: Story) -> None:
    client, side = story.client(new_id()), MetaSide(story, "facebook")
    connected = await side.connect(client)
    answer = await asks(story, DELETE)
    told = answer.json()
    assert told["url"].endswith(f"/v1/data-deletions/{told['confirmation_code']}")
    anybody = story.client(None)
    async with story.working():

        async def done() -> bool:
            shown = await anybody.get(f"/v1/data-deletions/{told['confirmation_code']}")
            return shown.status_code == 200 and shown.json()["status"] == "done"

        await eventually(done, within=60)
    shown = (await anybody.get(f"/v1/data-deletions/{told['confirmation_code']}")).json()
    assert shown["accounts"] >= 1
    assert (await client.get(f"/v1/connected-accounts/{connected}")).status_code == 404
    assert (await anybody.get("/v1/data-deletions/guessed")).status_code == 404


CANNOT = """
    CREATE FUNCTION cannot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'cannot'; END $$;
    CREATE TRIGGER cannot BEFORE UPDATE ON connected_accounts FOR EACH ROW WHEN (NEW.id = '{}')
        EXECUTE FUNCTION cannot()
"""


async def test_withdrawals_that_always_fail_hold_none_of_the_others_up_and_are_tried_again(story: Story) -> None:
    client, other, side = story.client(new_id()), story.client(new_id()), MetaSide(story, "facebook")
    eve = {"id": EVE, "name": "Eve", "pages": ["600002"]}
    (await side.http.post("/facebook/control/people", json=eve)).raise_for_status()
    (await side.http.post("/facebook/control/pages", json={"id": "600002", "name": "Eve's"})).raise_for_status()
    first, second = await side.connect(client), await side.connect(other, EVE)
    await administrator(story, CANNOT.format(first))
    now = int(time.time())
    for ago in range(25):  # more than are taken at once
        assert (await asks(story, DEAUTHORIZE, issued_at=now - ago)).status_code == 200
    assert (await asks(story, DEAUTHORIZE, EVE)).status_code == 200

    async def ended(of: httpx.AsyncClient, account_id: str) -> bool:
        return bool((await account(of, account_id))["health"] == "reconnect_needed")

    async with story.working():
        await eventually(lambda: ended(other, second), within=60)
        assert not await ended(client, first)
        await administrator(story, "DROP TRIGGER cannot ON connected_accounts")

        async def later() -> bool:
            await story.forward(minutes=5)
            return await ended(client, first)

        await eventually(later, within=60)


def test_a_withdrawal_that_does_not_work_waits_ever_longer_up_to_an_hour() -> None:
    waits = [replace(SOME, attempt=attempt).wait for attempt in range(1, 40)]
    assert (waits[0], waits[-1]) == (timedelta(seconds=2), timedelta(hours=1))
    assert waits == sorted(waits)


@pytest.mark.parametrize("path", [DEAUTHORIZE, DELETE])
async def test_what_meta_has_not_signed_is_refused(story: Story, path: str) -> None:
    assert (await asks(story, path, secret=b"guessed")).status_code == 403
    for body in (b"", b"signed_request=", b"signed_request=a.b", b"signed_request=.e30", b"\xff" * 100):
        answer = await story.client(None).post(path, content=body, headers=FORM)
        assert answer.status_code == 403, body


@pytest.mark.parametrize("name", ["facebook", "threads"])
async def test_comments_are_counted_once_for_the_post_they_are_about(story: Story, name: str) -> None:
    client, side = story.client(organization_id := new_id()), MetaSide(story, name)
    connected = await side.connect(client)
    async with story.working():
        post = await side.settles(client, await story.post(client, connected), "published")
        external_id = post["deliveries"][0]["external_id"]
        payload = told_by(name, external_id)
        for _ in range(2):
            assert (await hears(story, payload)).status_code == 200

        async def counted() -> bool:
            told = [each for each in await story.told_of(organization_id) if isinstance(each, PostEngaged)]
            return bool(told) and told[-1].comments == 1

        await eventually(counted, within=60)
    assert (await hears(story, payload, secret=b"guessed")).status_code == 403


def told_by(name: str, post: str) -> bytes:
    if name == "threads":
        value = {"id": "1", "text": "nice", "root_post": {"id": post, "owner_id": "100001"}}
        return orjson.dumps(
            {"topic": "moderate", "time": 1_700_000_000, "values": {"value": value, "field": "replies"}}
        )
    value = {"item": "comment", "verb": "add", "post_id": post, "comment_id": f"{post}_1"}
    change = {"field": "feed", "value": value}
    return orjson.dumps({"object": "page", "entry": [{"id": "600001", "time": 1_700_000_000, "changes": [change]}]})


async def hears(story: Story, payload: bytes, secret: bytes = b"sandbox-secret") -> httpx.Response:
    signature = f"sha256={hmac.digest(secret, payload, hashlib.sha256).hex()}"
    headers = {"x-hub-signature-256": signature, "content-type": "application/json"}
    return await story.client(None).post("/v1/webhooks/meta", content=payload, headers=headers)
