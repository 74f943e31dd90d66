import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from .hook import Hook, linkedin, listening
from .member_of_linkedin import BAKERY, consent, post

Faults = Callable[..., Awaitable[None]]
WEBHOOK = "/linkedin/control/webhook"


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with listening(linkedin) as hook:
        yield hook


async def posted(http: httpx.AsyncClient) -> str:
    ann = await consent(http)
    return (await ann.publish(post("Fresh bread", BAKERY))).headers["x-restli-id"]


async def test_a_comment_is_told_signed(http: httpx.AsyncClient, hook: Hook) -> None:
    assert (await http.put(WEBHOOK, json={"url": hook.url})).status_code == 204
    urn = await posted(http)
    action = {"person": "bob", "action": "COMMENT", "text": "Looks good"}
    told = await http.post(f"/linkedin/control/posts/{urn}/actions", json=action)
    assert told.status_code == 201
    [delivered] = await hook.wait(1)
    signature = hmac.new(b"sandbox-secret", b"hmacsha256=" + delivered.body, hashlib.sha256).hexdigest()
    assert delivered.headers["x-li-signature"] == signature
    assert delivered.json["type"] == "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"
    [notification] = delivered.json["notifications"]
    assert notification == told.json()
    assert (notification["organizationalEntity"], notification["sourcePost"]) == (BAKERY, urn)
    comment = notification["decoratedGeneratedActivity"]["comment"]
    assert (comment["owner"], comment["text"]) == ("urn:li:person:bob", "Looks good")
    [shown] = (await http.get("/linkedin/control/posts")).json()
    assert shown["comments"][0]["text"] == "Looks good"


async def test_an_address_that_cannot_answer_the_challenge_is_not_trusted(
    http: httpx.AsyncClient, hook: Hook
) -> None:
    hook.answer_challenge = lambda _: '{"challengeCode": "x"}'
    assert (await http.put(WEBHOOK, json={"url": hook.url})).status_code == 422
    assert (await http.put(WEBHOOK, json={"url": "http://127.0.0.1:1/"})).status_code == 422
    urn = await posted(http)
    await http.post(f"/linkedin/control/posts/{urn}/actions", json={"person": "bob", "action": "LIKE"})
    assert (await http.get("/control/linkedin/webhooks")).json()["items"] == []


async def test_what_was_not_taken_comes_again(http: httpx.AsyncClient, hook: Hook) -> None:
    await http.put(WEBHOOK, json={"url": hook.url, "retry_seconds": [0.01, 0.01]})
    hook.answers = [500, 503]
    urn = await posted(http)
    await http.post(f"/linkedin/control/posts/{urn}/actions", json={"person": "bob", "action": "LIKE"})
    got = await hook.wait(3)
    assert len({delivered.body for delivered in got}) == 1


async def test_a_notification_can_come_twice(http: httpx.AsyncClient, hook: Hook, faults: Faults) -> None:
    await http.put(WEBHOOK, json={"url": hook.url})
    await faults("linkedin", {"kind": "webhook_duplicate", "match": {"topic": "notification.like"}})
    urn = await posted(http)
    await http.post(f"/linkedin/control/posts/{urn}/actions", json={"person": "bob", "action": "LIKE"})
    first, second = await hook.wait(2)
    assert first.json["notifications"][0]["notificationId"] == second.json["notifications"][0]["notificationId"]


async def test_nothing_is_done_to_what_is_not_there(http: httpx.AsyncClient) -> None:
    for urn, person in (("urn:li:share:1", "bob"), (await posted(http), "nobody")):
        answer = await http.post(f"/linkedin/control/posts/{urn}/actions", json={"person": person})
        assert answer.status_code == 404
