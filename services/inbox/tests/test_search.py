"""Messages, notes and contacts are found although they lie sealed, by their own organization and until they go."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from kit.ids import new_id
from kit.privacy.person import Person

from .house import NUMBER, House, texts, value, wamid
from .lives import Asking


async def indexed(house: House) -> None:
    """Let the index see what was written."""
    while await house.parts.indexing.run():
        pass
    assert await house.count("SELECT count(*) FROM search_due") == 0


async def search(house: House, text: str, what: str = "messages", by: UUID | None = None, **more: Any) -> list[Any]:
    query = f"?limit={more.pop('limit', 25)}"
    answer = await house.ask("POST", f"/v1/search/{what}{query}", by=by, role="agent", json={"text": text, **more})
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


async def spoken(house: House, *said: str, person: str = "16505551234", name: str = "Sheena") -> dict[str, Any]:
    await house.connected()
    for text in said:
        await house.say(text, person=person, name=name)
    await house.reduce()
    await indexed(house)
    return await house.conversation()


async def test_what_was_said_by_both_is_found_with_an_excerpt(house: House) -> None:
    conversation = await spoken(house, "My Invoice is wrong", "Is it the café in the Straße?")
    answer = await house.reply(conversation["id"], "We look at the invoices, Sheena")
    assert answer.status_code == 202
    await indexed(house)
    found = await search(house, "invoice")
    assert [(each["direction"], each["contact_name"]) for each in found] == [("out", "Sheena"), ("in", "Sheena")]
    assert found[1]["excerpt"] == {"text": "My Invoice is wrong", "matches": [[3, 10]]}
    assert found[0]["message_id"] == answer.json()["id"]
    (one,) = await search(house, "strasse CAFE")
    assert (one["conversation_id"], one["contact_id"]) == (conversation["id"], conversation["contact_id"])
    assert await search(house, "invoice cafe") == []
    assert await search(house, "invoice", conversation_id=str(new_id())) == []
    assert len(await search(house, "invoice", conversation_id=conversation["id"])) == 2


async def test_nobody_finds_what_another_organization_was_told(house: House) -> None:
    await spoken(house, "the secret word")
    assert len(await search(house, "secret")) == 1
    other = new_id()
    assert await search(house, "secret", by=other) == []
    assert await search(house, "sheena", "contacts", by=other) == []
    await house.number("100000000000002")
    await house.connected("100000000000002", by=other)
    await house.say("secret things of others", number="100000000000002")
    await house.reduce()
    await indexed(house)
    assert [each["excerpt"]["text"] for each in await search(house, "secret")] == ["the secret word"]
    assert [each["excerpt"]["text"] for each in await search(house, "secret", by=other)] == [
        "secret things of others"
    ]


async def test_the_function_gives_nothing_to_a_transaction_of_others(house: House) -> None:
    await spoken(house, "the secret word")
    sql = "SELECT count(*) FROM search_find('message', $1, $2, NULL, NULL, NULL, 10)"
    (row,) = await house.rows("SELECT tokens FROM message_words")
    for bound, expected in ((house.organization_id, 1), (new_id(), 0)):
        async with house.database.transaction(bound) as tx:
            assert await tx.fetchval(sql, house.organization_id, row["tokens"]) == expected


async def test_no_word_stands_in_the_index(house: House) -> None:
    await spoken(house, "unmistakable words")
    rows = await house.rows(
        "SELECT t::text AS text FROM message_words AS t UNION ALL SELECT t::text FROM contact_words AS t"
    )
    assert rows
    assert not [row for row in rows if "unmistakable" in row["text"] or "heena" in row["text"]]


async def test_an_edit_is_found_by_its_new_words_and_a_withdrawn_message_by_none(house: House) -> None:
    await house.connected()
    first = await house.say("bananas please")
    await house.reduce()
    await indexed(house)
    edit = {"original_message_id": first, "message": {"type": "text", "text": {"body": "oranges please"}}}
    await house.say("", type="edit", edit=edit)
    await house.reduce()
    await indexed(house)
    assert await search(house, "bananas") == []
    assert len(await search(house, "oranges")) == 1
    await house.say("", type="revoke", revoke={"original_message_id": first})
    await house.reduce()
    await indexed(house)
    assert await search(house, "oranges") == []


async def test_pages_go_on_where_they_ended_and_nothing_is_twice(house: House) -> None:
    await spoken(house, *(f"apple number {at}" for at in range(7)))
    seen: list[str] = []
    cursor = ""
    for _ in range(5):
        answer = await house.ask("POST", f"/v1/search/messages?limit=3{cursor}", json={"text": "apple"})
        page = answer.json()
        seen += [each["message_id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 7


async def test_contacts_are_found_by_name_and_number_and_follow_a_new_name(house: House) -> None:
    conversation = await spoken(house, "hello")
    for asked in ("shee", "1234", "+1 650 555 1234"):
        (found,) = await search(house, asked, "contacts")
        assert (found["contact_id"], found["name"]) == (conversation["contact_id"], "Sheena")
    assert await search(house, "eena", "contacts") == []
    await house.say("hello again", name="Zoë Nelson")
    await house.reduce()
    await indexed(house)
    assert await search(house, "sheena", "contacts") == []
    assert len(await search(house, "nelson zoe", "contacts")) == 1


@pytest.mark.parametrize("way", ["erase", "anonymise"])
async def test_a_forgotten_contact_is_found_by_nothing(house: House, way: str) -> None:
    conversation = await spoken(house, "words to forget")
    asking = Asking(house)
    await asking.erasure(Person("contact", UUID(conversation["contact_id"]), house.organization_id), way)
    await asking.work()
    await indexed(house)
    for table in ("message_words", "contact_words"):
        assert await house.count(f"SELECT count(*) FROM {table}") == 0
    assert await search(house, "forget") == []
    assert await search(house, "sheena", "contacts") == []


async def test_two_workers_index_each_thing_and_a_death_loses_nothing(house: House) -> None:
    await house.connected()
    for at in range(30):
        await house.say(f"pear {at}", person=f"4915100000{at % 3:02}", name=f"Person {at % 3}")
    await house.reduce()
    async with house.database.transaction() as tx:  # a worker that claims, and dies
        await tx.fetch("SELECT * FROM search_claim(1000)")
        rows = await house.count("SELECT count(*) FROM search_due")
        assert rows > 0, "until it commits, they are there"
        await tx.execute("ROLLBACK AND CHAIN")
    await asyncio.gather(*(house.parts.indexing.run() for _ in range(3)))
    await indexed(house)
    assert await house.count("SELECT count(*) FROM message_words") == 30
    assert len(await search(house, "pear", limit=100)) == 30


async def test_workers_who_meet_at_one_contact_take_turns(house: House) -> None:
    await house.connected()
    for at in range(40):
        await house.say("pear", person=f"4915100000{at:02}", name=f"Person {at}")
    await house.reduce()
    await indexed(house)
    for _ in range(5):
        async with house.database.transaction(house.organization_id) as tx:
            await tx.execute(
                "INSERT INTO search_due (organization_id, kind, subject_id) "
                "SELECT organization_id, 'contact', id FROM contacts, generate_series(1, 15)"
            )
        await asyncio.gather(*(house.parts.indexing.run() for _ in range(3)))
    await indexed(house)
    assert await house.count("SELECT count(*) FROM contact_words") == 40


async def test_what_is_written_just_now_waits_for_its_turn(house: House) -> None:
    await house.connected()
    await house.say("plum")
    await house.reduce()
    async with house.database.transaction(house.organization_id) as tx:
        await tx.fetch("SELECT id FROM messages FOR UPDATE")
        await house.parts.indexing.run()
        assert await house.count("SELECT count(*) FROM message_words") == 0
    await indexed(house)
    assert len(await search(house, "plum")) == 1


async def test_there_must_be_something_to_find(house: House) -> None:
    for what in ("messages", "notes", "contacts"):
        for text in ("?", "a" if what != "contacts" else "-"):
            answer = await house.ask("POST", f"/v1/search/{what}", json={"text": text})
            assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "nothing-to-find")
            assert answer.json()["errors"][0]["pointer"] == "#/text"
    for body in ({"text": ""}, {"text": "x" * 201}, {}, {"text": "good word", "conversation_id": "x"}):
        assert (await house.ask("POST", "/v1/search/messages", json=body)).status_code == 422
    answer = await house.ask("POST", "/v1/search/messages?cursor=bad", json={"text": "word"})
    assert answer.status_code == 422


async def test_a_message_of_any_shape_is_indexed_without_harm(house: House) -> None:
    await house.connected()
    for text in ("\u202e\u0301\u0301", "x" * 4096, "a b", "'; DROP TABLE messages; --", "\u0000"):
        await house.say(text)
    told = {
        "from": "16505551234",
        "id": wamid(),
        "timestamp": str(house.now()),
        "type": "sticker",
        "sticker": {"id": "1"},
    }
    await house.hook(value(NUMBER, messages=[told]))
    await house.reduce()
    await indexed(house)
    conversation = await house.conversation()
    assert len(texts(await house.messages(conversation["id"]))) >= 5
    assert len(await search(house, "drop table")) == 1
