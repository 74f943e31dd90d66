"""Contact forms: bodies of all kinds, spam kept apart, replies that leave as mail."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.forms.model import Submission, normal_phone
from inbox.forms.spam import suspicion
from inbox.forms.stamps import Stamps
from inbox.sites.model import leads_to, normal_origin
from kit.ids import new_id
from kit.privacy.person import Person

from .house import House
from .lives import Asking

SHOP: Final = "https://shop.example.com"
ANN: Final = "ann@example.com"


async def form(house: House, *, by: Any = None, **rules: Any) -> dict[str, Any]:
    body = {"kind": "contact_form", "name": "Shop", "allowed_origins": [SHOP], "rules": rules}
    answer = await house.ask("POST", "/v1/site-channels", by=by, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def send(house: House, key: str, body: Mapping[str, Any], *, origin: str = SHOP) -> httpx.Response:
    headers = {"origin": origin} if origin else {}
    return await house.client.post(f"/v1/forms/{key}", json=body, headers=headers)


async def sent(house: House, key: str, **more: Any) -> str:
    answer = await send(house, key, {"message": "Do you ship to Peru?", "email": ANN, "name": "Ann"} | more)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def mails(house: House, to: str = ANN) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await house.sandbox.get("/mailbox/messages", params={"to": to})).json()["items"]
    return items


def multipart(fields: Mapping[str, str]) -> tuple[bytes, str]:
    parts = [
        f'--b0\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    return "".join((*parts, "--b0--\r\n")).encode(), "multipart/form-data; boundary=b0"


def urlencoded(fields: Mapping[str, str]) -> tuple[bytes, str]:
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


@pytest.mark.parametrize("packed", [urlencoded, multipart])
async def test_a_form_of_a_page_becomes_a_conversation_whatever_it_is_sent_as(house: House, packed: Any) -> None:
    made = await form(house)
    said = {"message": "Grüße\r\nan alle", "email": "Ann@Example.com", "name": "Ann", "order": "17", "phone": ""}
    body, kind = packed(said)
    answer = await house.client.post(
        f"/v1/forms/{made['key']}", content=body, headers={"content-type": kind, "origin": SHOP}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    await house.work()
    conversation = await house.conversation()
    assert (conversation["contact_name"], conversation["channel_kind"]) == ("Ann", "contact_form")
    (message,) = await house.messages(conversation["id"])
    assert message["text"].replace("\r\n", "\n") == "Grüße\nan alle"
    assert (message["detail"]["fields"], message["detail"]["email"]) == ({"order": "17"}, "Ann@example.com")


async def test_the_same_message_sent_twice_is_one_and_its_sender_one_contact(house: House) -> None:
    made = await form(house)
    own = str(new_id())
    first = [await sent(house, made["key"], id=own) for _ in range(2)]
    second = [await sent(house, made["key"], id=str(new_id()), message="Hello again", email=ANN.upper())]
    await house.work(workers=2)
    assert len(set(first)) == 1 != len({*first, *second})
    conversation = await house.conversation()
    assert [each["text"] for each in await house.messages(conversation["id"])] == [
        "Do you ship to Peru?",
        "Hello again",
    ]
    assert await house.count("SELECT count(*) FROM contacts") == 1


async def test_a_stamp_makes_a_form_that_was_sent_twice_one_message_and_two_forms_two(house: House) -> None:
    made = await form(house)
    stamps = []
    for _ in range(2):
        shown = await house.client.get(f"/v1/forms/{made['key']}", headers={"origin": SHOP})
        assert shown.headers["access-control-allow-origin"] == SHOP
        stamps.append(shown.json()["stamp"])
    await house.forward(5)
    ids = [await sent(house, made["key"], stamp=stamp) for stamp in (*stamps, stamps[0])]
    assert ids[0] == ids[2] != ids[1]
    await house.work()
    assert len(await house.messages((await house.conversation())["id"])) == 2


async def test_two_organizations_have_their_own_forms_contacts_and_held_messages(house: House) -> None:
    other = new_id()
    ours, theirs = await form(house), await form(house, by=other)
    await sent(house, ours["key"], message="to us")
    await sent(house, theirs["key"], message="to them")
    await sent(house, theirs["key"], message="buy", website="x")
    await house.work()
    mine, their = await house.conversation(), await house.conversation(by=other)
    assert mine["contact_id"] != their["contact_id"]
    (held,) = (await house.get("/v1/held-submissions", by=other))["items"]
    assert (await house.get("/v1/held-submissions"))["items"] == []
    assert (await house.ask("POST", f"/v1/held-submissions/{held['id']}/release")).status_code == 404
    assert (await house.ask("GET", f"/v1/site-channels/{theirs['channel_id']}")).status_code == 404
    assert (await house.ask("GET", f"/v1/conversations/{their['id']}")).status_code == 404


async def test_spam_is_answered_like_anything_else_kept_apart_and_released_once(house: House) -> None:
    made = await form(house, blocked_words=["Bargain"])
    trapped = await sent(house, made["key"], message="A", website="https://spam.example")
    blocked = await sent(house, made["key"], message="A bargain for you")
    forged = await sent(house, made["key"], message="C", stamp="A" * 43)
    links = " ".join(f"https://{n}.example" for n in range(9))
    await sent(house, made["key"], message=links)
    await house.work()
    assert (await house.get("/v1/conversations"))["items"] == []
    held = {each["id"]: each for each in (await house.get("/v1/held-submissions"))["items"]}
    assert len(held) == 4
    assert "hidden-field" in held[trapped]["reasons"]
    assert "blocked-word" in held[blocked]["reasons"]
    assert "stamp-forged" in held[forged]["reasons"]
    path = f"/v1/held-submissions/{blocked}"
    assert (await house.ask("POST", f"{path}/release")).json()["state"] == "released"
    assert (await house.ask("POST", f"{path}/release")).status_code == 409
    assert (await house.ask("POST", f"/v1/held-submissions/{forged}/discard")).json()["state"] == "discarded"
    await house.work()
    (message,) = await house.messages((await house.conversation())["id"])
    assert message["text"] == "A bargain for you"
    assert {line.action for line in await house.audited()} >= {
        "inbox.submission.released",
        "inbox.submission.discarded",
    }
    await house.forward(31 * 86400)
    while await house.parts.forms.purge():
        pass
    assert await house.count("SELECT count(*) FROM held_submissions") == 0


async def test_a_reply_leaves_as_mail_once_in_plain_text_to_the_address_in_the_form(house: House) -> None:
    made = await form(house, reply_to="shop@example.com")
    await sent(house, made["key"])
    await house.work()
    conversation = await house.conversation()
    assert conversation["cannot_answer"] is None
    hostile = "<script>alert(1)</script>\nBcc: victim@example.com\r\n.\r\nYes"
    message_id = str(new_id())
    answers = [await house.reply(conversation["id"], hostile, id=message_id) for _ in range(2)]
    assert {each.status_code for each in answers} == {202}
    await house.work()
    (mail,) = await mails(house)
    assert mail["subject"] == "Your message to Shop"
    assert "<script>" in mail["text"]
    assert (mail["html"], mail["to"]) == (None, [ANN])
    assert await mails(house, "victim@example.com") == []
    headers = {name.lower(): told for name, told in dict(mail["headers"]).items()}
    assert "shop@example.com" in str(headers["reply-to"])
    shown = await house.message(message_id)
    assert shown["status"] == "sent"


async def test_without_an_address_for_answers_the_conversation_says_why_it_cannot_be_answered(house: House) -> None:
    made = await form(house)
    await sent(house, made["key"])
    await house.work()
    conversation = await house.conversation()
    assert "contact form" in conversation["cannot_answer"]
    refused = await house.reply(conversation["id"])
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:rostrum:problem:channel-does-not-answer")
    path = f"/v1/site-channels/{made['channel_id']}"
    change = {"rules": {"reply_to": "shop@example.com"}}
    changed = await house.ask("PATCH", path, json=change, headers={"if-match": '"v1"'})
    assert changed.status_code == 200, changed.text
    assert (await house.conversation())["cannot_answer"] is None
    assert (await house.reply(conversation["id"])).status_code == 202
    stale = await house.ask("PATCH", path, json=change, headers={"if-match": '"v1"'})
    assert stale.status_code == 412


async def test_a_mail_that_is_refused_fails_the_reply_and_no_address_is_kept_beside_it(house: House) -> None:
    made = await form(house, reply_to="shop@example.com")
    await sent(house, made["key"])
    await house.work()
    conversation = await house.conversation()
    fault = {"kind": "refuse_before_effect", "code": 550, "text": "5.1.1 no such user ann@example.com"}
    answer = await house.sandbox.put("/control/mailbox/faults", json=[fault])
    assert answer.status_code < 300, answer.text
    message_id = (await house.reply(conversation["id"])).json()["id"]
    await house.work()
    shown = await house.message(message_id)
    assert (shown["status"], shown["failure_code"]) == ("failed", "550")
    assert await house.count("SELECT count(*) FROM ledger_attempts WHERE said LIKE '%ann@%'") == 0


async def test_only_pages_of_allowed_origins_may_send_and_be_gone_on_to(house: House) -> None:
    made = await form(house, redirect_to=f"{SHOP}/thanks")
    said = {"message": "Hi", "email": ANN}
    for origin in (
        "https://evil.example",
        "null",
        "https://shop.example.com.evil.example",
        "http://shop.example.com",
    ):
        refused = await send(house, made["key"], said, origin=origin)
        assert (refused.status_code, refused.headers.get("access-control-allow-origin")) == (403, None), origin
    asked = await house.client.options(f"/v1/forms/{made['key']}", headers={"origin": SHOP})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, SHOP)
    assert (
        await house.client.options(f"/v1/forms/{made['key']}", headers={"origin": "https://a.b"})
    ).status_code == 403
    assert (await send(house, "cf_0000", said)).status_code == 404
    for redirect in (
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "https://shop.example.com@evil.example/",
        "https://shop.example.com\\@evil.example",
        "/relative",
        "https://shop.example.com:444/",
    ):
        body, kind = urlencoded({**said, "redirect": redirect})
        answer = await house.client.post(
            f"/v1/forms/{made['key']}", content=body, headers={"content-type": kind, "origin": SHOP}
        )
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/redirect"), redirect
    body, kind = urlencoded(said)
    answer = await house.client.post(f"/v1/forms/{made['key']}", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{SHOP}/thanks")
    bad = {"kind": "contact_form", "name": "x", "allowed_origins": [SHOP], "rules": {"redirect_to": "https://a.b/"}}
    refused = await house.ask("POST", "/v1/site-channels", json=bad)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/rules/redirect_to")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": ANN}, "#/message"),
        ({"message": "", "email": ANN}, "#/message"),
        ({"message": "x" * 10_001, "email": ANN}, "#/message"),
        ({"message": "x", "email": "nobody"}, "#/email"),
        ({"message": "x", "email": "a@b.example\r\nBcc: c@d.example"}, "#/email"),
        ({"message": "x"}, "#"),
        ({"message": "x", "phone": "12345"}, "#"),
        ({"message": "x", "email": ANN, "name": "n" * 201}, "#/name"),
        ({"message": "x", "email": ANN, "fields": {f"f{n}": "v" for n in range(31)}}, "#/fields"),
        ({"message": "x", "email": ANN, "fields": {"a": "v" * 2001}}, "#/fields/a"),
        ({"message": "x", "email": ANN, "unheard": "of"}, "#/unheard"),
        ([], "#"),
    ],
)
async def test_what_a_form_cannot_hold_is_refused_by_the_name_of_its_field(
    house: House, body: Any, pointer: str
) -> None:
    made = await form(house)
    answer = await send(house, made["key"], body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].rstrip("/") == pointer
    assert answer.headers["access-control-allow-origin"] == SHOP


async def test_what_is_no_form_is_refused(house: House) -> None:
    made = await form(house)
    path = f"/v1/forms/{made['key']}"
    upload = b'--b0\r\nContent-Disposition: form-data; name="message"; filename="a.txt"\r\n\r\nx\r\n--b0--\r\n'
    for content, kind, status in (
        (b"message=x", "text/plain", 415),
        (b"message=%ff&email=a%40b.example", "application/x-www-form-urlencoded", 422),
        (b"&".join(b"f%d=1" % n for n in range(100)), "application/x-www-form-urlencoded", 422),
        (upload, "multipart/form-data; boundary=b0", 422),
        (b"nothing", "multipart/form-data; boundary=b0", 422),
        (b"nothing", "multipart/form-data", 422),
    ):
        answer = await house.client.post(path, content=content, headers={"content-type": kind})
        assert answer.status_code == status, (kind, content[:40], answer.text)


async def test_a_name_in_a_form_renames_nobody_who_is_known(house: House) -> None:
    made = await form(house)
    await sent(house, made["key"], name="Ann")
    await house.work()
    await sent(house, made["key"], name="Mallory", message="other words")
    await house.work()
    assert (await house.conversation())["contact_name"] == "Ann"


async def test_who_writes_somebody_elses_number_beside_an_address_is_not_that_person(house: House) -> None:
    made = await form(house)
    number = "+4915112345678"
    await sent(house, made["key"], email=None, phone=number, name="Bob")
    await house.work()
    await sent(house, made["key"], email="mallory@example.com", phone=number, name="Mallory")
    await house.work()
    found = (await house.get("/v1/conversations"))["items"]
    assert {each["contact_name"] for each in found} == {"Bob", "Mallory"}


async def test_who_wrote_through_a_form_is_forgotten_with_all_they_wrote(house: House) -> None:
    made = await form(house, reply_to="shop@example.com")
    await sent(house, made["key"])
    await house.work()
    conversation = await house.conversation()
    await house.reply(conversation["id"])
    await house.work()
    person = Person("contact", UUID(conversation["contact_id"]), house.organization_id)
    asking = Asking(house)
    await asking.erasure(person)
    await asking.work()
    assert await house.count("SELECT count(*) FROM intake_items WHERE verdict = 'applied'") == 0
    assert await house.count("SELECT count(*) FROM messages") == 0
    assert await house.count("SELECT count(*) FROM contact_identities") == 0


async def test_a_channel_on_pages_is_shown_changed_and_given_up(house: House) -> None:
    made = await form(house)
    assert (made["secret"], made["rules"]["hold_at"]) == (None, 4)
    assert f"/v1/forms/{made['key']}" in made["snippet"]
    (listed,) = (await house.get("/v1/site-channels"))["items"]
    (channel,) = (await house.get("/v1/channels"))["items"]
    assert (listed["key"], channel["id"], channel["answers"]) == (made["key"], made["channel_id"], False)
    rotated = await house.ask("POST", f"/v1/site-channels/{made['channel_id']}/secret")
    assert (rotated.status_code, rotated.json()["type"]) == (409, "urn:rostrum:problem:no-secret-here")
    wrong = {"look": {"title": "x"}}
    answer = await house.ask(
        "PATCH", f"/v1/site-channels/{made['channel_id']}", json=wrong, headers={"if-match": '"v1"'}
    )
    assert answer.json()["errors"][0]["pointer"] == "#/look"
    assert (await house.ask("DELETE", f"/v1/channels/{made['channel_id']}")).status_code == 200
    assert (await send(house, made["key"], {"message": "x", "email": ANN})).status_code == 404


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Shop.Example.com", "https://shop.example.com"),
        ("https://shop.example.com:443/", "https://shop.example.com"),
        ("https://shop.example.com:8443", "https://shop.example.com:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://shop.example.com", ""),
        ("https://shop.example.com/path", ""),
        ("https://a@shop.example.com", ""),
        ("https://*.example.com", ""),
        ("https://", ""),
        ("null", ""),
        ("https://shop.example.com:99999", ""),
        ("https://[::1", ""),
    ],
)
def test_an_origin_has_one_spelling_or_is_none(text: str, origin: str) -> None:
    assert normal_origin(text) == origin


@given(st.text(max_size=80))
def test_no_text_leads_anywhere_but_to_an_allowed_origin(text: str) -> None:
    for address in (text, f"https://{text}", f"{SHOP}{text}"):
        if leads_to([SHOP], address):
            assert address.lower().startswith((f"{SHOP}/", f"{SHOP}?", f"{SHOP}#", f"{SHOP}:443")) or (
                address.lower() == SHOP
            )


@given(st.text(max_size=60), st.integers(min_value=0, max_value=200_000))
def test_only_our_own_stamps_are_read_and_only_for_their_form(junk: str, age: int) -> None:
    from datetime import UTC, datetime, timedelta

    now = datetime(2026, 1, 1, tzinfo=UTC)
    ours, theirs = Stamps(b"k" * 32, "cf_1"), Stamps(b"k" * 32, "cf_2")
    stamp = ours.make(now)
    later = now + timedelta(seconds=age)
    expected = "too-fast" if age < 3 else "good" if age <= 86400 else "too-old"
    assert ours.read(stamp, later)[0] == expected
    assert theirs.read(stamp, later) == ("forged", "")
    assert ours.read(junk, later)[0] in ("forged", "missing")


@given(st.text(max_size=300), st.booleans())
def test_more_reasons_never_make_a_message_look_better(words: str, trapped: bool) -> None:
    plain = Submission("k", words)
    less, _ = suspicion(plain, shown="good", trapped=trapped)
    more, reasons = suspicion(plain, shown="forged", trapped=True, blocked=[words] if words.strip() else [])
    assert more >= less
    assert len(reasons) >= 2


def test_a_number_is_known_in_one_spelling() -> None:
    assert normal_phone("0049 (151) 1234-5678") == normal_phone("+49 151 12345678") == "+4915112345678"
    assert normal_phone("call me") == "call me"
