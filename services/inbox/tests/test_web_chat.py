"""Web chat: who a visitor is, what they see, and that nothing of it is lost or anybody else's."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.events.passing import SEEN_BY, passed
from inbox.chat import widget
from inbox.chat.model import hashed, proof, proves
from inbox.chat.passing import Passing
from inbox.chat.service import ChatService
from kit.ids import new_id
from kit.privacy.person import Person
from kit.testing.programs import eventually

from .chatting import SHOP, Browser, chat, line, served
from .house import House
from .lives import Asking


async def conversations(house: House, by: UUID | None = None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await house.get("/v1/conversations", by=by))["items"]
    return items


async def test_a_visitor_writes_and_is_answered_live_and_receipts_raise_the_status(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    async with served(house) as port, house.working(), line(port, ann) as talk:
        own = str(new_id())
        await talk.tell(type="say", id=own, text="Hello")
        await talk.tell(type="say", id=own, text="Hello")
        assert (await talk.until("taken"))["id"] == own
        mine = await talk.seen("Hello")
        assert (mine["mine"], mine["client_id"]) == (True, own)
        conversation = await house.conversation()
        assert [each["text"] for each in await house.messages(conversation["id"])] == ["Hello"]
        answer = await house.reply(conversation["id"], "Hi Ann")
        assert answer.status_code == 202, answer.text
        theirs = await talk.seen("Hi Ann")
        assert (theirs["mine"], theirs["status"]) == (False, "sent")
        await talk.tell(type="seen", status="delivered", messages=[theirs["id"]])
        await eventually(lambda: stands_or_more(house, theirs["id"], "delivered"))
        await talk.tell(type="seen", status="read", messages=[theirs["id"]])
        await eventually(lambda: stands_or_more(house, theirs["id"], "read"))
        await talk.tell(type="seen", status="delivered", messages=[theirs["id"]])
    await house.work()
    assert (await house.message(theirs["id"]))["status"] == "read"


async def stands_or_more(house: House, message_id: str, status: str) -> bool:
    order = ["queued", "sent", "delivered", "read"]
    return order.index((await house.message(message_id))["status"]) >= order.index(status)


async def test_what_was_answered_while_nobody_was_there_is_told_at_the_next_visit(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    await ann.said("Hello")
    await house.work()
    (first,) = await ann.history()
    conversation = await house.conversation()
    for words in ("one", "two"):
        assert (await house.reply(conversation["id"], words)).status_code == 202
    await house.work()
    assert (await ann.visit()).json()["visitor_id"] == ann.visitor_id
    async with served(house) as port:
        async with line(port, ann, after=first["id"]) as talk:
            await talk.seen("two")
            assert [each["text"] for each in talk.items] == ["one", "two"]
        last = talk.items[-1]["id"]
        async with line(port, ann, after=last) as talk:  # not acknowledged: told again
            await talk.seen("two")
        async with house.working():
            assert (await ann.acknowledge("read", *(each["id"] for each in await ann.history()))).status_code == 204
            await eventually(lambda: stands_or_more(house, last, "read"))
        assert await ann.history(after=last) == []


async def test_long_asking_hears_of_an_answer_as_soon_as_it_is_there(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    await ann.said("Hello")
    await house.work()
    (first,) = await ann.history()
    asking = asyncio.create_task(ann.history(after=first["id"], wait=25))
    async with house.working():
        await house.reply((await house.conversation())["id"], "there")
        (told,) = await asking
    assert told["text"] == "there"


async def test_a_visitor_sees_their_own_conversation_and_nobody_elses(house: House) -> None:
    other = new_id()
    ours, theirs = await chat(house), await chat(house, by=other)
    ann, bob = await Browser(house, ours["key"]).arrived(), await Browser(house, ours["key"]).arrived()
    eve = await Browser(house, theirs["key"]).arrived()
    for browser, words in ((ann, "I am Ann"), (bob, "I am Bob"), (eve, "I am Eve")):
        await browser.said(words)
    await house.work()
    for each in await conversations(house):
        await house.reply(each["id"], f"to {(await house.messages(each['id']))[0]['text']}")
    await house.work()
    assert await ann.texts() == ["I am Ann", "to I am Ann"]
    assert await bob.texts() == ["I am Bob", "to I am Bob"]
    assert await eve.texts() == ["I am Eve"]
    answer = (await ann.history())[1]["id"]
    await bob.acknowledge("read", answer)
    await house.work()
    assert (await house.message(answer))["status"] == "sent"
    assert await bob.history(after=answer) == await bob.history()
    stolen = Browser(house, theirs["key"], token=ann.token)
    for refused in (await stolen.say("x"), await stolen.acknowledge("read", answer)):
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:rostrum:problem:visitor-unknown")
    assert len(await conversations(house, by=other)) == 1


async def test_only_pages_of_allowed_origins_come_in(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    for origin in ("https://evil.example", "null", "", "https://shop.example.com.evil.example"):
        assert (await Browser(house, made["key"], origin=origin).visit()).status_code == 403
        refused = await Browser(house, made["key"], origin=origin, token=ann.token).say("x")
        assert (refused.status_code, refused.headers.get("access-control-allow-origin")) == (403, None)
    path = f"/v1/chat/{made['key']}/messages"
    asked = await house.client.options(path, headers={"origin": SHOP})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, SHOP)
    async with served(house) as port:
        for browser, origin, status in (
            (ann, "https://evil.example", 403),
            (Browser(house, made["key"], token="rvt_no"), SHOP, 401),
            (Browser(house, "wc_nothing", token=ann.token), SHOP, 404),
        ):
            with pytest.raises(InvalidStatus) as refusal:
                async with line(port, browser, origin=origin):
                    pass
            assert refusal.value.response.status_code == status


async def test_a_proven_visitor_is_the_same_in_every_browser_and_nobody_else_in_theirs(house: House) -> None:
    made = await chat(house)
    first = await Browser(house, made["key"], made["secret"], user_id="u-1").arrived()
    await first.said("from the desk")
    await house.work()
    second = await Browser(house, made["key"], made["secret"], user_id="u-1").arrived()
    assert await second.texts() == ["from the desk"]
    other = await Browser(house, made["key"], made["secret"], user_id="u-2").arrived()
    assert await other.texts() == []
    left = Browser(house, made["key"], token=first.token)
    await left.arrived()  # signed out: the page proves nobody any more
    assert left.visitor_id != first.visitor_id
    assert await left.texts() == []
    taken = Browser(house, made["key"], made["secret"], user_id="u-2", token=first.token)
    await taken.arrived()
    assert taken.visitor_id != first.visitor_id


async def test_who_is_proven_after_they_wrote_stays_the_same_contact(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    await ann.said("nobody yet")
    await house.work()
    known, ann.secret, ann.user_id = ann.visitor_id, made["secret"], "u-7"
    await ann.arrived()
    assert ann.visitor_id == known
    await ann.said("it is me")
    await house.work()
    assert await house.count("SELECT count(*) FROM contacts") == 1
    elsewhere = await Browser(house, made["key"], made["secret"], user_id="u-7").arrived()
    assert await elsewhere.texts() == ["nobody yet", "it is me"]


async def test_a_proof_is_good_for_one_user_one_channel_and_the_secrets_of_a_day(house: House) -> None:
    ours, theirs = await chat(house), await chat(house)
    forged = {"identity": {"user_id": "u-1", "proof": proof(ours["secret"].encode(), "u-2")}}
    assert (await Browser(house, ours["key"]).visit(**forged)).json()["type"].endswith(":proof-refused")
    assert (await Browser(house, theirs["key"], ours["secret"], user_id="u-1").visit()).status_code == 403
    path = f"/v1/site-channels/{ours['channel_id']}/secret"
    rotated = (await house.ask("POST", path)).json()
    assert (await Browser(house, ours["key"], ours["secret"], user_id="u-1").visit()).status_code == 200
    assert (await Browser(house, ours["key"], rotated["secret"], user_id="u-1").visit()).status_code == 200
    await house.forward(25 * 3600)
    assert (await Browser(house, ours["key"], ours["secret"], user_id="u-1").visit()).status_code == 403
    assert (await Browser(house, ours["key"], rotated["secret"], user_id="u-1").visit()).status_code == 200
    shown = await house.get(f"/v1/site-channels/{ours['channel_id']}")
    assert "secret" not in shown
    assert ours["secret"] not in str(shown)


async def test_where_proof_is_needed_nobody_else_writes(house: House) -> None:
    made = await chat(house, proof="required")
    refused = await Browser(house, made["key"]).visit()
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:rostrum:problem:proof-needed")
    assert (await Browser(house, made["key"], made["secret"], user_id="u").visit()).status_code == 200


async def test_a_token_turns_over_after_a_day_and_the_one_before_is_good_for_minutes(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    before = ann.token
    await ann.arrived()
    assert ann.token == before
    assert await house.count("SELECT count(*) FROM chat_visitors WHERE token_hash = $1", hashed(before)) == 1
    await house.forward(86_401)
    await ann.arrived()
    assert ann.token != before
    window = Browser(house, made["key"], token=before)
    assert (await window.say("from another window")).status_code == 202
    await house.forward(601)
    assert (await window.say("too late")).status_code == 401
    assert (await ann.say("still me")).status_code == 202
    await house.forward(91 * 86_400)
    while await house.parts.chats.purge():
        pass
    assert (await ann.say("forgotten")).status_code == 401


async def test_what_is_asked_first_is_needed_once_and_proves_nothing(house: House) -> None:
    made = await chat(
        house,
        fields=[
            {"name": "name", "label": "Name"},
            {"name": "email", "label": "E-mail", "type": "email", "required": True},
        ],
    )
    ann = await Browser(house, made["key"]).arrived()
    refused = await ann.say("Hello")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/fields/email")
    assert refused.headers["access-control-allow-origin"] == SHOP
    unasked = await ann.say("Hello", fields={"email": "a@b.example", "role": "admin"})
    assert unasked.json()["errors"][0]["pointer"] == "#/fields/role"
    await ann.said("Hello", fields={"name": "Ann", "email": "ann@example.com"})
    await ann.said("Again")
    eve = await Browser(house, made["key"]).arrived()
    await eve.said("Who else is here?", fields={"name": "Eve", "email": "ann@example.com"})
    await house.work()
    assert {each["contact_name"] for each in await conversations(house)} == {"Ann", "Eve"}
    assert await eve.texts() == ["Who else is here?"]


async def test_who_writes_too_much_is_asked_to_wait_wherever_they_write(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    answers = [await ann.say(str(n)) for n in range(25)]
    refused = [each for each in answers if each.status_code == 429]
    assert refused
    assert refused[0].headers["retry-after"] == "3"
    assert {each.status_code for each in answers} == {202, 429}
    assert (await (await Browser(house, made["key"]).arrived()).say("x")).status_code == 202
    async with served(house) as port, line(port, ann) as talk:
        own = str(new_id())
        await talk.tell(type="say", id=own, text="more")
        told = await talk.until("refused")
        assert (told["id"], told["code"], told["retry_after"]) == (own, "visitor-too-fast", 3.0)
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(100):
                await talk.tell(type="seen", status="read", messages=[str(new_id())])
            while True:
                await talk.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4008


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"type":"say"}',
        '{"type":"say","id":"x","text":"y"}',
        '{"type":"unheard"}',
        '{"type":"say","id":"01a22e7f-b548-71c4-a95f-8d5c7eacc097","text":""}',
        '{"type":"say","id":"01a22e7f-b548-71c4-a95f-8d5c7eacc097","text":"a\\u0000b"}',
        '{"type":"say","id":"01a22e7f-b548-71c4-a95f-8d5c7eacc097","text":"' + "x" * 5000 + '"}',
        '{"type":"seen","status":"sent","messages":[]}',
    ],
)
async def test_rubbish_on_the_line_is_refused_and_the_line_goes_on(house: House, frame: str) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    async with served(house) as port, line(port, ann) as talk:
        await talk.socket.send(frame)
        assert (await talk.until("refused"))["code"] == "invalid"
        own = str(new_id())
        await talk.tell(type="say", id=own, text="still there")
        assert (await talk.until("taken"))["id"] == own


async def test_typing_and_reading_are_shown_while_the_window_is_open(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    await ann.said("Hello")
    await house.work()
    conversation = await house.conversation()
    async with served(house) as port, house.working(), line(port, ann) as talk:
        await talk.seen("Hello")
        assert (await house.ask("POST", f"/v1/conversations/{conversation['id']}/typing")).status_code == 204
        await talk.until("typing")
        read = await house.ask("POST", f"/v1/conversations/{conversation['id']}/read", json={"tell_contact": True})
        assert read.status_code == 200
        await talk.until("read")


async def test_the_team_is_told_that_a_visitor_writes_in_the_words_that_the_gateway_reads(
    house: House, redis_url: str, namespace: str
) -> None:
    """Over Redis alone, for seconds, and never what they write."""
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    await ann.said("Hello")
    await house.work()
    conversation = await house.conversation()
    key = f"{namespace}:passing:{house.organization_id}"
    redis = Redis.from_url(redis_url)
    app = house.client._transport.app  # type: ignore[attr-defined]
    app.state.parts[ChatService] = replace(house.parts.chats, passing=Passing(redis, namespace))
    try:
        async with served(house) as port, line(port, ann) as talk:
            await talk.seen("Hello")
            for _ in range(3):
                await talk.tell(type="typing")
            await talk.tell(type="say", id=str(new_id()), text="more")
            await talk.until("taken")
        found: Any = await redis.xrange(key)
        told = [(place, [part for pair in fields.items() for part in pair]) for place, fields in found]
        (news,) = passed(told)
        assert orjson.loads(news.body) == {
            "type": "contact_typing",
            "data": {"conversation_id": conversation["id"], "seconds": 6},
        }
        assert (news.roles, news.user_id) == (SEEN_BY, "")
        assert 0 < await redis.pttl(key) <= 60_000
    finally:
        await redis.delete(key)
        await redis.aclose()


async def test_a_worker_that_dies_between_call_and_record_leaves_no_message_in_doubt(house: House) -> None:
    """There is no call that could be lost: a look finds what lies with us."""
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    await ann.said("Hello")
    await house.work()
    message_id = (await house.reply((await house.conversation())["id"], "answer")).json()["id"]
    await house.rows(
        """
        UPDATE ledger_entries
        SET status = 'calling', attempt = 1, called_at = kit_now(),
            leased_until = statement_timestamp() - interval '1 second'
        WHERE subject_id = $1 RETURNING id
        """,
        UUID(message_id),
    )

    async def looked_for() -> bool:
        return bool(await house.count("SELECT count(*) FROM ledger_entries WHERE status = 'unknown'"))

    async with house.working():
        await eventually(looked_for)
        await house.forward(61)
        await eventually(lambda: stands_or_more(house, message_id, "sent"))
    assert await ann.texts() == ["Hello", "answer"]


async def test_a_visitor_is_forgotten_with_their_browser_and_comes_as_somebody_new(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"], made["secret"], user_id="u-1").arrived()
    bob = await Browser(house, made["key"]).arrived()
    await ann.said("I am Ann")
    await bob.said("I am Bob")
    await house.work()
    found = {(await house.messages(each["id"]))[0]["text"]: each for each in await conversations(house)}
    await house.reply(found["I am Ann"]["id"], "Hi")
    await house.work()
    await ann.acknowledge("read", (await ann.history())[1]["id"])
    await house.work()
    asking = Asking(house)
    person = Person("contact", UUID(found["I am Ann"]["contact_id"]), house.organization_id)
    export_id = await asking.export(person)
    await asking.work()
    assert export_id
    await asking.erasure(person)
    await asking.work()
    assert (await ann.say("x")).status_code == 401
    assert await bob.texts() == ["I am Bob"]
    assert await house.count("SELECT count(*) FROM chat_visitors") == 1
    assert await house.count("SELECT count(*) FROM messages") == 1
    again = await Browser(house, made["key"], made["secret"], user_id="u-1").arrived()
    assert await again.texts() == []


async def test_a_chat_that_was_given_up_lets_nobody_in(house: House) -> None:
    made = await chat(house)
    ann = await Browser(house, made["key"]).arrived()
    await ann.said("Hello")
    await house.work()
    conversation = await house.conversation()
    assert (await house.ask("DELETE", f"/v1/channels/{made['channel_id']}")).status_code == 200
    assert (await ann.say("x")).status_code == 404
    assert (await house.reply(conversation["id"])).status_code == 409


async def test_the_script_is_served_to_be_kept_and_to_be_checked(house: House) -> None:
    made = await chat(house)
    assert f'integrity="{widget.INTEGRITY}"' in made["snippet"]
    assert made["key"] in made["snippet"]
    answer = await house.client.get(widget.PATH)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert len(answer.content) < 24_000
    for forbidden in (b"innerHTML", b"outerHTML", b"insertAdjacent", b"document.write", b"eval(", b"new Function"):
        assert forbidden not in answer.content
    plain = await house.client.get("/v1/chat/widget.js")
    assert plain.content == answer.content
    kept = await house.client.get("/v1/chat/widget.js", headers={"if-none-match": plain.headers["etag"]})
    assert kept.status_code == 304
    assert (await house.client.get("/v1/chat/widget.0000000000000000.js")).status_code == 404


@given(
    st.text(min_size=1, max_size=50), st.text(max_size=80), st.lists(st.binary(min_size=1, max_size=40), max_size=3)
)
def test_only_a_secret_that_is_good_proves_a_user(user_id: str, junk: str, secrets: list[bytes]) -> None:
    assert not proves(junk, user_id, secrets)
    for secret in secrets:
        assert proves(proof(secret, user_id), user_id, secrets)
        assert not proves(proof(secret, user_id + "x"), user_id, secrets)
    assert not proves(proof(b"another", user_id), user_id, [each for each in secrets if each != b"another"])
