import hashlib
import hmac
from collections.abc import AsyncIterator

import httpx
import pytest

from .hook import Hook, listening

KEY = {"authorization": "Bearer sandbox-page-token"}
PAGE, ACCOUNT, ANN = "600001", "17841400000000001", "7001"
MESSAGES = f"/messenger/graph/v23.0/{PAGE}/messages"


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with listening(lambda asked: asked["hub.challenge"]) as hook:
        yield hook


async def ann(http: httpx.AsyncClient, end: str = PAGE, **more: object) -> None:
    told = {"id": ANN, "end": end, "wrote_seconds_ago": 1, **more}
    assert (await http.post("/messenger/control/people", json=told)).status_code == 201


def hello(**more: object) -> dict[str, object]:
    return {"recipient": {"id": ANN}, "message": {"text": "Hi", "metadata": "ours"}, **more}


async def test_a_message_is_taken_echoed_delivered_and_read(http: httpx.AsyncClient, hook: Hook) -> None:
    told = {"kind": "messenger", "url": hook.url, "verify_token": "sandbox-verify"}
    assert (await http.put("/messenger/control/webhook", json=told)).status_code == 204
    await ann(http)
    mid = (await http.post(MESSAGES, json=hello(), headers=KEY)).json()["message_id"]
    got = await hook.wait(3)
    events = [each.json["entry"][0]["messaging"][0] for each in got]
    assert events[0]["message"] == {"mid": mid, "is_echo": True, "text": "Hi", "app_id": 1, "metadata": "ours"}
    assert (events[1]["delivery"]["mids"], "watermark" in events[2]["read"]) == ([mid], True)
    digest = hmac.new(b"sandbox-app-secret", got[0].body, hashlib.sha256).hexdigest()
    assert got[0].headers["x-hub-signature-256"] == f"sha256={digest}"
    said = (await http.post(f"/messenger/control/people/{ANN}/say", json={"text": "Hello"})).json()
    assert (await hook.wait(4))[3].json["entry"][0]["messaging"][0]["message"]["mid"] == said["mid"]


async def test_what_meta_refuses(http: httpx.AsyncClient) -> None:
    await ann(http)

    async def refused(**changed: object) -> tuple[int, int]:
        answer = await http.post(MESSAGES, json=hello(**changed), headers=KEY)
        error = answer.json()["error"]
        return error["code"], error.get("error_subcode", 0)

    assert await refused(recipient={"id": "1"}) == (100, 2018001)
    assert await refused(message={"text": "x" * 2001}) == (100, 0)
    assert await refused(message={}) == (100, 0)
    await ann(http, wrote_seconds_ago=2 * 86400)
    assert await refused() == (10, 2018278)
    tagged = hello(messaging_type="MESSAGE_TAG", tag="HUMAN_AGENT")
    assert (await http.post(MESSAGES, json=tagged, headers=KEY)).status_code == 200
    answer = await http.post(MESSAGES, json=hello(), headers={"authorization": "Bearer other"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)


async def test_profiles_are_read_by_who_was_written_to(http: httpx.AsyncClient) -> None:
    await ann(http, ACCOUNT, name="Ann Example")
    told = (await http.get(f"/messenger/graph/v23.0/{ANN}", headers=KEY)).json()
    assert (told["first_name"], told["last_name"], told["username"]) == ("Ann", "Example", "ann")
    assert (await http.get(f"/messenger/graph/v23.0/{ACCOUNT}", headers=KEY)).json()["username"] == "bakery"
