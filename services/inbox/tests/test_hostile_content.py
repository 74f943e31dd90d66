"""What people write who mean harm is kept and told as what it is, in every answer, frame, mail, table and export."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote
from uuid import UUID

import orjson
import pytest

from inbox.chat.files import name_of
from kit.ids import new_id
from kit.privacy.person import Person
from kit.testing.hostile import FORMULAS, PAYLOADS, UNWRITABLE

from . import test_contact_form as forms
from . import test_direct as direct
from . import test_sms as sms
from .broadcasting import PATH as BROADCASTS
from .broadcasting import message
from .chatting import Browser, chat, line, served
from .exporting import downloaded, exported
from .house import HOOK, House, delivery, signed, texts, value, wamid
from .lives import Asking
from .test_chat_files import PDF
from .test_fields import define
from .test_templates import approved

WORDS: Final = list(PAYLOADS.values())


async def test_a_chat_tells_both_sides_what_was_written_and_nothing_else(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    said = [words.strip() for words in WORDS]
    for words in said:
        await ann.said(words)
        await house.forward(10)
    await house.work()
    conversation = await house.conversation()
    assert set(texts(await house.messages(conversation["id"]))) == set(said)
    async with served(house) as port, line(port, ann) as talk:
        await talk.until("messages")
        assert {each["text"] for each in talk.items} == set(said)
        for words in said:
            answer = await house.reply(conversation["id"], words, id=str(new_id()))
            assert answer.status_code == 202, answer.text
        await house.work()
        while len({each["id"] for each in talk.items}) < 2 * len(said):
            told = await talk.next()
            assert told["event"] != "pwned"
        assert {each["text"] for each in talk.items if each["mine"]} == set(said)
        assert {each["text"] for each in talk.items if not each["mine"]} == set(said)
    (shown,) = (await house.get("/v1/conversations"))["items"]
    assert shown["last_message"]["excerpt"] in {words[:120] for words in said}


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to write in and about."""

    conversation: str
    contact: str
    channel: str
    template: str

    @classmethod
    async def of(cls, house: House) -> "Scene":
        template, _ = await approved(house)
        await house.say()
        await house.reduce()
        talk = await house.conversation()
        await define(house, "town")
        await define(house, "secret", personal=True)
        return cls(talk["id"], talk["contact_id"], talk["channel_id"], template["id"])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text is written: the door, the body, which field it is, and the list that tells it again."""

    method: str
    path: str
    body: dict[str, Any]
    field: str
    listed: str = ""


def at(scene: Scene, kind: str, words: str, number: int) -> Place:
    talk, person = f"/v1/conversations/{scene.conversation}", f"/v1/contacts/{scene.contact}"
    canned = {"short_code": f"s{number}", "title": "t", "text": "x", "shared": True}
    wave = {"channel_id": scene.channel, "audience": {"everyone": True}, "messages": [message(scene.template)]}
    sent = {"type": "text", "text": words}
    return {
        "a message": Place("POST", f"{talk}/messages", sent, "text", f"{talk}/messages"),
        "a note": Place("POST", f"{talk}/notes", {"text": words}, "text", f"{talk}/notes"),
        "a contact's name": Place("POST", "/v1/contacts", {"name": words}, "name", "/v1/contacts"),
        "a label": Place("POST", "/v1/labels", {"name": words}, "name", "/v1/labels"),
        "a canned reply": Place(
            "POST", "/v1/canned-replies", {**canned, "text": words}, "text", "/v1/canned-replies"
        ),
        "its title": Place("POST", "/v1/canned-replies", {**canned, "title": words}, "title", "/v1/canned-replies"),
        "a field": Place("PATCH", f"{person}/attributes", {"values": {"town": words}}, "values/town"),
        "a sealed field": Place("PATCH", f"{person}/attributes", {"values": {"secret": words}}, "values/secret"),
        "a broadcast's name": Place("POST", BROADCASTS, {**wave, "name": words}, "name", BROADCASTS),
    }[kind]


MANY_LINES: Final = frozenset({"a message", "a note", "a canned reply", "a field", "a sealed field"})
"""Places in which a text may have lines; all others take one, without signs that steer."""

REFUSED: Final = {
    "a canned reply": {PAYLOADS["braces"]},
    "a field": {PAYLOADS["long"]},
    "a sealed field": {PAYLOADS["long"]},
}
"""What means something where it is written, or is too long for it."""


@pytest.mark.parametrize(
    "kind", [*sorted(MANY_LINES), "a contact's name", "a label", "its title", "a broadcast's name"]
)
async def test_a_text_comes_back_as_it_is_or_its_field_is_refused(house: House, kind: str) -> None:
    scene, taken, where = await Scene.of(house), set(), None
    for number, words in enumerate([*WORDS, *UNWRITABLE.values()]):
        where = at(scene, kind, words, number)
        headers = {"content-type": "application/json"}
        answer = await house.ask(where.method, where.path, content=json.dumps(where.body), headers=headers)
        told = answer.json()
        if answer.status_code == 422:
            assert answer.headers["content-type"] == "application/problem+json"
            assert told["errors"][0]["pointer"] == f"#/{where.field}", (words, answer.text)
            assert words in REFUSED.get(kind, ()) or words in UNWRITABLE.values() or kind not in MANY_LINES, words
            continue
        assert answer.status_code in (200, 201, 202), (words, answer.text)
        assert answer.headers["content-type"] == "application/json"
        for name in where.field.split("/"):
            told = told[name]
        assert told == (words if kind in MANY_LINES else words.strip()), kind
        assert kind in MANY_LINES or not set("\r\n\0\u2028") & set(told)
        taken.add(told)
    assert where is not None
    assert len(taken) >= 18
    if where.listed:
        items = (await house.get(f"{where.listed}?limit=100"))["items"]
        assert taken <= {each[where.field] for each in items}


async def test_the_name_of_a_file_is_one_line_in_answers_and_headers(house: House) -> None:
    ann = await Browser(house, (await chat(house))["key"]).arrived()
    await ann.said("Hello")
    await house.work()
    conversation = await house.conversation()
    taken: list[str] = []
    for words in [*WORDS, UNWRITABLE["zero"]]:
        path = f"/v1/conversation-files/{conversation['id']}/{new_id()}"
        answer = await house.ask("POST", path, content=PDF, headers={"file-name": quote(words)})
        assert answer.status_code in (202, 422), answer.text
        taken += [name_of(quote(words))] if answer.status_code == 202 else []
    await house.work()
    assert len(taken) >= len(WORDS) - 2
    media = [each["media"][0] for each in await house.messages(conversation["id"]) if each["media"]]
    names = []
    for medium in media:
        answer = await house.ask("GET", f"/v1/media/{medium['id']}")
        shown, _, name = answer.headers["content-disposition"].partition("; filename*=UTF-8''")
        assert (answer.status_code, shown, answer.headers["x-content-type-options"]) == (200, "attachment", "nosniff")
        assert name.isascii()
        assert not set(name) & set("\r\n\"';<> /\\")
        names.append(unquote(name))
    assert all(each.isprintable() for each in names)
    assert len(names) == len(taken)


def told_by_whatsapp(house: House, words: str) -> bytes:
    """A message with these words in it, and in the name of its writer."""
    written = {"from": "16505551234", "id": wamid(), "timestamp": str(house.now()), "type": "text"}
    profile = {"wa_id": "16505551234", "profile": {"name": words[:80]}}
    plain = json.loads(delivery(value(contacts=[], messages=[])))
    plain["entry"][0]["changes"][0]["value"] |= {
        "messages": [written | {"text": {"body": words}}],
        "contacts": [profile],
    }
    return json.dumps(plain).encode()


async def test_what_a_platform_delivers_is_kept_and_exported_whatever_it_holds(house: House) -> None:
    """Half characters and zeros, too, which JSON can hold and a database cannot."""
    await house.connected()
    for words in (*WORDS, *UNWRITABLE.values()):
        body = told_by_whatsapp(house, words)
        assert (await house.client.post(HOOK, content=body, headers=signed(body))).status_code == 200
    await house.reduce()
    conversation = await house.conversation()
    said = [each["text"] for each in await house.messages(conversation["id"])]
    assert sorted(said) == sorted([*WORDS, "a\0b", "a\ufffdb"])
    assert await house.count("SELECT count(*) FROM intake_deliveries WHERE state = 'unreadable'") == 0
    asking = Asking(house)
    person = Person("contact", UUID(conversation["contact_id"]), house.organization_id)
    export_id = await asking.export(person)
    await asking.work()
    pieces = await asking.lines(person, export_id, 1)
    assert set(said) <= set(strings(orjson.loads(orjson.dumps(pieces))))


def strings(told: object) -> Iterator[str]:
    match told:
        case str():
            yield told
        case list():
            for each in told:
                yield from strings(each)
        case dict():
            for each in told.values():
                yield from strings(each)


async def by_whatsapp(house: House) -> None:
    await house.connected()
    body = told_by_whatsapp(house, UNWRITABLE["half"])
    assert (await house.client.post(HOOK, content=body, headers=signed(body))).status_code == 200


async def by_messenger(house: House) -> None:
    assert (await direct.connect(house)).status_code == 201
    told = {"id": direct.PAGE, "messaging": [direct.event(house, direct.said("m", UNWRITABLE["half"]))]}
    body = json.dumps({"object": "page", "entry": [told]}).encode()
    assert (await house.client.post("/v1/webhooks/messenger", content=body, headers=signed(body))).status_code == 200


async def by_sms(house: House) -> None:
    assert (await sms.connect(house)).status_code == 201
    data = {"event_type": "message.received", "id": str(new_id()), "payload": sms.text(UNWRITABLE["half"])}
    body = json.dumps({"data": data}).encode()
    answer = await house.client.post(sms.HOOK, content=body, headers=sms.signed(house, body))
    assert answer.status_code == 200


@pytest.mark.parametrize("come", [by_whatsapp, by_messenger, by_sms])
async def test_half_a_character_takes_nothing_of_its_delivery_away(house: House, come: Callable[..., Any]) -> None:
    await come(house)
    await house.reduce()
    assert texts(await house.messages((await house.conversation())["id"])) == ["a\ufffdb"]


@pytest.mark.parametrize("packed", [None, forms.urlencoded, forms.multipart])
async def test_what_a_form_brings_is_shown_or_held_as_it_was_written(house: House, packed: Any) -> None:
    made = await forms.form(house)
    for words in WORDS:
        said = {"message": words, "email": forms.ANN, "name": words[:60], "subject": words[:60]}
        if packed is None:
            answer = await forms.send(house, made["key"], said)
        else:
            body, kind = packed(said)
            headers = {"content-type": kind, "origin": forms.SHOP}
            answer = await house.client.post(f"/v1/forms/{made['key']}", content=body, headers=headers)
        assert answer.status_code in (200, 202), (words, answer.text)
        assert "pwned" not in answer.text
    await house.work()
    held = (await house.get("/v1/held-submissions?limit=100"))["items"]
    shown = await house.messages((await house.conversation())["id"])
    told = [each["message"] for each in held] + texts(shown)
    assert sorted(map(plain, told)) == sorted(plain(each.strip()) for each in WORDS)
    one_line = [each["name"] for each in held] + [each["subject"] for each in held]
    assert all(len((each or "").splitlines()) <= 1 for each in one_line)


HEADERS: Final = {
    "from",
    "to",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
}


async def test_a_mail_that_answers_a_form_has_no_line_but_its_own(house: House) -> None:
    """What an agent writes is text there and nothing else; nor does the name of the form end a header."""
    made = await forms.form(house, reply_to="shop@example.com")
    await forms.sent(house, made["key"])
    await house.work()
    conversation = await house.conversation()
    for words in WORDS:
        answer = await house.reply(conversation["id"], words, id=str(new_id()))
        assert answer.status_code == 202, answer.text
    await house.work()
    mails = (await house.sandbox.get("/mailbox/messages", params={"to": forms.ANN, "limit": 100})).json()["items"]
    assert sorted(plain(each["text"]) for each in mails) == sorted(map(plain, WORDS))
    for mail in mails:
        assert (mail["html"], mail["to"], mail["subject"]) == (None, [forms.ANN], "Your message to Shop")
        names = [name.lower() for name, _ in as_pairs(mail["headers"])]
        assert set(names) <= HEADERS
        assert len(names) == len(set(names))
    for stranger in ("victim@example.com", "pwned@example.com"):
        assert await forms.mails(house, stranger) == []


def plain(text: str) -> str:
    """Whatever ends a line is the same in a mail, and ends of the whole do not count."""
    return "\n".join(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).rstrip()


def as_pairs(headers: Any) -> list[tuple[str, str]]:
    return list(headers.items()) if isinstance(headers, Mapping) else [(each[0], each[1]) for each in headers]


async def test_the_name_of_a_form_stays_in_its_header(house: House) -> None:
    made = await forms.form(house, reply_to="shop@example.com")
    await forms.sent(house, made["key"])
    await house.work()
    conversation, version, renamed = await house.conversation(), 1, []
    for words in WORDS:
        path = f"/v1/site-channels/{made['channel_id']}"
        answer = await house.ask("PATCH", path, json={"name": words}, headers={"if-match": f'"v{version}"'})
        if answer.status_code == 422:
            assert answer.json()["errors"][0]["pointer"] == "#/name"
            continue
        assert answer.status_code == 200, answer.text
        version += 1
        renamed.append(words)
        assert (await house.reply(conversation["id"], "Hi", id=str(new_id()))).status_code == 202
        await house.work()
    mails = (await house.sandbox.get("/mailbox/messages", params={"to": forms.ANN, "limit": 100})).json()["items"]
    assert len(mails) == len(renamed) >= 18
    for mail in mails:
        assert {name.lower() for name, _ in as_pairs(mail["headers"])} <= HEADERS
        assert (plain(mail["text"]), mail["html"], mail["to"]) == ("Hi", None, [forms.ANN])
        unfolded = mail["subject"].replace("\r\n ", " ").strip()
        assert unfolded.startswith("Your message to ")
        assert len(unfolded.splitlines()) == 1


async def test_contacts_leave_as_a_table_with_one_row_each_and_no_formula(house: House) -> None:
    await house.connected()
    await define(house, "town")
    expected: dict[str, tuple[str, str]] = {}
    for number, words in enumerate((*WORDS, UNWRITABLE["zero"])):
        person = f"1650555{number:04d}"
        written = {"from": person, "id": wamid(), "timestamp": str(house.now()), "type": "text"}
        profile = {"wa_id": person, "profile": {"name": words[:200]}}
        await house.hook(value(contacts=[profile], messages=[written | {"text": {"body": "Hello"}}]))
        expected[person] = (words[:200], words[:1000])
    await house.reduce()
    for person, (_, town) in expected.items():
        found = await house.ask("POST", "/v1/contacts/lookup", json={"kind": "whatsapp_id", "value": person})
        path = f"/v1/contacts/{found.json()['items'][0]['id']}/attributes"
        answer = await house.ask("PATCH", path, json={"values": {"town": town}})
        assert answer.status_code == (422 if "\0" in town else 200), answer.text
    answer = await downloaded(house, await exported(house))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert b"\0" not in answer.content
    heading, *rows = csv.reader(io.StringIO(answer.text, newline=""), strict=True)
    assert len(rows) == len(expected)
    for row in rows:
        told = dict(zip(heading, row, strict=True))
        name, town = expected[told["whatsapp_id"]]
        assert not any(cell.startswith(FORMULAS) for cell in row)
        assert undefused(told["name"]) == name.replace("\0", "")
        assert undefused(told["town"]) == ("" if "\0" in town else town)


def undefused(cell: str) -> str:
    """What somebody had written; an apostrophe leads a formula in, and what had one of its own keeps it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULAS) else cell
