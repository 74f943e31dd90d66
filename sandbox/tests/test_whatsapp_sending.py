import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from .business_on_whatsapp import ANNA, BEARER, CONTROL, GRAPH, NUMBER, Business, code, message, text

Faults = Callable[..., Awaitable[None]]
BUTTON = {"type": "reply", "reply": {"id": "yes", "title": "Yes"}}
LIST = {"button": "Choose", "sections": [{"title": "A", "rows": [{"id": "1", "title": "One"}]}]}


@pytest.fixture
async def business(http: httpx.AsyncClient) -> Business:
    business = Business(http)
    await business.person()
    return business


async def test_a_message_is_accepted_and_reaches_the_person(business: Business) -> None:
    answer = await business.send(text("Hello", "+1 (650) 555-1234", biz_opaque_callback_data="operation-1"))
    assert answer.status_code == 200
    body = answer.json()
    assert body["messaging_product"] == "whatsapp"
    assert body["contacts"] == [{"input": "+1 (650) 555-1234", "wa_id": ANNA}]
    assert body["messages"][0]["id"].startswith("wamid.")
    [reached] = await business.reached(to=ANNA)
    assert (reached["id"], reached["text"], reached["person"]) == (body["messages"][0]["id"], "Hello", ANNA)
    assert await business.reached(to="1") == []


@pytest.mark.parametrize(
    "body",
    [
        text(recipient_type="individual", context={"message_id": "wamid.x"}),
        {"messaging_product": "whatsapp", "to": ANNA, "text": {"body": "type is text by default"}},
        message("image", {"link": "https://example.org/a.jpg", "caption": "A"}),
        message("document", {"link": "https://example.org/a.pdf", "filename": "a.pdf"}),
        message("audio", {"link": "https://example.org/a.ogg"}),
        message("sticker", {"link": "https://example.org/a.webp"}),
        message("location", {"latitude": "37.4847", "longitude": -122.1486, "name": "HQ"}),
        message("contacts", [{"name": {"formatted_name": "Ann"}, "phones": [{"phone": "+1"}]}]),
        message("reaction", {"message_id": "wamid.x", "emoji": "\N{THUMBS UP SIGN}"}),
        message("reaction", {"message_id": "wamid.x", "emoji": ""}),
        message("interactive", {"type": "button", "body": {"text": "?"}, "action": {"buttons": [BUTTON]}}),
        message("interactive", {"type": "list", "body": {"text": "?"}, "action": LIST}),
        message("template", {"name": "hello_world", "language": {"code": "en_US"}}),
    ],
)
async def test_every_kind_of_message_is_taken(business: Business, body: dict[str, Any]) -> None:
    await business.sent(body)
    [reached] = await business.reached()
    assert reached["body"] == body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, 100),
        ([], 100),
        (text(messaging_product="telegram"), 100),
        (text(to=""), 100),
        (text(to=16505551234), 100),
        (text(to="nobody"), 131009),
        (text(to="15550783881"), 131021),
        (text(""), 100),
        (text("a" * 4097), 100),
        (text(biz_opaque_callback_data="a" * 513), 100),
        (text(context={}), 100),
        (message("hologram", {}), 131051),
        (message("text", "plain"), 100),
        (message("image", {}), 131008),
        (message("image", {"id": "1", "link": "https://example.org"}), 131008),
        (message("image", {"id": "1"}), 100),
        (message("image", {"link": "file:///etc/passwd"}), 131009),
        (message("audio", {"link": "https://example.org/a", "caption": "no"}), 100),
        (message("image", {"link": "https://example.org/a", "caption": "a" * 1025}), 131009),
        (message("text", {"body": "a", "surprise": 1}), 100),
        (message("reaction", {"message_id": "a", "emoji": "b", "mood": 1}), 100),
        (message("location", {"latitude": 1}), 131008),
        (message("location", {"latitude": 91, "longitude": "x"}), 131009),
        (message("location", {"latitude": "nan", "longitude": 1}), 131009),
        (message("contacts", []), 131008),
        (message("contacts", [5]), 131008),
        (message("reaction", {"emoji": "x"}), 131008),
        (message("interactive", {"type": "dance", "action": {}}), 131009),
        (message("interactive", {"type": "button", "body": {"text": "?"}, "action": {}}), 131008),
        (message("interactive", {"type": "button", "action": {"buttons": [BUTTON]}}), 100),
        (
            message("interactive", {"type": "button", "body": {"text": "?"}, "action": {"buttons": [BUTTON] * 2}}),
            131009,
        ),
        (message("interactive", {"type": "button", "body": {"text": "?"}, "action": {"buttons": [1]}}), 131009),
        (message("interactive", {"type": "list", "body": {"text": "?"}, "action": {"sections": [1]}}), 131009),
        (message("template", {"name": "unknown", "language": {"code": "en_US"}}), 132001),
        (message("template", {"name": "hello_world", "language": {"code": "de"}}), 132001),
        (message("template", {"name": "hello_world"}), 131008),
        (message("template", {"name": "order_update", "language": {"code": "en_US"}}), 132000),
    ],
)
async def test_a_wrong_message_is_refused_with_metas_code(business: Business, body: Any, expected: int) -> None:
    refused = await business.send(body)
    assert code(refused) == expected, refused.text
    assert 400 <= refused.status_code < 500
    assert await business.reached() == []


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b'"text"', b'{"text":"\\ud800"}', b'{"a":' * 500 + b"1" + b"}" * 500, b"[" * 100_000]
)
async def test_a_body_that_is_no_object_is_an_error_of_the_caller(business: Business, body: bytes) -> None:
    refused = await business.http.post(f"{GRAPH}/{NUMBER}/messages", content=body, headers=BEARER)
    assert (refused.status_code, code(refused)) == (400, 100)


async def test_a_template_is_seen_with_its_parameters(business: Business) -> None:
    parameters = [{"type": "text", "text": "Anna"}, {"type": "text", "text": "A-17"}]
    template = {
        "name": "order_update",
        "language": {"code": "en_US"},
        "components": [{"type": "body", "parameters": parameters}],
    }
    await business.sent(message("template", template))
    [reached] = await business.reached()
    assert reached["text"] == "Hello Anna, your order A-17 is on its way."


@pytest.mark.parametrize(("status", "expected"), [("PAUSED", 132015), ("DISABLED", 132016), ("PENDING", 132001)])
async def test_a_template_that_is_not_approved_cannot_be_sent(business: Business, status: str, expected: int) -> None:
    template = {"name": "hello_world", "status": status}
    assert (await business.http.post(f"{CONTROL}/templates", json=template)).status_code == 201
    refused = await business.send(message("template", {"name": "hello_world", "language": {"code": "en_US"}}))
    assert code(refused) == expected


@pytest.mark.parametrize(
    ("headers", "expected"), [({}, 104), ({"Authorization": "Bearer guessed"}, 190), ({"Authorization": "x"}, 104)]
)
async def test_without_a_good_token_nothing_works(
    http: httpx.AsyncClient, headers: dict[str, str], expected: int
) -> None:
    refused = await http.post(f"{GRAPH}/{NUMBER}/messages", json=text(), headers=headers)
    assert (refused.status_code, code(refused)) == (401, expected)


@pytest.mark.parametrize(("state", "subcode"), [("expired", 463), ("revoked", 460)])
async def test_a_token_can_die(business: Business, state: str, subcode: int) -> None:
    await business.http.put(f"{CONTROL}/app", json={"tokens_are": state})
    refused = await business.send(text())
    assert (refused.status_code, code(refused), refused.json()["error"]["error_subcode"]) == (401, 190, subcode)


async def test_another_number_is_not_ours(business: Business) -> None:
    refused = await business.send(text(), number="100000000000002")
    assert (code(refused), refused.json()["error"]["error_subcode"]) == (100, 33)
    await business.number(id="100000000000002")
    assert (await business.send(text(), number="100000000000002")).status_code == 200


async def test_a_number_sends_no_faster_than_it_may(business: Business) -> None:
    await business.number(throughput=1, pair_seconds=None)
    answers = await asyncio.gather(*(business.send(text(str(n))) for n in range(20)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert {(answer.status_code, code(answer)) for answer in refused} == {(429, 130429)}
    accepted = (await business.http.get(f"{CONTROL}/calls")).json()
    assert accepted["count"] == 20 - len(refused) == len(await business.reached())
    assert accepted["most_in_one_second"] == 1
    counted = (await business.http.get(f"{CONTROL}/calls", params={"outcome": "refused"})).json()
    assert counted["count"] == len(refused)


async def test_to_one_person_there_is_a_burst_and_then_a_pause(business: Business) -> None:
    await business.number(throughput=None, pair_seconds=3600, pair_burst=2)
    for _ in range(2):
        await business.sent(text())
    refused = await business.send(text())
    assert (refused.status_code, code(refused)) == (429, 131056)
    await business.sent(text(to="16505550000"))


@pytest.mark.parametrize(("setting", "status"), [(131048, 429), (80007, 429), (368, 403), (131016, 500), (4, 429)])
async def test_a_number_can_be_refused_everything(business: Business, setting: int, status: int) -> None:
    await business.number(refuses_with=setting)
    refused = await business.send(text())
    assert (refused.status_code, code(refused)) == (status, setting)
    assert await business.reached() == []


async def test_a_person_can_be_refused(business: Business) -> None:
    await business.person(refuses_with=131030)
    assert code(await business.send(text())) == 131030
    await business.sent(text(to="16505550000"))


async def test_a_message_to_a_user_id(business: Business) -> None:
    await business.person(wa_id=None, user_id="US.13491208655302741918", id="hidden")
    for body in (text(to="US.13491208655302741918"), text(to="", recipient="US.13491208655302741918")):
        answer = (await business.send(body)).json()
        assert answer["contacts"] == [{"input": "US.13491208655302741918", "user_id": "US.13491208655302741918"}]
    assert {reached["person"] for reached in await business.reached()} == {"hidden"}


async def test_what_a_person_wrote_can_be_marked_as_read(business: Business) -> None:
    said = await business.say(type="text", text="Are you open?")
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": said["id"]}
    assert (await business.send(read)).json() == {"success": True}
    [written] = (await business.http.get(f"{CONTROL}/written")).json()["items"]
    assert (written["read"], written["message"]) == (True, said)
    assert code(await business.send(read | {"message_id": "wamid.unknown"})) == 131009
    assert code(await business.send({"status": "read"})) == 100


async def test_a_message_whose_answer_is_lost_was_sent(business: Business, faults: Faults) -> None:
    await faults("whatsapp", {"kind": "drop_after_effect", "match": {"path": f"{GRAPH}/{NUMBER}/messages"}})
    with pytest.raises(httpx.RemoteProtocolError):
        await business.send(text("Lost"))
    assert [reached["text"] for reached in await business.reached()] == ["Lost"]


async def test_a_message_that_is_refused_before_was_not_sent(business: Business, faults: Faults) -> None:
    body = {"error": {"message": "down", "type": "OAuthException", "code": 131016}}
    await faults("whatsapp", {"kind": "refuse_before_effect", "status": 503, "body": body, "times": 1})
    assert (await business.send(text())).json() == body
    assert await business.reached() == []
    await business.sent(text())


async def test_a_reset_forgets_people_messages_and_numbers(business: Business) -> None:
    await business.sent(text())
    await business.number(id="100000000000002")
    await business.http.post("/control/whatsapp/reset")
    assert await business.reached() == []
    assert (await business.http.get(f"{CONTROL}/people")).json() == []
    assert [number["id"] for number in (await business.http.get(f"{CONTROL}/numbers")).json()] == [NUMBER]
