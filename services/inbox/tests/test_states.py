"""What may become of a conversation: by the team, by its contact, by time."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.inbox import ConversationChanged, ConversationReopened
from inbox.conversations.errors import NotThatWay
from inbox.conversations.model import BY_CONTACT, BY_TEAM, Conversation, ConversationState
from kit.ids import new_id

from .house import House
from .test_conversations import pages, spoken

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
STATES = st.sampled_from(ConversationState)


def one(state: ConversationState, **more: Any) -> Conversation:
    told: dict[str, Any] = {
        "id": new_id(),
        "channel_id": new_id(),
        "contact_id": new_id(),
        "assignee_id": None,
        "unread_count": 0,
        "last_sequence": 1,
        "read_sequence": 0,
        "last_message_at": NOW,
        "window_open_until": None,
        "version": 1,
        "created_at": NOW,
    }
    return Conversation(state=state, **(told | more))


@given(STATES, STATES)
def test_the_team_goes_the_ways_of_the_table_and_no_other(
    before: ConversationState, wanted: ConversationState
) -> None:
    conversation = one(before)
    if wanted is before:
        assert conversation.changed(NOW, {"state": wanted}) == conversation
    elif wanted in BY_TEAM[before]:
        now = conversation.changed(NOW, {"state": wanted})
        assert (now.state, now.version) == (wanted, 2)
    else:
        with pytest.raises(NotThatWay):
            conversation.changed(NOW, {"state": wanted})


@given(STATES, st.booleans(), st.booleans())
def test_a_contact_opens_what_the_table_says_unless_it_is_muted(
    before: ConversationState, muted: bool, counts: bool
) -> None:
    now = one(before, muted=muted).heard(NOW, counts=counts)
    assert now.state is (before if muted else BY_CONTACT.get(before, before))
    assert now.waiting_since == (NOW if counts and not muted else None)


@given(st.lists(st.integers(0, 600), min_size=1, max_size=6))
def test_since_when_somebody_waits_does_not_depend_on_the_order_of_arrival(seconds: list[int]) -> None:
    conversation = one(ConversationState.OPEN)
    for each in seconds:
        conversation = conversation.heard(NOW + timedelta(seconds=each), counts=True)
    assert conversation.waiting_since == NOW + timedelta(seconds=min(seconds))
    assert conversation.answered().waiting_since is None


async def change(house: House, conversation: Mapping[str, Any], **wanted: Any) -> Any:
    """Change it as it stands now."""
    path = f"/v1/conversations/{conversation['id']}"
    tag = {"if-match": f'"v{(await house.get(path))["version"]}"'}
    return await house.ask("PATCH", path, json=wanted, headers=tag)


async def test_a_conversation_rests_until_its_time_and_wakes_once(house: House) -> None:
    one_, two = await spoken(house, 2)
    until = house.database.clock.now() + timedelta(hours=2)
    answer = await change(house, one_, state="snoozed", snoozed_until=until.isoformat())
    assert (answer.status_code, answer.json()["state"]) == (200, "snoozed")
    assert datetime.fromisoformat(answer.json()["snoozed_until"]) == until
    assert (await change(house, two, state="snoozed")).json()["snoozed_until"] is None
    assert not await house.parts.waking.run()
    assert (await house.get(f"/v1/conversations/{one_['id']}"))["state"] == "snoozed"
    await house.forward(2 * 3600 + 1)
    before = len(await house.told())
    await asyncio.gather(*(house.parts.waking.run() for _ in range(3)))
    woken, resting = [await house.get(f"/v1/conversations/{each['id']}") for each in (one_, two)]
    assert (woken["state"], woken["snoozed_until"], resting["state"]) == ("open", None, "snoozed")
    (told,) = (await house.told())[before:]
    assert isinstance(told, ConversationChanged)
    assert (told.subject_id, told.state, told.version) == (one_["id"], "open", woken["version"])


async def test_who_writes_wakes_what_rests_and_a_muted_one_rests_on(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    path = f"/v1/conversations/{conversation['id']}"
    await change(house, conversation, state="snoozed")
    await house.say("Are you there?", person="16505550000")
    await house.reduce()
    now = await house.get(path)
    assert (now["state"], now["last_message"]["excerpt"]) == ("open", "Are you there?")
    assert any(isinstance(each, ConversationReopened) for each in await house.told())
    await change(house, conversation, state="resolved", muted=True)
    assert (await house.get(path))["waiting_since"] is None
    await house.say("Still there?", person="16505550000")
    await house.reduce()
    now = await house.get(path)
    assert (now["state"], now["muted"], now["waiting_since"]) == ("resolved", True, None)
    assert now["last_message"]["excerpt"] == "Still there?"


async def test_what_cannot_become_is_said_with_what_can(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    now = house.database.clock.now()
    for wanted, code, pointer in (
        ({"snoozed_until": (now + timedelta(hours=1)).isoformat()}, "snooze-without-rest", "#/snoozed_until"),
        ({"state": "snoozed", "snoozed_until": now.isoformat()}, "snooze-out-of-range", "#/snoozed_until"),
        (
            {"state": "snoozed", "snoozed_until": (now + timedelta(days=400)).isoformat()},
            "snooze-out-of-range",
            "#/snoozed_until",
        ),
        ({"team_id": str(new_id())}, "team-not-there", "#/team_id"),
    ):
        answer = await change(house, conversation, **wanted)
        assert (answer.status_code, answer.json()["type"]) == (422, f"urn:rostrum:problem:{code}"), wanted
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    for wrong in ({"snoozed_until": "tomorrow"}, {"priority": "very"}, {"state": "asleep"}, {"owner": "x"}):
        assert (await change(house, conversation, **wrong)).status_code == 422, wrong
    await change(house, conversation, state="resolved")
    answer = await change(house, conversation, state="snoozed")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:state-not-reachable")
    assert answer.json()["reachable"] == ["open", "pending"]


async def test_lists_are_filtered_and_ordered_by_who_waits_longest(house: House) -> None:
    first, second, third = reversed(await spoken(house, 3))
    await change(house, first, priority="urgent")
    answered = await house.reply(second["id"])
    assert answered.status_code == 202
    for query, wanted in (
        ("order=waiting", [first, third]),
        ("priority=urgent", [first]),
        ("priority=none", [second, third]),
        ("priority=low", []),
        ("unread=true", [first, second, third]),
        ("unread=false", []),
        ("team=none", [first, second, third]),
        (f"team={new_id()}", []),
        (f"participant_id={new_id()}", []),
        ("since=2100-01-01T00:00:00Z", []),
        ("since=2000-01-01T00:00:00Z&state=open&assignee=none&order=waiting", [first, third]),
    ):
        found = [each["id"] for each in await pages(house, f"/v1/conversations?{query.replace('+', '%2B')}")]
        if "order" not in query:
            found, ids = sorted(found), sorted(each["id"] for each in wanted)
        else:
            ids = [each["id"] for each in wanted]
        assert found == ids, query
    for wrong in ("team=x", "priority=9", "unread=perhaps", "since=now", "order=size", "participant_id=me"):
        assert (await house.ask("GET", f"/v1/conversations?{wrong}")).status_code == 422, wrong


async def test_a_list_is_narrowed_by_a_label(house: House) -> None:
    one_, two = await spoken(house, 2)
    made = await house.ask("POST", "/v1/labels", json={"name": "Urgent", "colour": "#ff0000"})
    assert made.status_code == 201, made.text
    label = made.json()["id"]
    applied = await house.ask("POST", "/v1/labels/apply", json={"conversation_ids": [one_["id"]], "add": [label]})
    assert applied.status_code < 300, applied.text
    assert [each["id"] for each in await pages(house, f"/v1/conversations?label_id={label}")] == [one_["id"]]
    assert await pages(house, f"/v1/conversations?label_id={two['id']}") == []


async def test_an_excerpt_shows_nothing_that_was_changed_or_has_no_words(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    long = await house.say("x" * 500, person="16505550000")
    await house.reduce()
    path = f"/v1/conversations/{conversation['id']}"
    assert (await house.get(path))["last_message"]["excerpt"] == "x" * 120
    await house.say(person="16505550000", type="revoke", revoke={"original_message_id": long})
    await house.reduce()
    last = (await house.get(path))["last_message"]
    assert (last["kind"], last["excerpt"], last["direction"]) == ("text", None, "in")
    media = [{"type": "image", "link": f"https://example.com/{name}.jpg"} for name in "ab"]
    assert (await house.reply(conversation["id"], "Two of them", attachments=media)).status_code == 202
    last = (await house.get(path))["last_message"]
    assert (last["excerpt"], last["direction"]) == ("Two of them", "out"), "the whole, not one of its parts"
