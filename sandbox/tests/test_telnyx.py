import asyncio
from typing import Any

import httpx
import pytest

KEY = {"authorization": "Bearer sandbox-telnyx-key"}
NAMED: dict[str, Any] = {"from": "Rostrum"}
SENT = {"from": "+15005550001", "to": "+4915123456789", "text": "123456 is your code"}


async def send(http: httpx.AsyncClient, headers: dict[str, str] | None = None, **changed: Any) -> httpx.Response:
    body = {name: value for name, value in {**SENT, **changed}.items() if value is not None}
    return await http.post("/telnyx/v2/messages", json=body, headers=KEY if headers is None else headers)


async def test_a_text_is_taken_and_read_on_the_phone(http: httpx.AsyncClient) -> None:
    answer = await send(http, tags=["a"])
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert (data["record_type"], data["direction"], data["text"]) == ("message", "outbound", SENT["text"])
    assert data["to"] == [{"phone_number": SENT["to"], "status": "queued", "carrier": "", "line_type": "Wireless"}]
    assert data["from"]["phone_number"] == SENT["from"]
    found = (await http.get(f"/telnyx/v2/messages/{data['id']}", headers=KEY)).json()["data"]
    assert (found["to"][0]["status"], found["tags"]) == ("delivered", ["a"])
    page = (await http.get("/telnyx/control/messages", params={"to": SENT["to"]})).json()
    assert [(each["id"], each["text"]) for each in page["items"]] == [(data["id"], SENT["text"])]
    assert (await http.get("/telnyx/control/messages", params={"to": "+1"})).json()["items"] == []


async def test_the_same_call_twice_is_two_texts(http: httpx.AsyncClient) -> None:
    first, second = await asyncio.gather(send(http), send(http))
    assert first.json()["data"]["id"] != second.json()["data"]["id"]
    assert len((await http.get("/telnyx/control/messages")).json()["items"]) == 2


@pytest.mark.parametrize(
    ("changed", "status", "code", "pointer"),
    [
        ({"to": None}, 422, "10004", "/to"),
        ({"text": None}, 422, "10004", "/text"),
        ({"to": "0151 23456789"}, 400, "40310", "/to"),
        ({"from": "+15005550099"}, 400, "40305", "/from"),
        ({"text": "x" * 1531}, 422, "10015", "/text"),
    ],
)
async def test_what_cannot_be_sent_is_refused_as_telnyx_does(
    http: httpx.AsyncClient, changed: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    answer = await send(http, **changed)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"], error["source"]["pointer"]) == (status, code, pointer)
    assert error["title"]


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer another"}, {"authorization": "sandbox-telnyx-key"}]
)
async def test_who_has_no_key_is_not_let_in(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await send(http, headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "10009")
    assert (await http.get("/telnyx/v2/messages/x", headers=headers)).status_code == 401


async def test_a_name_of_letters_may_send_and_who_said_stop_gets_nothing(http: httpx.AsyncClient) -> None:
    assert (await send(http, **NAMED)).status_code == 200
    await http.put("/telnyx/control/account", json={"stopped": [SENT["to"]]})
    answer = await send(http)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "40300")


async def test_too_many_a_second_are_refused_with_a_wait(http: httpx.AsyncClient) -> None:
    await http.put("/telnyx/control/account", json={"per_second": 2})
    answers = await asyncio.gather(*(send(http) for _ in range(8)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].headers["retry-after"] == "1"


async def test_what_cannot_be_delivered_is_taken_and_says_so_later(http: httpx.AsyncClient) -> None:
    await http.put("/telnyx/control/account", json={"unreachable": [SENT["to"]]})
    data = (await send(http)).json()["data"]
    found = (await http.get(f"/telnyx/v2/messages/{data['id']}", headers=KEY)).json()["data"]
    assert found["to"][0]["status"] == "delivery_failed"
    missing = await http.get("/telnyx/v2/messages/unknown", headers=KEY)
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, "10005")
