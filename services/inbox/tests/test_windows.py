"""When a contact may be written to, and what waits until then."""

from datetime import UTC, datetime, timedelta

import pytest

from inbox.channels.base import HUMAN_AGENT, Window
from kit.ids import new_id

from .house import NUMBER, House, texts

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WHATSAPP = Window(DAY, beyond=frozenset({"template"}))
DIRECT = Window(DAY, extended=timedelta(days=7))
ALWAYS = Window(None)


@pytest.mark.parametrize(
    ("window", "kind", "tag", "wrote", "expected"),
    [
        (WHATSAPP, "text", "", timedelta(hours=23, minutes=59), True),
        (WHATSAPP, "text", "", DAY, False),
        (WHATSAPP, "template", "", timedelta(days=90), True),
        (WHATSAPP, "template", "", None, True),
        (WHATSAPP, "text", "", None, False),
        (WHATSAPP, "text", HUMAN_AGENT, timedelta(days=2), False),
        (DIRECT, "text", "", timedelta(hours=25), False),
        (DIRECT, "text", HUMAN_AGENT, timedelta(hours=25), True),
        (DIRECT, "text", HUMAN_AGENT, timedelta(days=7) - timedelta(seconds=1), True),
        (DIRECT, "text", HUMAN_AGENT, timedelta(days=7), False),
        (DIRECT, "text", HUMAN_AGENT, None, False),
        (ALWAYS, "text", "", None, True),
        (ALWAYS, "text", "", timedelta(days=900), True),
    ],
)
def test_a_window_is_a_rule_of_values(
    window: Window, kind: str, tag: str, wrote: timedelta | None, expected: bool
) -> None:
    until = None if wrote is None else NOW - wrote + DAY
    assert window.allows(kind, tag, until, NOW) is expected


async def closed(house: House) -> str:
    """A conversation whose contact has not written for longer than a day."""
    await house.person()
    conversation = await house.open_conversation()
    assert (conversation["window"]["limited"], conversation["window"]["afterwards"]) == (True, ["template"])
    assert conversation["window"]["closes_at"] == conversation["window_open_until"]
    await house.forward(25 * 3600)
    return str(conversation["id"])


async def test_outside_the_window_it_is_refused_with_what_can_be_sent(house: House) -> None:
    conversation = await closed(house)
    answer = await house.reply(conversation)
    told = answer.json()
    assert (answer.status_code, told["type"]) == (409, "urn:rostrum:problem:window-closed")
    assert (told["may_send"], told["may_tag"], told["may_hold"]) == (["template"], [], True)
    template = {"name": "hello_world", "language": "en_US"}
    answer = await house.reply(conversation, type="template", text=None, template=template)
    assert answer.status_code == 202, answer.text


async def test_what_is_held_leaves_in_its_order_once_the_contact_writes(house: House) -> None:
    conversation = await closed(house)
    one, two = str(new_id()), str(new_id())
    for message_id, text in ((one, "first"), (two, "second")):
        answer = await house.reply(conversation, text, id=message_id, hold=True)
        assert (answer.status_code, answer.json()["status"]) == (202, "held"), answer.text
        assert (await house.reply(conversation, text, id=message_id, hold=True)).json()["status"] == "held"
    await house.work()
    assert await house.left() == []
    await house.person()
    written = await house.say("I am here again")
    await house.say("and more")
    await house.work(workers=2)
    assert sorted(each["text"] for each in await house.left()) == ["first", "second"]
    shown = await house.messages(conversation)
    assert [each["status"] for each in shown if each["direction"] == "out"] == ["sent", "sent"]
    assert [each["text"] for each in shown if each["direction"] == "out"] == ["first", "second"]
    assert texts(shown).index("first") > texts(shown).index("Hello")
    body = {"from": "16505551234", "id": written, "timestamp": str(house.now()), "type": "text"}
    await house.say("I am here again", **body)
    await house.work()
    assert len(await house.left()) == 2
    assert "queued" in [getattr(each, "status", "") for each in await house.told()]


async def test_within_the_window_nothing_is_held(house: House) -> None:
    await house.person()
    conversation = await house.open_conversation()
    answer = await house.reply(conversation["id"], hold=True)
    assert answer.json()["status"] == "queued"


async def test_what_is_held_can_be_taken_back_and_only_that(house: House) -> None:
    conversation = await closed(house)
    held = (await house.reply(conversation, hold=True)).json()["id"]
    answer = await house.ask("POST", f"/v1/messages/{held}/cancel")
    assert (answer.json()["status"], answer.json()["failure_code"]) == ("failed", "cancelled")
    assert (await house.ask("POST", f"/v1/messages/{held}/cancel")).status_code == 409
    assert (await house.ask("POST", f"/v1/messages/{held}/cancel", by=new_id())).status_code == 404
    await house.say("back")
    await house.work()
    assert await house.left() == []


async def test_a_contact_of_another_organization_lets_nothing_go(house: House) -> None:
    conversation = await closed(house)
    assert (await house.reply(conversation, hold=True)).status_code == 202
    others, number = new_id(), "100000000000002"
    await house.number(number)
    await house.connected(number, by=others)
    await house.say("to somebody else", number=number)
    late = str(house.now() - 24 * 3600 - 60)
    await house.say("written long ago", number=NUMBER, timestamp=late)
    await house.work()
    assert await house.left() == []
    assert [each["status"] for each in await house.messages(conversation) if each["direction"] == "out"] == ["held"]
