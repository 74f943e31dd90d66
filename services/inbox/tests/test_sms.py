"""Text and picture messages by Telnyx, before the sandbox's."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.consent.words import keyword
from inbox.telnyx.parts import parts_of
from kit.ids import new_id
from kit.privacy.person import Person
from kit.testing.programs import eventually

from .house import TELNYX_KEY, House
from .lives import Asking

OURS, ANN, KEY = "+15005550001", "+4915123456789", "sandbox-telnyx-key"
HOOK = "/v1/webhooks/sms"


async def connect(house: House, number: str = OURS, *, by: UUID | None = None, key: str = KEY) -> httpx.Response:
    return await house.ask("POST", "/v1/channels", by=by, json={"kind": "sms", "number": number, "api_key": key})


def signed(house: House, body: bytes) -> dict[str, str]:
    at = str(house.now())
    signature = base64.b64encode(TELNYX_KEY.sign(at.encode() + b"|" + body)).decode()
    return {"telnyx-timestamp": at, "telnyx-signature-ed25519": signature}


async def tell(house: House, event: str, payload: Mapping[str, Any]) -> httpx.Response:
    at = datetime.fromtimestamp(house.now(), UTC).isoformat()
    data = {"event_type": event, "id": str(new_id()), "occurred_at": at, "payload": payload, "record_type": "event"}
    body = orjson.dumps({"data": data, "meta": {"attempt": 1}})
    return await house.client.post(HOOK, content=body, headers=signed(house, body))


def text(words: str, *, id_: str = "", sender: str = ANN, to: str = OURS, at: int = 0, **more: Any) -> dict[str, Any]:
    told = {
        "id": id_ or str(new_id()),
        "type": "SMS",
        "from": {"phone_number": sender},
        "to": [{"phone_number": to, "status": "delivered"}],
        "text": words,
        "media": [],
        "tags": [],
        "encoding": "GSM-7",
        "parts": 1,
    }
    return told | ({"received_at": datetime.fromtimestamp(at, UTC).isoformat()} if at else {}) | more


async def say(house: House, words: str, **more: Any) -> None:
    answer = await tell(house, "message.received", text(words, **more))
    assert answer.status_code == 200, answer.text


async def opened(house: House) -> str:
    assert (await connect(house)).status_code == 201
    await say(house, "Hello")
    await house.reduce()
    return str((await house.conversation())["id"])


async def left(house: House) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await house.sandbox.get("/telnyx/control/messages")).json()["items"]
    return items


async def test_a_number_is_connected_when_its_account_has_it(house: House) -> None:
    answer = await connect(house, key="another-telnyx-key")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:number-refused")
    assert (await connect(house, "+15005559999")).status_code == 409
    answer = await connect(house)
    assert (answer.status_code, answer.json()["external_id"]) == (201, OURS), answer.text
    assert (await connect(house, by=new_id())).status_code == 409


async def test_a_text_comes_in_once_and_can_always_be_answered(house: House) -> None:
    conversation = await opened(house)
    told = text("Again", id_=str(new_id()))
    for _ in range(3):
        await tell(house, "message.received", told)
    await house.reduce(workers=2)
    assert [each["text"] for each in await house.messages(conversation)] == ["Hello", "Again"]
    shown = await house.conversation()
    assert (shown["channel_kind"], shown["window"]["limited"], shown["window_open_until"]) == ("sms", False, None)
    await house.forward(90 * 86400)
    answer = await house.reply(conversation, "Grüße 🙂")
    assert (answer.status_code, answer.json()["detail"]) == (202, {"encoding": "UCS-2", "parts": 1})
    await house.work()
    (sent,) = await left(house)
    assert (sent["to"], sent["text"]) == (ANN, "Grüße 🙂")
    kept = str(await house.rows("SELECT m::text, i::text FROM messages m, contact_identities i"))
    assert ANN not in kept


REPORTS = (("message.sent", "sent"), ("message.finalized", "delivered"))


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_statuses_only_rise_whatever_their_order(house: House, order: tuple[int, ...]) -> None:
    conversation = await opened(house)
    ours = (await house.reply(conversation)).json()["id"]
    await house.work()
    (sent,) = await left(house)
    for place in (*order, *order):
        event, status = REPORTS[place]
        told = text("Hi", id_=sent["id"], sender=OURS, to=ANN, tags=[ours])
        await tell(house, event, told | {"to": [{"phone_number": ANN, "status": status}]})
    await house.work()
    assert (await house.message(ours))["status"] == "delivered"


async def test_a_lost_answer_is_settled_by_its_report_and_a_failure_says_why(house: House) -> None:
    conversation = await opened(house)
    rule = {"kind": "drop_after_effect", "match": {"method": "POST"}}
    assert (await house.sandbox.put("/control/telnyx/faults", json=[rule])).status_code < 300
    ours = (await house.reply(conversation)).json()["id"]

    async def unknown() -> bool:
        return bool(await house.count("SELECT count(*) FROM ledger_entries WHERE status = 'unknown'"))

    async with house.working():
        await eventually(unknown, within=60)
    (sent,) = await left(house)
    told = text("Hi", id_=sent["id"], sender=OURS, to=ANN, tags=[ours], errors=[{"code": "40001", "title": ANN}])
    await tell(house, "message.sent", told | {"errors": [], "to": [{"phone_number": ANN, "status": "queued"}]})
    await house.work()
    assert (await house.message(ours))["status"] == "sent"
    await tell(house, "message.finalized", told | {"to": [{"phone_number": ANN, "status": "delivery_failed"}]})
    await house.work()
    message = await house.message(ours)
    assert (message["status"], message["failure_code"]) == ("failed", "40001")
    assert message["failure_reason"] == "This number cannot get texts."
    assert len(await left(house)) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_last_wish_counts_whatever_the_order(house: House, order: tuple[int, ...]) -> None:
    assert (await connect(house)).status_code == 201
    at = house.now()
    wishes = [text("START", at=at - 30), text(" stop. ", at=at - 20), text("please do not STOP now", at=at - 10)]
    for place in order:
        for _ in range(2):
            await tell(house, "message.received", wishes[place])
    await house.reduce(workers=2)
    conversation = await house.conversation()
    assert conversation["opted_out"] is True
    answer = await house.reply(conversation["id"])
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:contact-opted-out")
    await say(house, "START", at=at)
    await house.reduce()
    assert (await house.reply(conversation["id"])).status_code == 202


async def test_who_wrote_stop_gets_not_even_what_was_on_its_way(house: House) -> None:
    conversation = await opened(house)
    ours = (await house.reply(conversation)).json()["id"]
    await say(house, "STOP")
    await house.reduce()
    await house.work()
    message = await house.message(ours)
    assert (message["status"], message["failure_code"]) == ("failed", "contact-opted-out")
    assert await left(house) == []


async def test_pictures_come_in_and_go_out(house: House, sandbox_url: str) -> None:
    assert (await connect(house)).status_code == 201
    media = [
        {"url": f"{sandbox_url}/telnyx/control/account", "content_type": "image/jpeg", "size": 9},
        {"url": f"{sandbox_url}/telnyx/control/account?b=1", "content_type": "application/pdf"},
    ]
    await say(house, "Look", media=media, type="MMS")
    await house.work()
    conversation = (await house.conversation())["id"]
    (message,) = await house.messages(conversation)
    assert (message["type"], message["text"], len(message["media"])) == ("image", "Look", 2)
    assert {each["state"] for each in message["media"]} == {"ready"}
    body = {"link": "https://example.com/a.jpg", "caption": "There"}
    answer = await house.reply(conversation, text=None, type="image", media=body)
    assert answer.status_code == 202, answer.text
    await house.work()
    assert (await house.message(answer.json()["id"]))["status"] == "sent"


async def test_what_takes_too_many_parts_is_refused_before_it_is_written(house: House) -> None:
    conversation = await opened(house)
    answer = await house.reply(conversation, "ü" * 1500)
    assert answer.status_code == 202
    answer = await house.reply(conversation, "ж" * 700)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/text")


async def test_two_organizations_and_one_person_know_nothing_of_each_other(house: House) -> None:
    others, number = new_id(), "+15005550002"
    account = {"numbers": [OURS, number]}
    assert (await house.sandbox.put("/telnyx/control/account", json=account)).status_code == 200
    assert (await connect(house)).status_code == 201
    assert (await connect(house, number, by=others)).status_code == 201
    await say(house, "STOP")
    await say(house, "Hello", to=number)
    await house.reduce()
    (ours,) = (await house.get("/v1/conversations"))["items"]
    (theirs,) = (await house.get("/v1/conversations", by=others))["items"]
    assert (ours["opted_out"], theirs["opted_out"]) == (True, False)


async def test_of_a_forgotten_contact_nothing_is_kept(house: House) -> None:
    conversation = await opened(house)
    assert (await house.reply(conversation)).status_code == 202
    await house.work()
    asking = Asking(house)
    await asking.erasure(Person("contact", UUID((await house.conversation())["contact_id"]), house.organization_id))
    await asking.work()
    for table in ("contacts", "contact_identities", "conversations", "messages", "intake_items"):
        assert await house.count(f"SELECT count(*) FROM {table}") == 0, table


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ("GSM-7", 1)),
        ("a" * 160, ("GSM-7", 1)),
        ("a" * 161, ("GSM-7", 2)),
        ("a" * 306, ("GSM-7", 2)),
        ("a" * 307, ("GSM-7", 3)),
        ("€" * 80, ("GSM-7", 1)),
        ("€" * 81, ("GSM-7", 2)),
        ("a" * 152 + "€" + "a" * 152, ("GSM-7", 3)),
        ("ж" * 70, ("UCS-2", 1)),
        ("ж" * 71, ("UCS-2", 2)),
        ("🙂" * 35, ("UCS-2", 1)),
        ("🙂" * 36, ("UCS-2", 2)),
        ("🙂" * 67, ("UCS-2", 3)),
        ("Ä ö ü ß Ñ @ £", ("GSM-7", 1)),
        ("ç", ("UCS-2", 1)),
    ],
)
def test_a_text_is_cut_as_telephones_do(words: str, expected: tuple[str, int]) -> None:
    assert parts_of(words) == expected


@given(st.text(max_size=400))
def test_parts_never_hold_less_than_they_must(words: str) -> None:
    encoding, count = parts_of(words)
    units = len(words) if encoding == "GSM-7" else len(words.encode("utf-16-be", errors="surrogatepass")) // 2
    alone, each = (160, 153) if encoding == "GSM-7" else (70, 67)
    assert count >= (1 if units <= alone else -(-units // each))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("STOP", "stop"),
        (" stop ", "stop"),
        ("Stop all", "stop"),
        ('"Unsubscribe."', "stop"),
        ("start", "start"),
        ("HELP", "help"),
        ("stop it", ""),
        ("don't stop", ""),
        ("", ""),
        ("\uff33\uff34\uff2f\uff30", "stop"),
    ],
)
def test_a_keyword_is_the_whole_text(words: str, expected: str) -> None:
    assert keyword(words) == expected
