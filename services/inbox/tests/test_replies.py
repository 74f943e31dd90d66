"""What the team writes: each message leaves at most once, and nothing is silently dropped."""

import asyncio
from typing import Any

import pytest

from inbox.bootstrap import build
from inbox.outside import Meta
from kit.http.client import Outbound
from kit.ids import new_id
from kit.process import supervise
from kit.testing.programs import eventually

from .house import SECRET, VERIFY, House

LOST = {"kind": "drop_after_effect", "match": {"method": "POST"}}


@pytest.fixture
async def conversation(house: House) -> str:
    """The id of an open conversation with somebody who is on WhatsApp."""
    await house.person()
    found: str = (await house.open_conversation())["id"]
    return found


async def queued(house: House, conversation: str, **more: Any) -> str:
    answer = await house.reply(conversation, **more)
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "queued"
    found: str = answer.json()["id"]
    return found


async def rests(house: House, message_id: str, ledger: str) -> None:
    """Let workers run until the ledger has this to say of the message."""

    async def reached() -> bool:
        return bool(
            await house.count(
                "SELECT count(*) FROM ledger_entries WHERE subject_id = $1::uuid AND status = $2", message_id, ledger
            )
        )

    async with house.working():
        await eventually(reached, within=60)


async def test_a_reply_leaves_once_and_carries_our_id_of_it(house: House, conversation: str) -> None:
    (asked,) = await house.messages(conversation)
    message_id = await queued(house, conversation, text="With pleasure", reply_to=asked["id"])
    await house.work()
    (left,) = await house.left()
    assert (left["to"], left["text"]) == ("16505551234", "With pleasure")
    assert left["body"]["biz_opaque_callback_data"] == message_id
    assert left["body"]["context"]["message_id"].startswith("wamid.")
    message = await house.message(message_id)
    assert (message["status"], message["direction"], message["reply_to"]) == ("sent", "out", asked["id"])
    assert "MessageSent" in await house.names_told()


async def test_the_same_id_sent_again_and_again_is_one_message(house: House, conversation: str) -> None:
    message_id = str(new_id())
    answers = await asyncio.gather(*(house.reply(conversation, id=message_id) for _ in range(5)))
    assert {(each.status_code, each.json()["id"]) for each in answers} == {(202, message_id)}
    await house.work()
    assert (await house.reply(conversation, id=message_id)).json()["status"] == "sent"
    assert len(await house.left()) == 1
    other = await house.reply(conversation, "something else", id=message_id)
    assert (other.status_code, other.json()["type"]) == (409, "urn:rostrum:problem:message-id-taken")


async def test_the_same_key_is_one_message_too(house: House, conversation: str) -> None:
    headers = house.headers() | {"idempotency-key": "one"}
    path, body = f"/v1/conversations/{conversation}/messages", {"text": "Hi"}
    answers = [await house.client.post(path, json=body, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert await house.count("SELECT count(*) FROM messages WHERE direction = 'out'") == 1


async def test_an_answer_that_was_lost_is_settled_by_a_report_and_never_sent_again(
    house: House, conversation: str
) -> None:
    await house.faults(LOST)
    message_id = await queued(house, conversation)
    await rests(house, message_id, "unknown")
    assert (await house.message(message_id))["status"] == "queued"
    (left,) = await house.left()
    await house.report(left["id"], "delivered")
    await house.reduce()
    assert (await house.message(message_id))["status"] == "queued"
    await house.report(left["id"], "sent", ours=message_id)
    await house.work()
    assert (await house.message(message_id))["status"] == "delivered"
    assert len(await house.left()) == 1


async def test_what_nobody_ever_reports_is_shown_as_unconfirmed_and_not_repeated(
    house: House, conversation: str
) -> None:
    await house.faults(LOST)
    message_id = await queued(house, conversation)
    await rests(house, message_id, "unknown")
    await house.forward(3700)
    await rests(house, message_id, "unconfirmed")
    assert (await house.message(message_id))["status"] == "unconfirmed"
    (left,) = await house.left()
    await house.report(left["id"], "read", ours=message_id)
    await house.reduce()
    assert (await house.message(message_id))["status"] == "read"


async def test_without_a_connection_it_waits_and_leaves_once_there_is_one(house: House, conversation: str) -> None:
    message_id = await queued(house, conversation)
    meta, parts = Meta("http://127.0.0.1:9/graph", "v23.0", SECRET, VERIFY), house.parts
    outbound = Outbound()
    cut_off = build(house.database, parts.contacts.keyring, outbound, meta, parts.media.store.folder).ledger

    async def tried() -> bool:
        sql = "SELECT count(*) FROM ledger_attempts WHERE outcome = 'not_accepted'"
        return bool(await house.count(sql))

    stop = asyncio.Event()
    task = asyncio.create_task(supervise(cut_off.loops(), stop))
    try:
        await eventually(tried)
    finally:
        stop.set()
        await task
        await outbound.close()
    assert (await house.message(message_id))["status"] == "queued"
    await house.forward(60)
    await house.work()
    assert (await house.message(message_id))["status"] == "sent"
    assert len(await house.left()) == 1


@pytest.mark.parametrize("status", [500, 503])
async def test_an_error_that_proves_nothing_is_not_repeated(house: House, conversation: str, status: int) -> None:
    await house.faults({"kind": "error_after_effect", "status": status, "match": {"method": "POST"}})
    message_id = await queued(house, conversation)
    await rests(house, message_id, "unknown")
    assert len(await house.left()) == 1


async def test_what_was_refused_for_its_pace_leaves_a_little_later(house: House, conversation: str) -> None:
    body = {"error": {"message": "(#130429) Rate limit hit", "type": "OAuthException", "code": 130429}}
    await house.faults(
        {"kind": "refuse_before_effect", "status": 429, "body": body, "times": 2, "match": {"method": "POST"}}
    )
    message_id = await queued(house, conversation)
    await house.work()
    assert (await house.message(message_id))["status"] == "sent"
    assert len(await house.left()) == 1


async def test_reports_in_any_order_and_twice_end_in_the_highest(house: House, conversation: str) -> None:
    message_id = await queued(house, conversation)
    await house.work()
    (left,) = await house.left()
    for status in ("read", "sent", "delivered", "read", "failed", "sent"):
        await house.report(left["id"], status, ours=message_id)
    await house.reduce()
    assert (await house.message(message_id))["status"] == "read"
    told = [each for each in await house.told() if type(each).__name__ == "MessageStatusChanged"]
    assert [getattr(each, "status", "") for each in told] == ["read"]


async def test_a_report_of_failure_tells_why_unless_it_has_arrived(house: House, conversation: str) -> None:
    message_id = await queued(house, conversation)
    await house.work()
    (left,) = await house.left()
    await house.report(left["id"], "failed", ours=message_id, errors=[{"code": 131026, "title": "+16505551234"}])
    await house.reduce()
    message = await house.message(message_id)
    assert (message["status"], message["failure_code"]) == ("failed", "131026")
    assert "cannot be reached" in message["failure_reason"]
    assert "1650" not in message["failure_reason"]
    assert "MessageFailed" in await house.names_told()
    await house.report(left["id"], "delivered", ours=message_id)
    await house.reduce()
    assert (await house.message(message_id))["status"] == "delivered"


async def test_a_failure_reported_for_an_unanswered_call_ends_it(house: House, conversation: str) -> None:
    await house.faults(LOST)
    message_id = await queued(house, conversation)
    await rests(house, message_id, "unknown")
    (left,) = await house.left()
    await house.report(left["id"], "failed", ours=message_id, errors=[{"code": 131049}])
    await house.reduce()
    assert (await house.message(message_id))["status"] == "failed"
    await rests(house, message_id, "refused")


async def test_what_the_platform_refuses_at_once_is_failed_with_a_reason(house: House, conversation: str) -> None:
    await house.person(refuses_with=131050)
    message_id = await queued(house, conversation)
    await house.work()
    message = await house.message(message_id)
    assert (message["status"], message["failure_code"]) == ("failed", "131050")
    assert await house.left() == []


async def test_after_24_hours_only_a_template_may_be_sent(house: House, conversation: str) -> None:
    await house.forward(24 * 3600 + 60)
    answer = await house.reply(conversation)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:window-closed")
    assert answer.json()["window_open_until"]
    template = {"name": "hello_world", "language": "en_US"}
    body = {"type": "template", "template": template}
    answer = await house.ask("POST", f"/v1/conversations/{conversation}/messages", json=body)
    assert answer.status_code == 202
    await house.work()
    (left,) = await house.left()
    assert (left["type"], left["body"]["template"]["name"]) == ("template", "hello_world")


async def test_the_24_hours_are_looked_at_once_more_when_it_leaves(house: House, conversation: str) -> None:
    message_id = await queued(house, conversation)
    await house.forward(24 * 3600 + 60)
    await house.work()
    message = await house.message(message_id)
    assert (message["status"], message["failure_code"]) == ("failed", "window-closed")
    assert await house.left() == []


async def test_a_new_message_of_the_contact_opens_the_window_again(house: House, conversation: str) -> None:
    await house.forward(24 * 3600 + 60)
    await house.say("are you there?")
    await house.reduce()
    assert (await house.reply(conversation)).status_code == 202


async def test_a_dead_token_parks_and_a_new_one_lets_everything_leave(house: House, conversation: str) -> None:
    await house.sandbox.put("/whatsapp/control/app", json={"tokens_are": "expired"})
    ids = [await queued(house, conversation, text=str(number)) for number in range(3)]
    (channel,) = (await house.get("/v1/channels"))["items"]

    async def parked() -> bool:
        return bool((await house.get(f"/v1/channels/{channel['id']}"))["health"] == "token_dead")

    async with house.working():
        await eventually(parked)
        await house.say("still received")
        await eventually(house.reduced)
    assert [(await house.message(each))["status"] for each in ids] == ["queued"] * 3
    assert len(await house.messages(conversation)) == 5
    health = [each for each in await house.told() if type(each).__name__ == "ChannelHealthChanged"]
    assert [getattr(each, "health", "") for each in health] == ["token_dead"]

    await house.sandbox.put("/whatsapp/control/app", json={"tokens_are": "live"})
    again = await house.connected()
    assert (again["id"], again["health"]) == (channel["id"], "ok")
    await house.work()
    assert [(await house.message(each))["status"] for each in ids] == ["sent"] * 3
    assert len(await house.left()) == 3


async def test_a_channel_that_was_given_up_refuses_what_waits_and_what_comes(house: House, conversation: str) -> None:
    message_id = await queued(house, conversation)
    (channel,) = (await house.get("/v1/channels"))["items"]
    assert (await house.ask("DELETE", f"/v1/channels/{channel['id']}")).status_code == 200
    await house.work()
    message = await house.message(message_id)
    assert (message["status"], message["failure_code"]) == ("failed", "channel-disconnected")
    answer = await house.reply(conversation)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:channel-disconnected")
    assert await house.left() == []


async def test_what_was_parked_is_refused_when_its_channel_is_given_up(house: House, conversation: str) -> None:
    await house.sandbox.put("/whatsapp/control/app", json={"tokens_are": "revoked"})
    message_id = await queued(house, conversation)
    (channel,) = (await house.get("/v1/channels"))["items"]

    async def parked() -> bool:
        return bool((await house.get(f"/v1/channels/{channel['id']}"))["health"] == "token_dead")

    async with house.working():
        await eventually(parked)
    await house.ask("DELETE", f"/v1/channels/{channel['id']}")
    await house.work()
    assert (await house.message(message_id))["failure_code"] == "channel-disconnected"


async def test_media_by_link_leave_with_their_caption(house: House, conversation: str) -> None:
    media = {"link": "https://media.example/cat.jpg", "caption": "A cat"}
    body = {"type": "image", "media": media}
    answer = await house.ask("POST", f"/v1/conversations/{conversation}/messages", json=body)
    assert answer.status_code == 202
    await house.work()
    (left,) = await house.left()
    assert left["body"]["image"] == media


async def test_what_cannot_be_sent_is_refused_before_anything_is_written(house: House, conversation: str) -> None:
    bodies: list[dict[str, Any]] = [
        {"type": "text"},
        {"type": "text", "text": ""},
        {"type": "text", "text": "x" * 20_001},
        {"type": "text", "text": "x", "media": {"link": "https://a.example/b"}},
        {"type": "image", "media": {"link": "http://a.example/b"}},
        {"type": "template", "text": "x"},
        {"type": "fax", "text": "x"},
        {"type": "text", "text": "x", "extra": 1},
        {"type": "text", "text": "x", "reply_to": str(new_id())},
    ]
    for body in bodies:
        answer = await house.ask("POST", f"/v1/conversations/{conversation}/messages", json=body)
        assert answer.status_code in (404, 422), body
    assert await house.count("SELECT count(*) FROM messages WHERE direction = 'out'") == 0


async def test_reading_is_shown_to_the_contact_when_asked_for(house: House, conversation: str) -> None:
    said = (await house.sandbox.post("/whatsapp/control/people/16505551234/say", json={"text": "seen?"})).json()
    await house.say("seen?", id=said["id"], timestamp=str(house.now() + 5))
    await house.reduce()
    answer = await house.ask("POST", f"/v1/conversations/{conversation}/read", json={"tell_contact": True})
    assert answer.json()["unread_count"] == 0
    await house.work()
    written = (await house.sandbox.get("/whatsapp/control/written", params={"limit": 10})).json()["items"]
    (seen,) = [each for each in written if each["id"] == said["id"]]
    assert seen["read"]
    assert {row["rate"] for row in await house.rows("SELECT rate FROM ledger_lanes WHERE key LIKE 'whatsapp:%'")} == {
        80
    }


async def test_a_forgotten_contact_is_unreadable_and_is_not_written_to(house: House, conversation: str) -> None:
    waiting = await queued(house, conversation)
    contact_id = (await house.conversation())["contact_id"]
    async with house.database.transaction(house.organization_id) as tx:
        await house.parts.contacts.keyring.shred(tx, house.organization_id, f"contact:{contact_id}")
    await house.work()
    assert (await house.message(waiting))["failure_code"] == "contact-forgotten"
    assert [each["text"] for each in await house.messages(conversation)] == [None, None]
    contact = await house.get(f"/v1/contacts/{contact_id}")
    assert (contact["name"], [each["value"] for each in contact["identities"]]) == (None, [None])
    answer = await house.reply(conversation)
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:rostrum:problem:contact-forgotten")
    assert await house.left() == []


async def test_many_replies_leave_once_each(house: House, conversation: str) -> None:
    for number in range(30):
        await queued(house, conversation, text=str(number))
    await house.work()
    left = await house.left()
    assert sorted(int(each["text"]) for each in left) == list(range(30))
    statuses = {each["status"] for each in await house.messages(conversation) if each["direction"] == "out"}
    assert statuses == {"sent"}
    assert (await house.names_told()).count("MessageSent") == 30


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "1e999"])
async def test_numbers_that_cannot_be_passed_on_are_refused(house: House, conversation: str, number: str) -> None:
    template = '{"name":"a","language":"en","components":[{"a":' + number + "}]}"
    body = '{"type":"template","template":' + template + "}"
    headers = {"content-type": "application/json"}
    answer = await house.ask(
        "POST", f"/v1/conversations/{conversation}/messages", content=body.encode(), headers=headers
    )
    assert answer.status_code in (400, 422), answer.text
