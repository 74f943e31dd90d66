"""Notes about a contact: the team's alone, sealed under the contact's key, and shown with all that are one."""

from typing import Any
from uuid import UUID

import httpx

from contracts.inbox import ContactChanged, MemberMentionedOnContact
from kit.ids import new_id
from kit.privacy.person import Person

from .house import House
from .lives import Asking
from .test_merging import BOB, SHEENA, contacts, merged, undo
from .test_notes import as_user
from .test_visibility import Desks, desks

__all__ = ["desks"]

WORDS = "prefers unmistakable mornings"


async def write(
    house: House, user_id: UUID, contact_id: str, text: str = WORDS, key: str = "", **more: Any
) -> httpx.Response:
    headers = as_user(house, user_id) | ({"idempotency-key": key} if key else {})
    return await house.client.post(f"/v1/contacts/{contact_id}/notes", json={"text": text, **more}, headers=headers)


async def notes(house: House, contact_id: str) -> list[str]:
    return [each["text"] for each in (await house.get(f"/v1/contacts/{contact_id}/notes"))["items"]]


async def test_a_note_about_a_contact_is_written_once_edited_deleted_and_sealed(house: House) -> None:
    (sheena,) = await contacts(house, SHEENA)
    robin, key = await house.member(), new_id().hex
    version = (await house.get(f"/v1/contacts/{sheena}"))["version"]
    first = await write(house, robin, sheena, key=key)
    again = await write(house, robin, sheena, key=key)
    assert (first.status_code, first.json()) == (201, again.json())
    (note,) = (await house.get(f"/v1/contacts/{sheena}/notes"))["items"]
    assert (note["text"], note["author_id"], note["contact_id"], note["conversation_id"]) == (
        WORDS,
        str(robin),
        sheena,
        None,
    )
    assert not [row for row in await house.rows("SELECT n::text AS text FROM notes AS n") if "unmis" in row["text"]]
    changed = [each for each in await house.told() if isinstance(each, ContactChanged)][-1]
    assert (str(changed.contact_id), changed.version) == (sheena, version + 1)
    path = f"/v1/notes/{note['id']}"
    other = await house.member()
    body, tag = {"text": "another word"}, {"if-match": '"v1"'}
    assert (await house.client.put(path, json=body, headers=as_user(house, other) | tag)).status_code == 403
    edited = await house.client.put(path, json=body, headers=as_user(house, robin) | tag)
    assert (edited.status_code, edited.json()["version"], edited.json()["contact_id"]) == (200, 2, sheena)
    assert (await house.client.put(path, json=body, headers=as_user(house, robin) | tag)).status_code == 412
    before = (await house.get(f"{path}/revisions"))["items"]
    assert [each["text"] for each in before] == [WORDS]
    assert (await house.client.delete(path, headers=as_user(house, other))).status_code == 403
    assert (await house.client.delete(path, headers=as_user(house, robin))).status_code == 204
    (gone,) = (await house.get(f"/v1/contacts/{sheena}/notes"))["items"]
    assert (gone["text"], gone["deleted_at"] is None) == (None, False)
    assert (await house.get(f"{path}/revisions"))["items"] == []
    assert (await house.ask("GET", f"/v1/contacts/{sheena}/notes", by=new_id())).status_code == 404
    assert (await house.ask("POST", f"/v1/contacts/{sheena}/notes", by=new_id(), json=body)).status_code == 404


async def test_whom_a_note_about_a_contact_calls_is_told_once(house: House) -> None:
    (sheena,) = await contacts(house, SHEENA)
    robin, pat = await house.member(), await house.member()
    called = [str(pat), str(robin)]
    note = (await write(house, robin, sheena, mention_ids=called)).json()
    told = [each for each in await house.told() if isinstance(each, MemberMentionedOnContact)]
    assert [(each.user_id, each.by, str(each.contact_id)) for each in told] == [(pat, robin, sheena)]
    (mine,) = (await house.client.get("/v1/mentions", headers=as_user(house, pat))).json()["items"]
    assert (mine["note_id"], mine["contact_id"], mine["conversation_id"]) == (note["id"], sheena, None)
    refused = await write(house, robin, sheena, mention_ids=[str(new_id())])
    assert refused.status_code == 422


async def test_pages_of_notes_show_each_once(house: House) -> None:
    (sheena,) = await contacts(house, SHEENA)
    robin = await house.member()
    for number in range(5):
        await write(house, robin, sheena, f"note {number}")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await house.get(f"/v1/contacts/{sheena}/notes?limit=2{cursor}")
        seen += [each["text"] for each in page["items"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert seen == [f"note {number}" for number in reversed(range(5))]


async def test_merging_brings_notes_together_and_undoing_gives_each_its_own_back(house: House) -> None:
    sheena, bob = await contacts(house, SHEENA, BOB)
    robin = await house.member()
    await write(house, robin, sheena, "of Sheena")
    await write(house, robin, bob, "of Bob")
    merge_id = (await merged(house, sheena, bob))["id"]
    assert await notes(house, sheena) == await notes(house, bob) == ["of Bob", "of Sheena"]
    meanwhile = (await write(house, robin, bob, "of both")).json()
    assert meanwhile["contact_id"] == sheena
    await undo(house, merge_id)
    assert (await notes(house, sheena), await notes(house, bob)) == (["of both", "of Sheena"], ["of Bob"])


async def test_a_note_about_a_contact_is_found_by_its_words(house: House) -> None:
    (sheena,) = await contacts(house, SHEENA)
    await write(house, await house.member(), sheena)
    while await house.parts.indexing.run():
        pass
    found = (await house.ask("POST", "/v1/search/notes", json={"text": "unmistakable"})).json()["items"]
    assert [(each["contact_id"], each["conversation_id"]) for each in found] == [(sheena, None)]
    other = await house.ask("POST", "/v1/search/notes", json={"text": "unmistakable"}, by=new_id())
    assert other.json()["items"] == []


async def test_who_sees_few_channels_reads_what_is_noted_about_contacts(desks: Desks) -> None:
    """Contacts are everybody's, and so are notes about them; those in hidden conversations are not."""
    contact = desks.secret["contact_id"]
    assert (await write(desks.house, desks.insider, contact)).status_code == 201
    (note,) = (await desks.get(desks.outsider, f"/v1/contacts/{contact}/notes"))["items"]
    assert note["text"] == WORDS


async def test_notes_about_a_contact_are_handed_over_and_forgotten_with_them(house: House) -> None:
    sheena, bob = await contacts(house, SHEENA, BOB)
    robin = await house.member()
    await write(house, robin, bob, mention_ids=[str(robin)])
    await write(house, robin, sheena, "about somebody else")
    asking, person = Asking(house), Person("contact", UUID(bob), house.organization_id)
    await merged(house, bob, (await contacts(house, "12195555358"))[0])
    exported = await asking.export(person)
    await asking.work()
    lines = await asking.lines(person, exported, 1)
    assert [each["row"]["text"] for each in lines if each["table"] == "notes"] == [WORDS]
    await asking.erasure(person)
    await asking.work()
    assert await house.count("SELECT count(*) FROM notes WHERE contact_id = $1", UUID(bob)) == 0
    assert await house.count("SELECT count(*) FROM contacts WHERE id = $1", UUID(bob)) == 0
    assert await notes(house, sheena) == ["about somebody else"]
