"""When a contact may be written to, and what waits until then."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from inbox.channels.base import HUMAN_AGENT
from inbox.channels.kinds import KINDS, window_of
from kit.ids import new_id

from . import test_contact_form as forms
from . import test_direct as direct
from . import test_sms as sms
from .broadcasting import at_whatsapp_too
from .chatting import Browser, chat
from .house import NUMBER, House, texts, value, wamid
from .test_templates import approved

TABLE: Final = """
    channel       state          text       held       tagged     template   may_send   may_tag
    whatsapp      just-wrote     sent       sent       sent       sent       -          -
    whatsapp      nearly-over    sent       sent       sent       sent       -          -
    whatsapp      a-day-on       closed     held       closed     sent       template   -
    whatsapp      last-of-seven  closed     held       closed     sent       template   -
    whatsapp      seven-days-on  closed     held       closed     sent       template   -
    whatsapp      never-wrote    closed     held       closed     sent       template   -
    whatsapp      wrote-stop     sent       sent       sent       sent       -          -
    whatsapp      withdrawn      unwanted   unwanted   unwanted   sent       -          -
    whatsapp      blocked        blocked    blocked    blocked    blocked    -          -
    messenger     just-wrote     sent       sent       sent       unknown    -          -
    messenger     nearly-over    sent       sent       sent       unknown    -          -
    messenger     a-day-on       closed     held       sent       unknown    -          human_agent
    messenger     last-of-seven  closed     held       sent       unknown    -          human_agent
    messenger     seven-days-on  closed     held       closed     unknown    -          -
    messenger     never-wrote    closed     held       closed     unknown    -          -
    messenger     wrote-stop     sent       sent       sent       unknown    -          -
    messenger     withdrawn      unwanted   unwanted   unwanted   unknown    -          -
    messenger     blocked        blocked    blocked    blocked    blocked    -          -
    instagram     just-wrote     sent       sent       sent       unknown    -          -
    instagram     nearly-over    sent       sent       sent       unknown    -          -
    instagram     a-day-on       closed     held       sent       unknown    -          human_agent
    instagram     last-of-seven  closed     held       sent       unknown    -          human_agent
    instagram     seven-days-on  closed     held       closed     unknown    -          -
    instagram     never-wrote    closed     held       closed     unknown    -          -
    instagram     wrote-stop     sent       sent       sent       unknown    -          -
    instagram     withdrawn      unwanted   unwanted   unwanted   unknown    -          -
    instagram     blocked        blocked    blocked    blocked    blocked    -          -
    sms           just-wrote     sent       sent       sent       unknown    -          -
    sms           seven-days-on  sent       sent       sent       unknown    -          -
    sms           wrote-stop     opted-out  opted-out  opted-out  opted-out  -          -
    sms           withdrawn      unwanted   unwanted   unwanted   unknown    -          -
    sms           blocked        blocked    blocked    blocked    blocked    -          -
    web_chat      just-wrote     sent       sent       sent       unknown    -          -
    web_chat      seven-days-on  sent       sent       sent       unknown    -          -
    web_chat      wrote-stop     sent       sent       sent       unknown    -          -
    web_chat      withdrawn      unwanted   unwanted   unwanted   unknown    -          -
    web_chat      blocked        blocked    blocked    blocked    blocked    -          -
    contact_form  just-wrote     sent       sent       sent       unknown    -          -
    contact_form  seven-days-on  sent       sent       sent       unknown    -          -
    contact_form  wrote-stop     sent       sent       sent       unknown    -          -
    contact_form  withdrawn      unwanted   unwanted   unwanted   unknown    -          -
    contact_form  blocked        blocked    blocked    blocked    blocked    -          -
"""
"""What becomes of a message of each sort: sent at once, held until the contact writes, refused as the code says, or
taken and then not wanted; of a closed window also what may be sent, and under which tag. Nobody is known in a text, a
chat or a form before they wrote. STOP is about everything in a text, and about marketing elsewhere."""

QUARTER, DAY, WEEK = 15 * 60, 86_400, 7 * 86_400
LATER: Final = {
    "nearly-over": DAY - QUARTER,
    "a-day-on": DAY + QUARTER,
    "last-of-seven": WEEK - QUARTER,
    "seven-days-on": WEEK + QUARTER,
}
"""Seconds since the contact wrote last; a quarter of an hour from each limit, so that a slow machine stays within."""
CODES: Final = {
    "closed": (409, "window-closed"),
    "opted-out": (409, "contact-opted-out"),
    "blocked": (409, "contact-blocked"),
    "unknown": (422, "kind-not-offered"),
}
EVER: Final = {"name": "hello_world", "language": "en_US"}
LEFT: Final = {"sent", "delivered", "read"}

Row = dict[str, str]


def rows() -> list[Row]:
    heading, *lines = (line.split() for line in TABLE.strip().splitlines())
    return [dict(zip(heading, line, strict=True)) for line in lines]


async def on_whatsapp(house: House, words: str) -> dict[str, Any]:
    """A channel with an approved template, and whoever writes, or was written to on the telephone beside us."""
    template, theirs = await approved(house)
    await at_whatsapp_too(house, theirs)
    if words:
        await house.say(words)
    else:
        echo: dict[str, Any] = {"from": "15550001", "to": "16505551234", "id": wamid(), "timestamp": str(house.now())}
        echo |= {"type": "text", "text": {"body": "By hand"}}
        await house.hook(value(message_echoes=[echo]) | {"field": "smb_message_echoes"})
    return {"id": template["id"], "variables": {"1": "Ann", "2": "77"}}


async def on_meta(house: House, kind: str, words: str) -> dict[str, Any]:
    assert (await direct.connect(house, kind)).status_code == 201
    await direct.person(house, kind)
    ends = {"person": direct.ANN, "end": direct.ENDS[kind]}
    part = direct.said("m_1", words)
    if not words:
        ends = {"person": direct.ENDS[kind], "end": direct.ANN}
        part = direct.said("m_1", "By hand", is_echo=True, app_id=263902037430900)
    await direct.tell(house, kind, direct.event(house, part, **ends))
    return EVER


async def on_sms(house: House, words: str) -> dict[str, Any]:
    assert (await sms.connect(house)).status_code == 201
    await sms.say(house, words)
    return EVER


async def on_a_page(house: House, kind: str, words: str) -> dict[str, Any]:
    if kind == "web_chat":
        ann = await Browser(house, (await chat(house))["key"]).arrived()
        await ann.said(words)
    else:
        made = await forms.form(house, reply_to="shop@example.com")
        await forms.sent(house, made["key"], message=words)
    return EVER


async def begun(house: House, row: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """The conversation of a row in its state, and the template that may be sent in it."""
    kind, state = row["channel"], row["state"]
    words = {"never-wrote": "", "wrote-stop": "STOP"}.get(state, "Hello")
    match kind:
        case "whatsapp":
            template = await on_whatsapp(house, words)
        case "messenger" | "instagram":
            template = await on_meta(house, kind, words)
        case "sms":
            template = await on_sms(house, words)
        case _:
            template = await on_a_page(house, kind, words)
    await house.work()
    conversation = await house.conversation()
    person = f"/v1/contacts/{conversation['contact_id']}"
    if state == "withdrawn":
        body = {"state": "withdrawn", "channel_kinds": [kind], "purposes": ["service"]}
        assert (await house.ask("POST", f"{person}/consents", json=body)).status_code == 201
    if state == "blocked":
        assert (await house.ask("PUT", f"{person}/block")).status_code == 204
    await house.forward(LATER.get(state, 0))
    await as_long_ago(house, kind, state)
    return conversation, template


async def as_long_ago(house: House, kind: str, state: str) -> None:
    """Let the platform hold it as we do, so that it refuses what we should have refused."""
    ago = LATER.get(state, 1)
    if kind == "whatsapp":
        await house.person(window_open=state != "never-wrote" and ago < DAY)
    elif kind in direct.ENDS:
        await direct.person(house, kind, wrote_seconds_ago=10 * WEEK if state == "never-wrote" else ago)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['channel']}-{row['state']}")
async def test_what_may_be_sent_on_which_channel_in_which_state_of_its_window(house: House, row: Row) -> None:
    conversation, template = await begun(house, row)
    asked: dict[str, dict[str, Any]] = {
        "text": {},
        "held": {"hold": True},
        "tagged": {"tag": HUMAN_AGENT},
        "template": {"type": "template", "text": None, "template": template},
    }
    accepted: dict[str, str] = {}
    for sort, body in asked.items():
        answer = await house.reply(conversation["id"], **{"text": sort, **body})
        told, expected = answer.json(), row[sort]
        if expected in CODES:
            status, code = CODES[expected]
            assert (answer.status_code, told["type"]) == (status, f"urn:rostrum:problem:{code}"), sort
            if expected == "closed":
                assert {*told["may_send"], "-"} == {row["may_send"], "-"}, sort
                assert {*told["may_tag"], "-"} == {row["may_tag"], "-"}, sort
                assert told["may_hold"] is True
                offered = ["on_its_way"] if row["channel"] == "whatsapp" else []
                assert [each["name"] for each in told["templates"]] == offered
            continue
        assert (answer.status_code, told["status"]) == (202, "held" if expected == "held" else "queued"), sort
        accepted[sort] = told["id"]
    await house.work()
    for sort, message_id in accepted.items():
        message = await house.message(message_id)
        match row[sort]:
            case "unwanted":
                assert (message["status"], message["failure_code"]) == ("failed", "contact-opted-out"), sort
            case "held":
                assert message["status"] == "held"
            case _:
                assert message["status"] in LEFT, (sort, message["failure_reason"])


def test_the_table_knows_every_channel_and_every_limit_of_its_window() -> None:
    """A channel that is added, or one whose window changes, has its rows."""
    states: dict[str, set[str]] = {}
    for row in rows():
        states.setdefault(row["channel"], set()).add(row["state"])
    assert set(states) == set(KINDS)
    for kind, (can, _) in KINDS.items():
        needed = {"just-wrote", "seven-days-on", "wrote-stop", "withdrawn", "blocked"}
        needed |= {"nearly-over", "a-day-on", "last-of-seven", "never-wrote"} if can.window.lasts else set()
        assert states[kind] == needed, kind
        assert can.window.lasts in (None, timedelta(days=1))
        assert can.window.extended in (None, timedelta(days=7))


NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "tag", "wrote", "expected"),
    [
        ("whatsapp", "", timedelta(days=1) - timedelta(microseconds=1), True),
        ("whatsapp", "", timedelta(days=1), False),
        ("messenger", HUMAN_AGENT, timedelta(days=7) - timedelta(microseconds=1), True),
        ("messenger", HUMAN_AGENT, timedelta(days=7), False),
    ],
)
def test_a_window_ends_at_its_very_moment(kind: str, tag: str, wrote: timedelta, expected: bool) -> None:
    until = NOW - wrote + timedelta(days=1)
    assert window_of(kind).allows("text", tag, until, NOW) is expected


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
