"""What people write who mean harm is kept and told as what it is, in every answer, frame and piece of an export."""

import json
from typing import Any, Final
from uuid import UUID

import orjson
import pytest

from kit.ids import new_id
from kit.privacy.person import Person

from .chatting import Browser, chat, line, served
from .house import HOOK, House, delivery, signed, texts, value, wamid
from .lives import Asking

PAYLOADS: Final[dict[str, str]] = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover=\"alert(1)' '",
    "bidi": "\u202egnp.exe\u2066\u200b\u200d\ufeff",
    "frame": 'a\r\n\r\ndata: {"type":"MessageReceived"}\r\nid: 1\r\nevent: x',
    "json": '"}],"items":[{"id":1}\\u0022\\',
    "formula": '=HYPERLINK("http://evil.example","x")',
    "command": "@SUM(1+1)*cmd|' /C calc'!A0",
    "template": "{{constructor.constructor('x')()}} ${7*7} {% x %}",
    "separators": "a\u2028b\u2029c\x85d",
    "long": "x" * 4000,
    "script end": "</script><!--<script>",
    "sql": "'; DROP TABLE messages; --",
}


async def one_frame(port: int, browser: Browser) -> list[dict[str, Any]]:
    """The messages that a window is told at first: one frame, one JSON document."""
    async with line(port, browser) as talk:
        told = await talk.until("messages")
        return list(told["items"])


async def test_a_chat_tells_both_sides_what_was_written_and_nothing_else(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    said = [words.strip() for words in PAYLOADS.values()]
    for words in said:
        await ann.said(words)
    await house.work()
    conversation = await house.conversation()
    assert set(texts(await house.messages(conversation["id"]))) == set(said)
    for words in said:
        answer = await house.reply(conversation["id"], words, id=str(new_id()))
        assert answer.status_code == 202, answer.text
    await house.work()
    async with served(house) as port:
        items = await one_frame(port, ann)
    assert {each["text"] for each in items if not each["mine"]} == set(said)
    assert {each["text"] for each in items if each["mine"]} == set(said)
    (shown,) = (await house.get("/v1/conversations"))["items"]
    assert shown["last_message"]["excerpt"] in {words[:120] for words in said}


@pytest.mark.parametrize("name", PAYLOADS)
async def test_names_notes_labels_and_replies_come_back_as_they_are_or_are_refused(house: House, name: str) -> None:
    words = PAYLOADS[name]
    conversation = await house.open_conversation()
    path = f"/v1/conversations/{conversation['id']}"
    asked: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("/v1/labels", {"name": words}, "name"),
        ("/v1/contacts", {"name": words}, "name"),
        (f"{path}/notes", {"text": words}, "text"),
        ("/v1/canned-replies", {"short_code": "a", "title": words, "text": "x"}, "title"),
    )
    for door, body, field in asked:
        answer = await house.ask("POST", door, json=body)
        assert answer.headers["content-type"].split(";")[0] in ("application/json", "application/problem+json")
        assert answer.status_code in (201, 422), (door, answer.text)
        if answer.status_code == 201:
            told = answer.json()[field]
            assert "".join(told.split()) in "".join(words.split()), door
            assert (told == words) or not set("\r\n") & set(told), door
    written = await house.ask("POST", f"{path}/messages", json={"type": "text", "text": words})
    assert written.status_code == 202, written.text
    assert written.json()["text"] == words


async def test_what_a_platform_delivers_is_kept_whatever_it_holds(house: House) -> None:
    """Half characters and zeros, which JSON can hold and a database cannot; then all of it in an export."""
    await house.connected()
    hostile = [*PAYLOADS.values(), "half \ud800 a character", "zero \0 zero"]
    for words in hostile:
        message = {
            "from": "16505551234",
            "id": wamid(),
            "timestamp": str(house.now()),
            "type": "text",
            "text": {"body": words},
        }
        plain = json.loads(delivery(value(contacts=[], messages=[])))
        plain["entry"][0]["changes"][0]["value"] |= {
            "messages": [message],
            "contacts": [{"wa_id": "16505551234", "profile": {"name": words[:80]}}],
        }
        body = json.dumps(plain).encode()
        assert (await house.client.post(HOOK, content=body, headers=signed(body))).status_code == 200
    await house.reduce()
    conversation = await house.conversation()
    said = [each["text"] for each in await house.messages(conversation["id"])]
    assert set(PAYLOADS.values()) <= set(said)
    unread = await house.count("SELECT count(*) FROM intake_deliveries WHERE state = 'unreadable'")
    assert len(said) + unread == len(hostile), "nothing was lost, and nothing is more than one message"
    assert unread <= 1, "half a character is no JSON; it is kept as it came"
    asking = Asking(house)
    person = Person("contact", UUID(conversation["contact_id"]), house.organization_id)
    export_id = await asking.export(person)
    await asking.work()
    pieces = await asking.lines(person, export_id, 1)
    exported = orjson.dumps(pieces).decode()
    for words in ("zero", "DROP TABLE"):
        assert words in exported
