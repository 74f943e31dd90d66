import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from .business_on_whatsapp import (
    ACCOUNT,
    ANNA,
    CONTROL,
    NUMBER,
    Business,
    message,
    messages,
    statuses,
    text,
    values,
)
from .hook import Hook, listening, meta

Faults = Callable[..., Awaitable[None]]
BSUID = "US.13491208655302741918"


@pytest.fixture
async def hook(http: httpx.AsyncClient) -> AsyncIterator[Hook]:
    async with listening(meta) as hook:
        (await http.put(f"{CONTROL}/webhook", json={"url": hook.url, "retry_seconds": [0.01]})).raise_for_status()
        yield hook


@pytest.fixture
async def business(http: httpx.AsyncClient) -> Business:
    business = Business(http)
    await business.person()
    return business


async def test_an_address_is_asked_before_it_is_trusted(business: Business, hook: Hook) -> None:
    assert hook.challenges[0]["hub.mode"] == "subscribe"
    for wrong in (
        {"url": hook.url, "verify_token": "wrong & x=1"},
        {"url": "http://127.0.0.1:1/"},
        {"url": "nowhere"},
    ):
        assert (await business.http.put(f"{CONTROL}/webhook", json=wrong)).status_code == 422
    assert hook.challenges[1]["hub.verify_token"] == "wrong & x=1"
    await business.say(text="Hello")
    await hook.wait(1)  # the address that was trusted before still is


async def test_a_message_comes_signed_and_shaped_as_metas(business: Business, hook: Hook) -> None:
    said = await business.say(type="text", text="Hello", at=1_750_000_000)
    [delivered] = await hook.wait(1)
    signature = hmac.new(b"sandbox-app-secret", delivered.body, hashlib.sha256).hexdigest()
    assert delivered.headers["x-hub-signature-256"] == f"sha256={signature}"
    assert delivered.json == {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": ACCOUNT,
                "changes": [
                    {
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
                            "contacts": [{"profile": {"name": "Anna"}, "wa_id": ANNA}],
                            "messages": [
                                {
                                    "from": ANNA,
                                    "id": said["id"],
                                    "timestamp": "1750000000",
                                    "type": "text",
                                    "text": {"body": "Hello"},
                                }
                            ],
                        },
                        "field": "messages",
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    "said",
    [
        {"type": "location", "location": {"latitude": 37.4, "longitude": -122.2}},
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "Ann"}}]},
        {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}}},
        {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "One"}}},
        {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}},
        {"type": "button", "button": {"payload": "p", "text": "Yes"}, "context": {"id": "wamid.x"}},
        {"type": "order", "order": {"catalog_id": "1", "product_items": []}},
        {"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "x"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.x"}},
        {"type": "system", "system": {"type": "user_changed_number", "wa_id": "12195555358"}},
        {"type": "unsupported", "errors": [{"code": 131051}]},
        {"type": "edit", "edit": {"original_message_id": "wamid.x", "message": {"type": "text"}}},
        {"type": "revoke", "revoke": {"original_message_id": "wamid.x"}},
        {"type": "text", "text": {"body": "from an ad"}, "referral": {"ctwa_clid": "abc", "source_type": "ad"}},
        {"type": "hologram_2031", "hologram_2031": {"unheard": ["of", {"deep": 1}]}},
    ],
)
async def test_every_type_goes_through_as_it_is(business: Business, hook: Hook, said: dict[str, Any]) -> None:
    await business.say(**said)
    [got] = messages(await hook.wait(1))
    assert {name: got[name] for name in said} == said
    assert got["from"] == ANNA


@pytest.mark.parametrize(
    ("kind", "mime"),
    [
        ("image", "image/jpeg"),
        ("audio", "audio/ogg; codecs=opus"),
        ("video", "video/mp4"),
        ("document", "text/plain"),
        ("sticker", "image/webp"),
    ],
)
async def test_media_of_people_can_be_fetched(business: Business, hook: Hook, kind: str, mime: str) -> None:
    said: dict[str, Any] = {"type": kind, kind: {"base64": "aGVsbG8=", "filename": "a"}}
    await business.say(**said)
    [got] = messages(await hook.wait(1))
    media = got[kind]
    assert (media["mime_type"], media["filename"]) == (mime, "a")
    node = (await business.get(media["id"])).json()
    fetched = await business.http.get(node["url"], headers={"Authorization": "Bearer sandbox-whatsapp-token"})
    assert (fetched.content, node["sha256"]) == (b"hello", hashlib.sha256(b"hello").hexdigest())


async def test_who_hides_the_number_is_known_by_user_id(business: Business, hook: Hook) -> None:
    person = {"user_id": BSUID, "parent_user_id": "US.ENT.11", "username": "anna", "hides_phone": True}
    await business.person(id="anna", **person)
    await business.say("anna", text="Hello")
    await business.sent(text(to=BSUID))
    got = await hook.wait(4)
    assert "wa_id" not in got[0].body.decode()
    contact = values(got)[0]["contacts"][0]
    assert contact == {
        "profile": {"name": "Anna", "username": "anna"},
        "user_id": BSUID,
        "parent_user_id": "US.ENT.11",
    }
    [said] = messages(got)
    assert (said["from_user_id"], "from" in said) == (BSUID, False)
    assert {status["recipient_user_id"] for status in statuses(got)} == {BSUID}
    assert not any("recipient_id" in status for status in statuses(got))


async def test_a_message_is_sent_delivered_and_read(business: Business, hook: Hook) -> None:
    id_ = await business.sent(text(biz_opaque_callback_data="operation-1"))
    got = statuses(await hook.wait(3))
    assert [status["status"] for status in got] == ["sent", "delivered", "read"]
    assert {(status["id"], status["recipient_id"], status["biz_opaque_callback_data"]) for status in got} == {
        (id_, ANNA, "operation-1")
    }
    assert len({status["conversation"]["id"] for status in got}) == 1
    assert all(status["timestamp"].isdigit() for status in got)
    assert {status["pricing"]["category"] for status in got} == {"service"}
    [reached] = await business.reached()
    assert [state for state, _ in reached["statuses"]] == ["sent", "delivered", "read"]


async def test_who_never_reads_leaves_it_at_delivered(business: Business, hook: Hook) -> None:
    await business.person(reads=False)
    await business.sent(text())
    await business.person(reads=True)
    await business.sent(text())
    got = statuses(await hook.wait(5))
    assert sorted(status["status"] for status in got) == ["delivered", "delivered", "read", "sent", "sent"]


async def test_statuses_can_come_in_an_order_that_is_not_theirs(business: Business, hook: Hook) -> None:
    await business.person(shuffled_statuses=True)
    for round_ in range(1, 6):
        await business.sent(text())
        got = [status["status"] for status in statuses((await hook.wait(3 * round_))[-3:])]
        assert sorted(got) == ["delivered", "read", "sent"]
        assert got != ["sent", "delivered", "read"]


@pytest.mark.parametrize(
    ("person", "to", "expected"),
    [
        ({}, "16505550000", 131026),
        ({"on_whatsapp": False}, ANNA, 131026),
        ({"window_open": False}, ANNA, 131047),
        ({"window_open": None}, ANNA, 131047),
        ({"fails_with": 131049}, ANNA, 131049),
    ],
)
async def test_a_message_can_fail_after_it_was_accepted(
    business: Business, hook: Hook, person: dict[str, Any], to: str, expected: int
) -> None:
    await business.person(**person)
    await business.sent(text(to=to))
    [failed] = statuses(await hook.wait(1))
    assert (failed["status"], failed["errors"][0]["code"]) == ("failed", expected)
    assert failed["errors"][0]["error_data"]["details"]


async def test_the_window_opens_when_the_person_writes_and_a_template_needs_none(
    business: Business, hook: Hook
) -> None:
    await business.person(window_open=None)
    await business.sent(message("template", {"name": "hello_world", "language": {"code": "en_US"}}))
    got = statuses(await hook.wait(3))
    assert [(status["status"], status["pricing"]["category"]) for status in got] == [
        ("sent", "utility"),
        ("delivered", "utility"),
        ("read", "utility"),
    ]
    await business.say(text="Hello", at=1_000_000)  # long ago
    await business.sent(text())
    assert statuses(await hook.wait(5))[-1]["status"] == "failed"
    await business.say(text="Hello")
    await business.sent(text())
    assert statuses(await hook.wait(9))[-1]["status"] == "read"


async def test_people_answer_by_themselves(business: Business, hook: Hook) -> None:
    replies = [
        {"when": "open", "message": {"type": "text", "text": "Thanks!"}},
        {"when": "closed", "message": {"type": "text", "text": "Pity."}},
    ]
    await business.person(replies=replies, reads=False)
    id_ = await business.sent(text("We are OPEN"))
    [reply] = messages(await hook.wait(3))
    assert (reply["text"], reply["context"]["id"]) == ({"body": "Thanks!"}, id_)


async def test_a_number_can_be_silent_for_bulk(business: Business, hook: Hook) -> None:
    await business.number(webhooks=False, throughput=None, pair_seconds=None, accepts_anyone=True)
    for n in range(20):
        await business.sent(text(to=f"1650555{n:04}"))
    await business.say(text="The only one")
    assert len(await hook.wait(1)) == 1
    assert len(await business.reached()) == 20


async def test_any_status_can_be_told_at_any_time(business: Business, hook: Hook) -> None:
    await business.number(webhooks=False)
    id_ = await business.sent(text())
    for status in ({"status": "read"}, {"status": "sent", "at": 5}, {"status": "failed", "code": 131053}):
        told = await business.http.post(f"{CONTROL}/messages/{id_}/status", json=status)
        assert told.status_code == 202
    got = statuses(await hook.wait(3))
    assert [status["status"] for status in got] == ["read", "sent", "failed"]
    assert (got[1]["timestamp"], got[2]["errors"][0]["code"]) == ("5", 131053)
    assert (await business.http.post(f"{CONTROL}/messages/x/status", json={"status": "read"})).status_code == 404


@pytest.mark.parametrize(("layout", "shape"), [("messages", [1, 3]), ("changes", [3, 1]), ("entries", [1, 1])])
async def test_several_come_in_one_webhook(business: Business, hook: Hook, layout: str, shape: list[int]) -> None:
    await business.person(wa_id="16505550002", name="Bert")
    people = [ANNA, "16505550002", ANNA]
    items = [{"person": person, "type": "text", "text": str(n)} for n, person in enumerate(people)]
    sent = await business.http.post(f"{CONTROL}/say", json={"items": items, "layout": layout})
    assert sent.status_code == 201
    [delivered] = await hook.wait(1)
    assert [one["text"]["body"] for one in messages([delivered])] == ["0", "1", "2"]
    entries = delivered.json["entry"]
    first = entries[0]["changes"][0]["value"]
    assert len(entries) == (3 if layout == "entries" else 1)
    assert [len(entries[0]["changes"]), len(first["messages"])] == shape
    assert len(first["contacts"]) == min(2, shape[1])


async def test_statuses_can_be_gathered(business: Business, http: httpx.AsyncClient, hook: Hook) -> None:
    webhook = {"url": hook.url, "batch": 6, "batch_seconds": 60}
    await http.put(f"{CONTROL}/webhook", json=webhook)
    for _ in range(2):
        await business.sent(text())
    [delivered] = await hook.wait(1)
    assert len(statuses([delivered])) == 6

    await http.put(f"{CONTROL}/webhook", json=webhook | {"batch_seconds": 0.05})
    await business.say(text="Alone")
    assert len(messages(await hook.wait(2))) == 1


async def test_several_deliveries_can_be_on_their_way(business: Business, hook: Hook) -> None:
    await business.http.put(f"{CONTROL}/webhook", json={"url": hook.url, "at_a_time": 3})
    hook.together = 3  # with one at a time the first would wait for ever
    for n in range(3):
        await business.say(text=str(n))
    assert sorted(one["text"]["body"] for one in messages(await hook.wait(3))) == ["0", "1", "2"]


async def test_what_was_not_taken_comes_again_as_it_was(business: Business, hook: Hook) -> None:
    hook.answers = [500]
    await business.say(text="Hello")
    first, second = await hook.wait(2)
    assert first.body == second.body
    attempts = (await business.http.get("/control/whatsapp/webhooks")).json()["items"]
    assert len({attempt["webhook_id"] for attempt in attempts}) == 1


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"kind": "webhook_duplicate", "copies": 2, "match": {"topic": "message."}}, ["a", "a", "a", "b"]),
        ({"kind": "webhook_reorder", "window": 2, "seconds": 60, "times": 2}, ["b", "a"]),
        ({"kind": "webhook_lose", "match": {"topic": "message.text"}}, ["b"]),
    ],
)
async def test_webhooks_can_go_wrong(
    business: Business, hook: Hook, faults: Faults, rule: dict[str, Any], expected: list[str]
) -> None:
    await faults("whatsapp", rule | {"times": rule.get("times", 1)})
    for said in ("a", "b"):
        await business.say(text=said)
    got = messages(await hook.wait(len(expected)))
    assert [one["text"]["body"] for one in got] == expected


@pytest.mark.parametrize("signature", ["right", "wrong", "none"])
async def test_any_bytes_can_be_sent(business: Business, hook: Hook, signature: str) -> None:
    raw = {"body": '{"object": 1', "signature": signature}
    assert (await business.http.post(f"{CONTROL}/raw", json=raw)).status_code == 202
    [delivered] = await hook.wait(1)
    right = f"sha256={hmac.new(b'sandbox-app-secret', delivered.body, hashlib.sha256).hexdigest()}"
    assert delivered.body == b'{"object": 1'
    assert (delivered.headers.get("x-hub-signature-256") == right) == (signature == "right")
    assert ("x-hub-signature-256" in delivered.headers) == (signature != "none")
    assert (await business.http.post(f"{CONTROL}/raw", json={"base64": "%"})).status_code == 422


async def test_a_decision_on_a_template_is_told(business: Business, hook: Hook) -> None:
    await business.http.post(f"{CONTROL}/templates", json={"name": "hello_world", "status": "REJECTED"})
    [delivered] = await hook.wait(1)
    change = delivered.json["entry"][0]["changes"][0]
    assert change["field"] == "message_template_status_update"
    assert (change["value"]["event"], change["value"]["message_template_name"]) == ("REJECTED", "hello_world")


@pytest.mark.parametrize(
    "said",
    [
        {"phone_number_id": "5"},
        {"at": "yesterday"},
        {"at": -1},
        {"type": "image", "image": {"size": -1}},
        {"type": "image", "image": {"size": 10**9}},
        {"type": "image", "image": {"base64": "%%%"}},
    ],
)
async def test_what_nobody_can_say_is_refused(business: Business, said: dict[str, Any]) -> None:
    assert (await business.http.post(f"{CONTROL}/people/{ANNA}/say", json=said)).status_code == 422
    together = {"items": [{"person": ANNA, **said}]}
    refused = await business.http.post(f"{CONTROL}/say", json=together)
    assert refused.status_code == 422


@pytest.mark.parametrize("body", ['{"type":"x","x":"\\ud800"}', '{"a":' * 240 + "1" + "}" * 240, "[]", '"a"', "{"])
async def test_what_cannot_be_written_is_refused(business: Business, body: str) -> None:
    refused = await business.http.post(f"{CONTROL}/people/{ANNA}/say", content=body)
    assert refused.status_code in {400, 422}, refused.text
    assert (await business.http.get(f"{CONTROL}/written")).json()["items"] == []


@pytest.mark.parametrize(
    "person",
    [{}, {"wa_id": "abc"}, {"user_id": "x"}, {"wa_id": "16505551234", "hides_phone": True}, {"wa_id": "1" * 30}],
)
async def test_nobody_is_without_an_address(http: httpx.AsyncClient, person: dict[str, Any]) -> None:
    assert (await http.post(f"{CONTROL}/people", json=person)).status_code == 422


async def test_nobody_else_can_say_anything(http: httpx.AsyncClient) -> None:
    assert (await http.post(f"{CONTROL}/people/nobody/say", json={"text": "Hello"})).status_code == 404
    refused = await http.post(f"{CONTROL}/say", json={"items": [{"person": "nobody"}]})
    assert refused.json()["errors"][0]["pointer"] == "/items/0/person"
