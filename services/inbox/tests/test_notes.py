"""Notes stay in the team: whom they call is told, who wrote them may change them, and no contact ever gets one."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.inbox import ConversationChanged, MemberMentioned
from inbox.messages.reporting import SEND
from kit.ids import new_id
from kit.ledger.model import Effect, Lane
from kit.privacy.person import Person

from .house import House
from .lives import Asking
from .test_teams import created, deleted, joined

SECRET_WORDS = "unmistakable words among colleagues"


def as_user(house: House, user_id: UUID, role: str = "agent", by: UUID | None = None) -> dict[str, str]:
    token = house.issuer.token(house.database.clock.now(), by or house.organization_id, role, sub=str(user_id))
    return {"authorization": f"Bearer {token}"}


async def write(
    house: House, user_id: UUID, conversation_id: str, text: str = SECRET_WORDS, key: str = "", **more: Any
) -> httpx.Response:
    headers = as_user(house, user_id) | ({"idempotency-key": key} if key else {})
    path = f"/v1/conversations/{conversation_id}/notes"
    return await house.client.post(path, json={"text": text, **more}, headers=headers)


async def notes(house: House, conversation_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await house.get(f"/v1/conversations/{conversation_id}/notes"))["items"]
    return items


async def test_a_note_is_read_by_the_team_and_the_conversation_tells_of_it(house: House) -> None:
    conversation, robin = await house.open_conversation(), await house.member()
    told, key = len(await house.told()), new_id().hex
    first = await write(house, robin, conversation["id"], key=key)
    again = await write(house, robin, conversation["id"], key=key)
    assert (first.status_code, first.json()) == (201, again.json())
    (note,) = await notes(house, conversation["id"])
    assert (note["text"], note["author_id"], note["version"]) == (SECRET_WORDS, str(robin), 1)
    (event,) = (await house.told())[told:]
    assert isinstance(event, ConversationChanged)
    assert (await house.conversation())["version"] == event.version == conversation["version"] + 1
    assert not [row for row in await house.rows("SELECT n::text AS text FROM notes AS n") if "unmis" in row["text"]]


async def test_no_path_that_sends_can_take_a_note(house: House) -> None:
    """Written, mentioned, edited, shown as read, and even put into the ledger as though it were a message."""
    conversation, robin, pat = await house.open_conversation(), await house.member(), await house.member()
    path = f"/v1/conversations/{conversation['id']}"
    note = (await write(house, robin, conversation["id"], mention_ids=[str(pat)])).json()
    edited = await house.client.put(
        f"/v1/notes/{note['id']}",
        json={"text": SECRET_WORDS + " again", "mention_ids": [str(pat)]},
        headers=as_user(house, robin) | {"if-match": '"v1"'},
    )
    assert edited.status_code == 200
    assert (await house.ask("POST", f"{path}/read", json={"tell_contact": True})).status_code == 200
    assert (await house.ask("POST", f"{path}/typing")).status_code == 204
    assert (await house.reply(conversation["id"], "an answer")).status_code == 202
    assert (await house.reply(conversation["id"], "quoting", reply_to=note["id"])).status_code == 404
    assert (await house.reply(conversation["id"], "as id", id=note["id"])).status_code == 202
    for door in ("/v1/messages/{}", "/v1/messages/{}/cancel"):
        method = "GET" if door.endswith("{}") else "POST"
        answer = await house.ask(method, door.format(note["id"]))
        assert SECRET_WORDS not in answer.text
    other = (await write(house, robin, conversation["id"])).json()
    async with house.database.transaction(house.organization_id) as tx:
        lane = Lane(house.organization_id, f"whatsapp:{conversation['channel_id']}")
        await house.parts.ledger.add(tx, Effect(SEND, lane, UUID(other["id"])))
    await house.person()
    async with house.working():
        await asyncio.sleep(0)
    await house.work()
    left = await house.left()
    assert len(left) == 2
    assert "unmistakable" not in str(left)
    everything = await house.sandbox.get("/control/whatsapp/requests")
    assert "unmistakable" not in everything.text
    for table in ("messages", "outbox", "ledger_entries", "ledger_attempts", "intake_items"):
        rows = await house.rows(f"SELECT t::text AS text FROM {table} AS t")
        assert not [row for row in rows if "unmistakable" in row["text"]], table
    assert await house.count("SELECT count(*) FROM messages WHERE id = $1::uuid", other["id"]) == 0


async def test_who_is_called_is_told_once_and_sees_it_until_it_is_read(house: House) -> None:
    conversation, robin, pat = await house.open_conversation(), await house.member(), await house.member("admin")
    note = (await write(house, robin, conversation["id"], mention_ids=[str(pat), str(robin), str(pat)])).json()
    assert set(note["mention_ids"]) == {str(pat), str(robin)}
    told = [each for each in await house.told() if isinstance(each, MemberMentioned)]
    assert [(each.user_id, each.by, str(each.note_id)) for each in told] == [(pat, robin, note["id"])]
    mine = as_user(house, pat, "admin")
    listed = (await house.client.get("/v1/mentions?unread=true", headers=mine)).json()["items"]
    assert [(each["note_id"], each["author_id"], each["read_at"]) for each in listed] == [
        (note["id"], str(robin), None)
    ]
    assert (await house.client.get("/v1/mentions/unread", headers=mine)).json() == {"unread": 1}
    again = {"text": "called again", "mention_ids": [str(pat)]}
    path, tag = f"/v1/notes/{note['id']}", {"if-match": '"v1"'}
    assert (await house.client.put(path, json=again, headers=as_user(house, robin) | tag)).status_code == 200
    assert len([each for each in await house.told() if isinstance(each, MemberMentioned)]) == 1
    for body in ({"note_ids": [note["id"]]}, {"note_ids": [note["id"], str(new_id())]}, {}):
        assert (await house.client.post("/v1/mentions/read", json=body, headers=mine)).json() == {"unread": 0}
    assert (await house.client.get("/v1/mentions?unread=true", headers=mine)).json()["items"] == []
    assert len((await house.client.get("/v1/mentions", headers=mine)).json()["items"]) == 1
    gone = await house.client.delete(path, headers=as_user(house, robin))
    assert gone.status_code == 204
    assert (await house.client.get("/v1/mentions", headers=mine)).json()["items"] == []


async def test_a_team_is_called_by_its_name_and_whoever_is_in_it_is_told(house: House) -> None:
    conversation, robin, pat, kim = await house.open_conversation(), *[await house.member() for _ in range(3)]
    gone, reader, team = await house.member(), await house.member("editor"), created(house.organization_id)
    await house.hear(team, joined(team, add=[robin, pat, gone, reader]))
    await house.hear(joined(team, 3, remove=[gone]))
    named: dict[str, Any] = {"mention_team_ids": [str(team.team_id)], "mention_ids": [str(kim), str(pat)]}
    note = (await write(house, robin, conversation["id"], **named)).json()
    assert set(note["mention_ids"]) == {str(robin), str(pat), str(kim)}
    told = [each for each in await house.told() if isinstance(each, MemberMentioned)]
    assert {each.user_id for each in told} == {pat, kim}
    unknown = await write(house, robin, conversation["id"], mention_team_ids=[str(new_id())])
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["pointer"] == "#/mention_team_ids"
    await house.hear(deleted(team))
    assert (await write(house, robin, conversation["id"], **named)).status_code == 422


@pytest.mark.parametrize("role", ["editor", "analyst", ""])
async def test_only_who_works_here_can_be_called(house: House, role: str) -> None:
    conversation, robin = await house.open_conversation(), await house.member()
    called = await house.member(role) if role else new_id()
    answer = await write(house, robin, conversation["id"], mention_ids=[str(called)])
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "mention-not-a-member")
    assert answer.json()["errors"][0]["pointer"] == "#/mention_ids"
    assert await notes(house, conversation["id"]) == []


async def test_only_its_author_changes_a_note_and_what_it_said_is_kept_until_it_is_deleted(house: House) -> None:
    conversation, robin, pat = await house.open_conversation(), await house.member(), await house.member()
    note = (await write(house, robin, conversation["id"], "first")).json()
    path, mine, others = f"/v1/notes/{note['id']}", as_user(house, robin), as_user(house, pat)
    tag = {"if-match": '"v1"'}
    assert (await house.client.put(path, json={"text": "no"}, headers=others | tag)).status_code == 403
    assert (await house.client.delete(path, headers=others)).status_code == 403
    both = await asyncio.gather(
        *(house.client.put(path, json={"text": text}, headers=mine | tag) for text in ("second", "third"))
    )
    assert sorted(each.status_code for each in both) == [200, 412]
    revisions = (await house.client.get(f"{path}/revisions", headers=others)).json()["items"]
    assert [(each["number"], each["text"]) for each in revisions] == [(1, "first")]
    assert (await house.client.delete(path, headers=mine)).status_code == 204
    assert (await house.client.delete(path, headers=mine)).status_code == 410
    (shown,) = await notes(house, conversation["id"])
    assert (shown["text"], shown["author_id"], shown["deleted_at"] is not None) == (None, str(robin), True)
    assert (await house.client.get(f"{path}/revisions", headers=others)).json()["items"] == []
    assert await house.count("SELECT count(*) FROM notes WHERE content_sealed <> ''") == 0
    lines = [line for line in await house.audited() if line.action == "inbox.note.changed"]
    assert [(line.actor_id, line.details) for line in lines] == [
        (robin, {"what": "edited"}),
        (robin, {"what": "deleted"}),
    ]


async def test_another_organization_sees_and_changes_nothing(house: House) -> None:
    conversation, robin, other = await house.open_conversation(), await house.member(), new_id()
    note = (await write(house, robin, conversation["id"])).json()
    mine = as_user(house, robin, "owner", by=other)
    path = f"/v1/notes/{note['id']}"
    answers = [
        await house.client.get(f"/v1/conversations/{conversation['id']}/notes", headers=mine),
        await house.client.post(f"/v1/conversations/{conversation['id']}/notes", json={"text": "x"}, headers=mine),
        await house.client.put(path, json={"text": "x"}, headers=mine | {"if-match": "*"}),
        await house.client.delete(path, headers=mine),
        await house.client.get(f"{path}/revisions", headers=mine),
    ]
    assert [each.status_code for each in answers] == [404] * 5


async def test_notes_come_in_pages_and_are_found_by_their_words(house: House) -> None:
    conversation, robin = await house.open_conversation(), await house.member()
    for at in range(5):
        await write(house, robin, conversation["id"], f"note {at} about pineapples")
    path = f"/v1/conversations/{conversation['id']}/notes?limit=3"
    first = await house.get(path)
    rest = await house.get(f"{path}&cursor={first['next_cursor']}")
    said = [each["text"] for each in first["items"] + rest["items"]]
    assert said == [f"note {at} about pineapples" for at in (4, 3, 2, 1, 0)]
    await house.client.delete(f"/v1/notes/{first['items'][0]['id']}", headers=as_user(house, robin))
    while await house.parts.indexing.run():
        pass
    found = (await house.ask("POST", "/v1/search/notes", json={"text": "pineapp"})).json()["items"]
    assert len(found) == 4
    assert found[0]["excerpt"] == {"text": "note 3 about pineapples", "matches": [[13, 23]]}
    assert (await house.ask("POST", "/v1/search/messages", json={"text": "pineapp"})).json()["items"] == []


async def test_notes_about_a_forgotten_contact_go_and_none_can_be_written(house: House) -> None:
    conversation, robin, pat = await house.open_conversation(), await house.member(), await house.member()
    note = (await write(house, robin, conversation["id"], mention_ids=[str(pat)])).json()
    headers = as_user(house, robin) | {"if-match": '"v1"'}
    assert (
        await house.client.put(f"/v1/notes/{note['id']}", json={"text": "two"}, headers=headers)
    ).status_code == 200
    person = Person("contact", UUID(conversation["contact_id"]), house.organization_id)
    asking = Asking(house)
    await asking.erasure(person, "anonymise")
    await asking.work()
    for table in ("notes", "note_revisions", "mentions", "note_words"):
        assert await house.count(f"SELECT count(*) FROM {table}") == 0, table
    async with house.database.transaction(house.organization_id) as tx:
        await asking.keyring.shred(tx, house.organization_id, person.key_owner)
    refused = await write(house, robin, conversation["id"])
    assert refused.status_code in (409, 410), refused.text


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": "x" * 4097}, {"text": "x", "mention_ids": ["x"]}, {"text": "x", "send": True}],
)
async def test_a_note_that_is_none_is_refused(house: House, body: dict[str, Any]) -> None:
    robin = await house.member()
    path = f"/v1/conversations/{new_id()}/notes"
    assert (await house.client.post(path, json=body, headers=as_user(house, robin))).status_code == 422
