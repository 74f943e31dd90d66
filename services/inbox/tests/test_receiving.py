"""What comes in: through the webhook's door to what the team sees."""

import asyncio
import random
from typing import Any
from uuid import UUID

from kit.ids import new_id

from .house import ACCOUNT, HOOK, NUMBER, VERIFY, House, delivery, signed, texts, value, wamid


def written(text: str, at: int, person: str = "16505551234", **more: Any) -> dict[str, Any]:
    return {"from": person, "id": wamid(), "timestamp": str(at), "type": "text", "text": {"body": text}} | more


async def test_a_message_becomes_a_conversation_with_a_contact(house: House) -> None:
    channel = await house.connected()
    await house.say("Is it still available?")
    await house.reduce()
    conversation = await house.conversation()
    assert (conversation["state"], conversation["unread_count"], conversation["contact_name"]) == (
        "open",
        1,
        "Sheena",
    )
    assert conversation["channel_id"] == channel["id"]
    (message,) = await house.messages(conversation["id"])
    assert (message["direction"], message["type"], message["status"]) == ("in", "text", "received")
    assert message["text"] == "Is it still available?"
    contact = await house.get(f"/v1/contacts/{conversation['contact_id']}")
    assert [(each["kind"], each["value"]) for each in contact["identities"]] == [("whatsapp_id", "16505551234")]
    assert await house.names_told() == ["ChannelConnected", "ConversationOpened", "MessageReceived"]


async def test_the_door_answers_the_challenge_only_to_who_knows_the_word(house: House) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}
    answer = await house.client.get(HOOK, params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "guess"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": ""}):
        assert (await house.client.get(HOOK, params={**asked, **wrong})).status_code == 403


async def test_an_album_of_ten_pictures_is_one_conversation(house: House) -> None:
    await house.connected()
    at = house.now()
    pictures = [
        written("", at, type="image", image={"id": str(number), "mime_type": "image/jpeg"}) for number in range(1, 11)
    ]
    answers = await asyncio.gather(*(house.hook(value(messages=[each])) for each in pictures))
    assert {each.status_code for each in answers} == {200}
    await house.reduce(workers=3)
    conversation = await house.conversation()
    assert conversation["unread_count"] == 10
    messages = await house.messages(conversation["id"])
    assert [each["sequence"] for each in messages] == list(range(1, 11))
    assert [len(each["media"]) for each in messages] == [1] * 10
    assert await house.count("SELECT count(*) FROM contacts") == 1


async def test_shuffled_and_doubled_webhooks_come_to_the_same_by_any_number_of_workers(house: House) -> None:
    await house.connected()
    at = house.now() - 1000
    people = [f"1650555{number:04d}" for number in range(6)]
    changes = [
        value(messages=[written(f"{person} {place}", at + place, person)]) for person in people for place in range(5)
    ]
    chance = random.Random(7)
    both = [*changes, *changes]
    chance.shuffle(both)
    await asyncio.gather(*(house.hook(*both[place : place + 3]) for place in range(0, len(both), 3)))
    await house.reduce(workers=3)
    found = (await house.get("/v1/conversations?limit=100"))["items"]
    assert len(found) == 6
    for conversation in found:
        assert (conversation["unread_count"], conversation["last_sequence"]) == (5, 5)
        said = texts(await house.messages(conversation["id"]))
        assert [each.split()[1] for each in said] == ["0", "1", "2", "3", "4"]
    assert await house.count("SELECT count(*) FROM messages") == 30


async def test_what_comes_together_is_as_if_it_came_one_after_the_other(house: House) -> None:
    """Known people and newcomers, pictures, reactions and doubles, in one delivery and in many."""
    other, second, at = new_id(), "100000000000002", house.now() - 1000
    await house.sandbox.post("/whatsapp/control/numbers", json={"id": second, "waba_id": ACCOUNT})
    await house.connected()
    await house.connected(second, by=other)
    people = [f"1650555{number:04d}" for number in range(8)]
    alone, together = (_conversations(people, at) for _ in range(2))
    for message in alone:
        await house.hook(value(second, messages=[message]))
        await house.reduce()
    await house.hook(*(value(messages=[message]) for message in together[:4]))
    await house.reduce()
    await house.hook(*(value(messages=[message]) for message in together))
    await house.reduce()
    assert await _seen(house, None) == await _seen(house, other)
    assert len(await _seen(house, None)) == len(people)


def _conversations(people: list[str], at: int) -> list[dict[str, Any]]:
    said = [written(f"{person} {place}", at + place, person) for place in range(3) for person in people]
    reaction = {"message_id": said[-8]["id"], "emoji": "👍"}
    return [
        *said,
        written("", at + 5, people[0], type="image", image={"id": "1", "mime_type": "image/jpeg"}),
        written("", at + 6, people[0], type="reaction", reaction=reaction),
        written("last", at + 7, people[0]),
        said[-8],
    ]


async def _seen(house: House, by: UUID | None) -> list[Any]:
    """All that an organization has of its conversations, but for ids and times of our own."""
    shown = ("type", "text", "status", "sequence", "provider_time", "reaction", "media")
    found = (await house.get("/v1/conversations?limit=100", by=by))["items"]
    seen = []
    for each in found:
        messages = [{name: message[name] for name in shown} for message in await house.messages(each["id"], by=by)]
        for message in messages:
            message["media"] = len(message["media"])
        seen.append((messages, each["unread_count"], each["last_sequence"], each["version"], each["last_message_at"]))
    return sorted(seen, key=str)


async def test_one_message_in_two_deliveries_of_different_shape_is_one(house: House) -> None:
    await house.connected()
    message = written("once", house.now())
    await house.hook(value(messages=[message]))
    await house.hook(value(messages=[message, written("two", house.now())]))
    await house.reduce()
    assert texts(await house.messages((await house.conversation())["id"])) == ["once", "two"]


async def test_two_organizations_with_the_same_contact_know_nothing_of_each_other(house: House) -> None:
    other, second = new_id(), "100000000000002"
    await house.sandbox.post("/whatsapp/control/numbers", json={"id": second, "waba_id": ACCOUNT})
    await house.connected()
    await house.connected(second, by=other)
    await house.say("to the first")
    await house.say("to the second", number=second)
    await house.reduce()
    ours, theirs = await house.conversation(), await house.conversation(by=other)
    assert ours["contact_id"] != theirs["contact_id"]
    assert texts(await house.messages(theirs["id"], by=other)) == ["to the second"]
    for path in (f"/v1/conversations/{theirs['id']}", f"/v1/contacts/{theirs['contact_id']}"):
        assert (await house.ask("GET", path)).status_code == 404
    blinds = await house.rows("SELECT blind FROM contact_identities")
    assert len({row["blind"] for row in blinds}) == 2


async def test_a_number_that_nobody_has_is_quarantined_and_comes_in_once_it_is_connected(house: House) -> None:
    await house.say("early")
    await house.reduce()
    (row,) = await house.rows("SELECT verdict, reason FROM intake_items")
    assert row["verdict"] == "quarantined"
    await house.connected()
    await house.replay()
    await house.reduce()
    assert texts(await house.messages((await house.conversation())["id"])) == ["early"]


async def test_receiving_goes_on_while_the_token_is_dead_and_after_what_is_not_known(house: House) -> None:
    channel = await house.connected()
    await house.rows("UPDATE channels SET health = 'token_dead' WHERE id = $1", channel["id"])
    await house.say("", type="hologram", hologram={"depth": 3})
    await house.say("still here")
    await house.reduce()
    messages = await house.messages((await house.conversation())["id"])
    assert [(each["type"], each["text"]) for each in messages] == [
        ("hologram", "[hologram]"),
        ("text", "still here"),
    ]
    assert messages[0]["detail"] == {"hologram": {"depth": 3}}


async def test_what_nobody_handles_yet_is_kept_for_a_later_day(house: House) -> None:
    await house.connected()
    await house.hook({"field": "tracking_events", "value": {"event_name": "PURCHASE"}})
    await house.reduce()
    (row,) = await house.rows("SELECT verdict, reason, organization_id FROM intake_items")
    assert (row["verdict"], row["organization_id"]) == ("quarantined", house.organization_id)
    assert "tracking_events" in row["reason"]


async def test_what_was_said_in_a_group_does_not_come_into_a_conversation(house: House) -> None:
    await house.connected()
    await house.say("to all of you", group_id="Y2FwaV9ncm91cDox")
    await house.reduce()
    (row,) = await house.rows("SELECT verdict, reason FROM intake_items")
    assert (row["verdict"], row["reason"]) == ("quarantined", "a message to a group")
    assert (await house.get("/v1/conversations"))["items"] == []


async def test_of_a_text_without_end_so_much_is_kept_as_a_screen_can_show(house: House) -> None:
    await house.connected()
    for text in ("x" * 3_000_000, "\U0001f600" * 500_000):
        await house.say(text, name=text[:1000])
    await house.reduce()
    said = texts(await house.messages((await house.conversation())["id"]))
    assert sorted(said) == ["x" * 100_000, "\U0001f600" * 100_000]


async def test_a_body_beyond_the_limit_is_refused(house: House) -> None:
    body = delivery(value(messages=[written("x" * 5_000_000, 1)]))
    assert (await house.client.post(HOOK, content=body, headers=signed(body))).status_code == 413


async def test_messages_are_shown_by_the_platforms_time_and_late_ones_at_their_place(house: House) -> None:
    await house.connected()
    at = house.now() - 100
    for text, offset in (("third", 3), ("first", 1), ("second", 2)):
        await house.hook(value(messages=[written(text, at + offset)]))
        await house.reduce()
    conversation = await house.conversation()
    assert texts(await house.messages(conversation["id"])) == ["first", "second", "third"]
    assert conversation["last_sequence"] == 3


async def test_a_resolved_conversation_is_opened_again_and_not_doubled(house: House) -> None:
    conversation = await house.open_conversation()
    path = f"/v1/conversations/{conversation['id']}"
    tag = {"if-match": f'"v{conversation["version"]}"'}
    answer = await house.ask("PATCH", path, json={"state": "resolved"}, headers=tag)
    assert answer.json()["state"] == "resolved"
    await house.say("one more thing")
    await house.reduce()
    again = await house.conversation()
    assert (again["id"], again["state"], again["unread_count"]) == (conversation["id"], "open", 2)
    assert "ConversationReopened" in await house.names_told()


async def test_reactions_edits_and_withdrawals_belong_to_their_message_also_when_they_come_first(
    house: House,
) -> None:
    conversation = await house.open_conversation()
    at = house.now()
    one, two = written("one", at), written("two", at + 1)
    marks = [
        written("", at + 2, type="reaction", reaction={"message_id": one["id"], "emoji": "👍"}),
        written("", at + 4, type="reaction", reaction={"message_id": one["id"], "emoji": "❤"}),
        written("", at + 3, type="reaction", reaction={"message_id": one["id"], "emoji": ""}),
        written(
            "",
            at + 3,
            type="edit",
            edit={"original_message_id": one["id"], "message": {"type": "text", "text": {"body": "one, corrected"}}},
        ),
        written("", at + 5, type="revoke", revoke={"original_message_id": two["id"]}),
    ]
    for each in (*marks, one, two, *marks):
        await house.hook(value(messages=[each]))
    await house.reduce()
    _, first, second = await house.messages(conversation["id"])
    assert (first["text"], first["edited"], first["reaction"]) == ("one, corrected", True, "❤")
    assert (second["text"], second["withdrawn"], second["detail"]) == (None, True, {})
    assert (await house.conversation())["unread_count"] == 3


async def test_of_reactions_within_one_second_the_one_that_came_last_counts(house: House) -> None:
    conversation = await house.open_conversation()
    at, one = house.now(), await house.say("one")
    for emoji in ("👍", "", "❤", "👍", "😮", ""):
        mark = written("", at, type="reaction", reaction={"message_id": one, "emoji": emoji})
        await house.hook(value(messages=[mark]))
    await house.reduce()
    _, shown = await house.messages(conversation["id"])
    assert shown["reaction"] is None


async def test_a_quoted_message_is_named(house: House) -> None:
    conversation = await house.open_conversation()
    first = await house.say("quoted")
    await house.say("about that", context={"id": first, "from": "15550001"})
    await house.reduce()
    _, quoted, reply = await house.messages(conversation["id"])
    assert reply["reply_to"] == quoted["id"]


async def test_a_new_number_told_by_the_platform_is_the_same_contact(house: House) -> None:
    conversation = await house.open_conversation()
    system = {"type": "user_changed_number", "body": "changed", "wa_id": "12195555358"}
    await house.say("", type="system", system=system)
    await house.say("from my new number", person="12195555358")
    await house.reduce()
    assert (await house.conversation())["id"] == conversation["id"]
    contact = await house.get(f"/v1/contacts/{conversation['contact_id']}")
    assert [each["value"] for each in contact["identities"]] == ["12195555358"]


async def test_who_gets_a_number_that_somebody_has_left_is_somebody_else(house: House) -> None:
    """Without scoped ids only the report of the change tells the two apart."""
    conversation = await house.open_conversation()
    system = {"type": "user_changed_number", "body": "changed", "wa_id": "12195555358"}
    second, at = "100000000000002", house.now()
    await house.sandbox.post("/whatsapp/control/numbers", json={"id": second, "waba_id": ACCOUNT})
    await house.connected(second)
    for number in (NUMBER, second):  # each number of the organization is told
        await house.say("", type="system", system=system, number=number)
    await house.reduce()
    await house.forward(60)
    await house.hook(value(messages=[written("written before the change", at - 600)]))
    await house.say("I have this number now", name="Bob")
    await house.say("from my new number", person="12195555358")
    await house.reduce()
    found = {each["contact_name"]: each for each in (await house.get("/v1/conversations"))["items"]}
    assert set(found) == {"Sheena", "Bob"}
    assert texts(await house.messages(found["Bob"]["id"])) == ["I have this number now"]
    said = texts(await house.messages(conversation["id"]))
    assert said == ["written before the change", "Hello", "changed", "from my new number"]
    assert await house.count("SELECT count(*) FROM contacts") == 2
    for name, number in (("Sheena", "12195555358"), ("Bob", "16505551234")):
        contact = await house.get(f"/v1/contacts/{found[name]['contact_id']}")
        assert [each["value"] for each in contact["identities"]] == [number]


async def test_a_new_number_that_was_another_contacts_is_theirs_no_more(house: House) -> None:
    """What waits for the one who had it does not go to the one who has it."""
    conversation = await house.open_conversation()
    await house.say("I am Carl", person="12195555358", name="Carl")
    await house.reduce()
    (carls,) = [each for each in (await house.get("/v1/conversations"))["items"] if each["contact_name"] == "Carl"]
    await house.reply(carls["id"], "for Carl alone")
    system = {"type": "user_changed_number", "body": "changed", "wa_id": "12195555358"}
    await house.say("", type="system", system=system)
    await house.say("from my new number", person="12195555358")
    await house.reduce()
    assert "from my new number" in texts(await house.messages(conversation["id"]))
    await house.work()
    (_, waited) = await house.messages(carls["id"])
    assert (waited["status"], waited["failure_code"]) == ("failed", "contact-unreachable")
    assert await house.left() == []


async def test_a_change_of_number_is_no_message_that_opens_the_window(house: House) -> None:
    before = await house.open_conversation()
    await house.forward(3600)
    system = {"type": "user_changed_number", "body": "changed", "wa_id": "12195555358"}
    await house.say("", type="system", system=system)
    await house.reduce()
    assert (await house.conversation())["window_open_until"] == before["window_open_until"]


async def test_a_forgotten_contact_who_writes_again_is_somebody_new(house: House) -> None:
    """Nothing can be sealed for the one who was forgotten; what they write now is not lost for that."""
    before = await house.open_conversation()
    async with house.database.transaction(house.organization_id) as tx:
        keyring = house.parts.contacts.keyring
        await keyring.shred(tx, house.organization_id, f"contact:{before['contact_id']}")
    await asyncio.gather(*(house.say(f"back {number}") for number in range(3)))
    await house.reduce(workers=2)
    found = {each["contact_name"]: each for each in (await house.get("/v1/conversations"))["items"]}
    assert set(found) == {None, "Sheena"}
    said = texts(await house.messages(found["Sheena"]["id"]))
    assert sorted(said) == ["back 0", "back 1", "back 2"]
    contact = await house.get(f"/v1/contacts/{found['Sheena']['contact_id']}")
    assert [each["value"] for each in contact["identities"]] == ["16505551234"]


async def test_both_spellings_of_a_number_are_one_contact(house: House) -> None:
    await house.connected()
    for person in ("5511987654321", "551187654321", "5215512345678", "525512345678"):
        await house.say(f"I am {person}", person=person)
    await house.reduce()
    found = (await house.get("/v1/conversations"))["items"]
    assert len(found) == 2
    assert {each["unread_count"] for each in found} == {2}


async def test_a_newcomer_who_writes_to_two_numbers_in_two_spellings_at_once_is_one_contact(house: House) -> None:
    """What comes to two numbers of ours is applied by two workers at the same time."""
    numbers = ("100000000000001", "100000000000002")
    await house.number(numbers[1])
    for number in numbers:
        await house.connected(number)
    people = [(f"5511987654{tail}", f"551187654{tail}") for tail in range(310, 330)]
    for several in people:
        for number, person in zip(numbers, several, strict=True):
            await house.say(person=person, number=number)
    await house.reduce(workers=3)
    contacts = (await house.get("/v1/contacts?limit=100"))["items"]
    assert len(contacts) == len(people)
    assert sorted(len(each["identities"]) for each in contacts) == [2] * len(people)


async def test_the_scoped_id_leads_when_the_number_is_not_told_any_more(house: House) -> None:
    await house.connected()
    profile = {"wa_id": "16505551234", "user_id": "US.123", "profile": {"name": "S"}}
    both = written("with number", house.now(), from_user_id="US.123")
    await house.hook(value(messages=[both], contacts=[profile]))
    hidden = written("without", house.now() + 1, from_user_id="US.123")
    del hidden["from"]
    await house.hook(value(messages=[hidden], contacts=[{"user_id": "US.123", "profile": {"username": "sheena"}}]))
    await house.reduce()
    assert (await house.conversation())["unread_count"] == 2


async def test_a_number_that_was_given_to_somebody_else_does_not_open_the_old_conversation(house: House) -> None:
    await house.connected()
    for scoped in ("US.1", "US.2"):
        message = written(f"I am {scoped}", house.now(), from_user_id=scoped)
        await house.hook(value(messages=[message], contacts=[{"wa_id": "16505551234", "user_id": scoped}]))
        await house.reduce()
    found = (await house.get("/v1/conversations"))["items"]
    assert len(found) == 2
    said = [texts(await house.messages(each["id"])) for each in found]
    assert sorted(said) == [["I am US.1"], ["I am US.2"]]


async def test_nothing_personal_stands_in_rows_or_facts(house: House) -> None:
    await house.connected()
    await house.say("My secret is 4711", name="Sheena Nelson")
    await house.reduce()
    for table in ("contacts", "contact_identities", "conversations", "messages", "outbox", "intake_items"):
        rows = str(await house.rows(f"SELECT t::text FROM {table} AS t"))
        for personal in ("4711", "Sheena", "16505551234", "wamid"):
            assert personal not in rows, (table, personal)
            assert personal.encode().hex() not in rows, (table, personal)


async def test_many_messages_of_one_contact_keep_their_order_beside_others(house: House) -> None:
    await house.connected()
    at = house.now()
    many = [written(f"{number}", at) for number in range(60)]
    await house.hook(value(messages=many), value(messages=[written("me too", at, "4915112345678")]))
    await house.reduce(workers=3)
    found = {each["unread_count"] for each in (await house.get("/v1/conversations"))["items"]}
    assert found == {60, 1}
    (long,) = [each for each in (await house.get("/v1/conversations"))["items"] if each["unread_count"] == 60]
    assert texts(await house.messages(long["id"])) == [str(number) for number in range(60)]
