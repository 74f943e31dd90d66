from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from .hook import Hook, linkedin, listening
from .member_of_linkedin import ALL, ANN, BAKERY, Application, consent, post

OURS = "urn:li:developerApplication:1000001"
RESOURCE = "/linkedin/api/rest/eventSubscriptions"
EVENT = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"
CONTROL = "/linkedin/control/subscriptions"


def one(application: str = OURS, user: str = ANN, entity: str = BAKERY, event: str = EVENT) -> str:
    """The path of a subscription."""
    names = {"developerApplication": application, "user": user, "entity": entity, "eventType": event}
    key = ",".join(f"{name}:{quote(value, safe='')}" for name, value in names.items())
    return f"{RESOURCE}/({key})"


async def subscribe(ann: Application, url: str, path: str = "") -> httpx.Response:
    return await ann.http.put(path or one(), json={"webhook": url}, headers=ann.headers)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with listening(linkedin) as hook:
        yield hook


@pytest.fixture
async def ann(http: httpx.AsyncClient) -> Application:
    return await consent(http)


async def liked(ann: Application, text: str = "Fresh bread") -> None:
    urn = (await ann.publish(post(text, BAKERY))).headers["x-restli-id"]
    action = {"person": "bob", "action": "LIKE"}
    assert (await ann.http.post(f"/linkedin/control/posts/{urn}/actions", json=action)).status_code == 201


async def test_only_a_subscribed_page_is_told_of(ann: Application, hook: Hook) -> None:
    await liked(ann, "Before")
    for _ in range(2):
        assert (await subscribe(ann, hook.url)).status_code == 204
    await liked(ann, "While")
    [delivered] = await hook.wait(1)
    [notification] = delivered.json["notifications"]
    assert (notification["subscriber"], notification["organizationalEntity"]) == (ANN, BAKERY)
    assert (await ann.http.delete(one(), headers=ann.headers)).status_code == 204
    await liked(ann, "After")
    await subscribe(ann, hook.url)
    await liked(ann, "Again")
    texts = [each.json["notifications"][0]["decoratedSourcePost"]["text"] for each in await hook.wait(2)]
    assert texts == ["While", "Again"]


async def test_a_subscription_can_be_read_and_found(ann: Application, hook: Hook) -> None:
    assert (await ann.get(one())).status_code == 404
    await subscribe(ann, hook.url)
    shown = (await ann.get(one())).json()
    assert (shown["entity"], shown["webhook"], shown["eventType"]) == (BAKERY, hook.url, EVENT)
    found = await ann.get(RESOURCE, q="subscriberAndEventType", eventType=EVENT)
    assert found.json()["elements"] == [shown]
    assert (await ann.get(RESOURCE)).status_code == 400
    assert (await ann.http.get(CONTROL)).json() == [{"user": ANN, "entity": BAKERY, "webhook": hook.url}]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (one(application="urn:li:developerApplication:2"), 403),
        (one(user="urn:li:person:bob"), 403),
        (one(entity="urn:li:organization:77"), 403),
        (one(event="SHARE_STATISTICS"), 400),
        (one().replace("%3A", ":"), 400),
        (f"{RESOURCE}/1", 400),
        (f"{RESOURCE}/()", 400),
        (one().removesuffix(")"), 400),
    ],
)
async def test_a_key_that_is_wrong_or_not_ones_own_is_refused(
    ann: Application, hook: Hook, path: str, status: int
) -> None:
    assert (await subscribe(ann, hook.url, path)).status_code == status
    assert (await ann.http.get(CONTROL)).json() == []


async def test_without_the_scope_or_the_role_nobody_subscribes(http: httpx.AsyncClient, hook: Hook) -> None:
    narrow = await consent(http, scope=ALL.replace(" rw_organization_admin", ""))
    assert (await subscribe(narrow, hook.url)).status_code == 403
    await http.post("/linkedin/control/people", json={"id": "ann", "pages": {"5000001": "CONTENT_ADMIN"}})
    assert (await subscribe(await consent(http), hook.url)).status_code == 403


async def test_an_address_that_cannot_answer_the_challenge_is_not_subscribed(ann: Application, hook: Hook) -> None:
    hook.answer_challenge = lambda _: "{}"
    for url in (hook.url, "http://127.0.0.1:1/", "ftp://x", 5, ""):
        answer = await ann.http.put(one(), json={"webhook": url}, headers=ann.headers)
        assert answer.status_code in (400, 422), url
    assert (await ann.http.get(CONTROL)).json() == []
