"""What people do with an organization, through its doors, and what of it then stands in which table."""

import base64
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from contracts.auth import TeamCreated, TeamMembersChanged
from contracts.compliance import ErasureBegun, ExportRequested
from contracts.inbox import InboxErasureAnswered, InboxExportPartReady
from inbox import migrations
from inbox.broadcasts.model import Broadcast, State, Variant
from inbox.broadcasts.recipients.repository import NewRecipient, RecipientRepository
from inbox.broadcasts.repository import BroadcastRepository
from inbox.broadcasts.senders.repository import SenderRepository
from inbox.chat.repository import NewVisitor, VisitorRepository
from inbox.chat.service import CUSTOMER
from inbox.contacts.recognizing import IDENTITY, subject
from inbox.contacts.repository import ContactRepository, NewIdentity
from inbox.fields.model import Kept
from inbox.imports.bulk.repository import BulkRepository, NewKnown, NewValue
from inbox.imports.repository import ImportRepository
from inbox.imports.undoing.repository import UndoRepository
from kit.ids import new_id
from kit.privacy.answering import Answering
from kit.privacy.counting import Count
from kit.privacy.datamap import of_service
from kit.privacy.holding import Holdings
from kit.privacy.person import Person
from kit.seal import Keyring
from kit.testing.handing_over import Collected

from .house import NUMBER, House, value

SHEENA, BOB = "16505551234", "4915112345678"
PDF: Final = b"%PDF-1.7 what somebody sent"
MAP: Final = of_service(migrations)

KEPT: Final[Mapping[str, str]] = {
    "agents": "how those stand who work here",
    "broadcasts": "what is written to many, by a rule",
    "broadcast_counts": "sums over all recipients",
    "conversation_counts": "the sums of conversations that are there",
    "aggregate_versions": "versions of other services' facts",
    "contact_imports": "how many rows a file had",
    "idempotency_keys": "a day: the keys of members who wrote, by their ids",
    "intake_deliveries": "rows stay without their body, as is asked below",
    "intake_sources": "which worker takes deliveries apart",
    "ledger_lanes": "the pace of a channel",
    "ledger_wakes": "what wakes a lane",
    "members": "who works here",
    "outbox": "facts on their way, with ids",
    "privacy_tasks": "what was asked of us, with the id of whom it is about",
    "processed_messages": "ids of messages",
    "arrangements": "what members keep for themselves",
    "search_due": "what the index looks at in a moment, with ids",
    "signatures": "how who works here is called",
    "seal_keys": "keys are destroyed by compliance when all have answered",
}
"""Tables that a contact's life changes and their erasure does not change back, each with the reason."""

NAMING: Final = {"outbox", "privacy_tasks", "search_due", "seal_keys"}
"""Of these, the ones in which the id of the contact may still stand."""


@dataclass(slots=True)
class Asking:
    """Compliance as the inbox knows it: it asks by events, and is handed pieces."""

    house: House
    collected: Collected = field(default_factory=Collected)

    @property
    def keyring(self) -> Keyring:
        return self.house.parts.media.keyring

    def answering(self, holdings: Holdings | None = None) -> Answering:
        return Answering(
            self.house.database,
            self.keyring,
            "inbox",
            holdings or self.house.parts.holdings,
            Count(MAP),
            self.collected,
            InboxExportPartReady,
            InboxErasureAnswered,
        )

    async def export(self, person: Person) -> UUID:
        """Ask for what is kept; twice, as may happen."""
        event = ExportRequested(
            organization_id=person.organization_id,
            time=self.house.database.clock.now(),
            export_id=new_id(),
            person_kind=person.kind,
            person_id=person.id,
        )
        await self.house.hear(event, event)
        return event.export_id

    async def erasure(self, person: Person, way: str = "erase") -> UUID:
        """Ask that they be forgotten; twice, as may happen."""
        event = ErasureBegun(
            organization_id=person.organization_id,
            time=self.house.database.clock.now(),
            erasure_id=new_id(),
            person_kind=person.kind,
            person_id=person.id,
            way=way,
        )
        await self.house.hear(event)
        await self.house.hear(event, generation=1)
        return event.erasure_id

    async def work(self) -> None:
        """Work until nothing is due."""
        answering = self.answering()
        while await answering.work():
            pass

    async def answers(self, by: UUID | None) -> list[InboxErasureAnswered | InboxExportPartReady]:
        """What was answered, to be told on behalf of an organization or of nobody."""
        condition = "organization_id = $1" if by else "organization_id IS NULL AND $1::uuid IS NULL"
        rows = await self.house.rows(
            f"SELECT body FROM outbox WHERE {condition} AND type LIKE 'inbox.e%' ORDER BY id",
            by,
        )
        return [_decoded(row["body"]) for row in rows]

    async def lines(self, person: Person, export_id: UUID, attempt: int) -> list[dict[str, Any]]:
        return list(await self.collected.lines(self.keyring, "inbox", person, export_id, attempt))

    async def rows_of(self, person: Person, *organization_ids: UUID) -> dict[str, int]:
        """Rows by table that lead to a person, counted by the data map."""
        async with self.house.database.transaction(*organization_ids) as tx:
            return await Count(MAP).rows(tx, person)


def _decoded(body: bytes) -> Any:
    from contracts import decode

    return decode(body)


@dataclass(frozen=True, slots=True)
class Life:
    """Somebody who has written, sent, reacted, and was answered by an agent."""

    contact: Person
    conversation_id: UUID
    agent_id: UUID
    message_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """An organization with a number of its own, and who answers there."""

    organization_id: UUID
    number: str
    agent_id: UUID


async def live(house: House, place: Place, person: str, name: str) -> Life:
    """Everything that can happen between a contact and an organization, once."""
    await house.person(person, name=name)
    first = await house.say(f"words of {name}", person=person, number=place.number, name=name)
    await send_document(house, place, person, name)
    reaction = {"message_id": first, "emoji": "👍"}
    await house.say("", person=person, number=place.number, name=name, type="reaction", reaction=reaction)
    await house.say("to all", person=person, number=place.number, name=name, group_id="Y2FwaV9ncm91cDox")
    await house.reduce()
    conversation = await conversation_of(house, place, name)
    contact = Person("contact", UUID(conversation["contact_id"]), place.organization_id)
    await browsed(house, place, contact, conversation["channel_id"])
    await written_to_with_many(house, place, contact, conversation["channel_id"])
    message_id = await answered(house, place, conversation, f"answer to {name}")
    await desk(house, place, conversation)
    await house.work()
    await reported(house, place, person, message_id)
    await house.reduce()
    return Life(contact, UUID(conversation["id"]), place.agent_id, UUID(message_id), name)


async def browsed(house: House, place: Place, contact: Person, channel_id: str) -> None:
    """A page of the organization's knows them by a browser, too."""
    keyring, blind = house.parts.media.keyring, secrets.token_bytes(32)
    known_by = await keyring.seal(place.organization_id, b"a browser", IDENTITY, subject=subject(contact.id))
    customer = await keyring.seal(place.organization_id, b"7", CUSTOMER)
    visitor = NewVisitor(new_id(), UUID(channel_id), secrets.token_bytes(32), blind, customer_sealed=customer)
    async with house.database.transaction(place.organization_id) as tx:
        now, identity = house.database.clock.now(), NewIdentity("visitor", blind, "", known_by)
        assert await ContactRepository(tx).claim(contact.id, identity, now)
        await VisitorRepository(tx).add(visitor)


async def written_to_with_many(house: House, place: Place, contact: Person, channel_id: str) -> None:
    """A broadcast is to reach them, and another one has."""
    now = house.database.clock.now()
    broadcast = Broadcast(
        id=new_id(),
        channel_id=UUID(channel_id),
        name="Autumn",
        state=State.DRAFT,
        audience={"named": 1},
        variants=[Variant(text="Hello")],
        purpose="marketing",
        zone="UTC",
        prepared_at=now,
        created_at=now,
        changed_at=now,
    )
    async with house.database.transaction(place.organization_id) as tx:
        await BroadcastRepository(tx).add(broadcast)
        await RecipientRepository(tx).add(broadcast.id, [NewRecipient(new_id(), contact.id, country="US")])
        await SenderRepository(tx).open("200000000000001", [contact.id])


async def twin(house: House, place: Place, life: Life, person: str) -> None:
    """The same person by a second number, merged, taken apart and merged again; then the number changes, too."""
    second, by = f"{person[:-1]}0", place.organization_id
    await house.say("words of a twin", person=second, number=place.number, name="Twin")
    await house.reduce()
    other = (await conversation_of(house, place, "Twin"))["contact_id"]
    path = f"/v1/contacts/{life.contact.id}/merge"
    merged = await house.ask("POST", path, by=by, json={"contact_id": other})
    assert merged.status_code == 200, merged.text
    assert (await house.ask("POST", f"/v1/contacts/merges/{merged.json()['id']}/undo", by=by)).status_code == 200
    assert (await house.ask("POST", path, by=by, json={"contact_id": other})).status_code == 200
    system = {"type": "user_changed_number", "body": "changed", "wa_id": f"{second}1"}
    await house.say("", person=second, number=place.number, name="Twin", type="system", system=system)
    reaction = {"message_id": await house.say("more", person=f"{second}1", number=place.number), "emoji": "👍"}
    await house.say("", person=f"{second}1", number=place.number, type="reaction", reaction=reaction)
    await house.reduce()


async def desk(house: House, place: Place, conversation: dict[str, Any]) -> None:
    """The agent sorts the conversation, and says under which name they answer."""
    headers = bearer(house, place)
    signed = await house.client.put("/v1/signature", json={"name": "Robin"}, headers=headers)
    assert signed.status_code == 200, signed.text
    labels = (await house.get("/v1/labels", by=place.organization_id))["items"]
    if not labels:
        made = await house.ask("POST", "/v1/labels", by=place.organization_id, json={"name": "urgent"})
        labels = [made.json()]
    body = {
        "conversation_ids": [conversation["id"]],
        "contact_ids": [conversation["contact_id"]],
        "add": [labels[0]["id"]],
    }
    applied = await house.client.post("/v1/labels/apply", json=body, headers=headers)
    assert applied.status_code == 200, applied.text
    path = f"/v1/conversations/{conversation['id']}/notes"
    told = {"text": "about them", "mention_ids": [str(place.agent_id)]}
    note = await house.client.post(path, json=told, headers=headers)
    assert note.status_code == 201, note.text
    path = f"/v1/contacts/{conversation['contact_id']}/notes"
    about = await house.client.post(path, json=told, headers=headers)
    assert about.status_code == 201, about.text
    for each in (note, about):
        path, tag = f"/v1/notes/{each.json()['id']}", {"if-match": '"v1"'}
        assert (await house.client.put(path, json=told, headers=headers | tag)).status_code == 200
    while await house.parts.indexing.run():
        pass
    await kept(house, place, conversation, headers)
    wish = {"state": "granted", "channel_kinds": ["whatsapp"], "purposes": ["marketing"], "proof": "ticked a box"}
    path = f"/v1/contacts/{conversation['contact_id']}/consents"
    granted = await house.client.post(path, json=wish, headers=headers)
    assert granted.status_code == 201, granted.text
    fields = {"nickname": ("text", True), "city": ("text", False)}
    for name, (kind, personal) in fields.items():
        field = {"key": name, "name": name, "type": kind, "personal": personal, "applies_to": "contact"}
        await house.ask("POST", "/v1/attributes", by=place.organization_id, json=field)
    async with house.database.transaction(place.organization_id) as tx:
        imported = await ImportRepository(tx).add(new_id(), 1)
        await BulkRepository(tx).note(imported.id, [UUID(conversation["contact_id"])])
        await UndoRepository(tx).keep(imported.id, "changed-since", [UUID(conversation["contact_id"])])
    path = f"/v1/contacts/{conversation['contact_id']}/attributes"
    known = await house.client.patch(path, json={"values": dict.fromkeys(fields, "x")}, headers=headers)
    assert known.status_code == 200, known.text
    there = (await house.get("/v1/attributes", by=place.organization_id))["items"]
    async with house.database.transaction(place.organization_id) as tx:
        values = [
            NewValue(UUID(conversation["contact_id"]), Kept(UUID(each["id"]), 0, "y", "y", None), None)
            for each in there
            if each["key"] in fields
        ]
        await UndoRepository(tx).save(imported.id, values, overwrite=True)
        known_as = NewKnown()
        known_as.add(UUID(conversation["contact_id"]), "email", new_id().bytes, b"")
        await UndoRepository(tx).note_known(imported.id, known_as, known_as.contact_ids)


async def kept(house: House, place: Place, conversation: dict[str, Any], headers: dict[str, str]) -> None:
    """The agent keeps a reply for themselves, sets an attribute, and begins to write."""
    reply = {"short_code": f"a{new_id().hex[-20:]}", "title": "Thanks", "text": "Thanks"}
    made = await house.client.post("/v1/canned-replies", json=reply, headers=headers)
    assert made.status_code == 201, made.text
    if not (await house.get("/v1/attributes", by=place.organization_id))["items"]:
        body = {"key": "secret", "name": "Secret", "type": "text", "personal": True}
        await house.ask("POST", "/v1/attributes", by=place.organization_id, json=body)
    path = f"/v1/conversations/{conversation['id']}"
    value = await house.client.patch(f"{path}/attributes", json={"values": {"secret": "x"}}, headers=headers)
    assert value.status_code == 200, value.text
    tag = {"if-match": "*"}
    body = {"name": f"m {new_id()}", "actions": [{"do": "priority", "priority": "low"}]}
    macro = await house.client.post("/v1/macros", json=body, headers=headers)
    run = {"id": str(new_id()), "conversation_id": conversation["id"]}
    ran = await house.client.post(f"/v1/macros/{macro.json()['id']}/runs", json=run, headers=headers)
    assert ran.status_code == 200, ran.text
    draft = await house.client.put(f"{path}/draft", json={"text": "begun"}, headers=headers | tag)
    assert draft.status_code == 200, draft.text


async def send_document(house: House, place: Place, person: str, name: str) -> None:
    part = {
        "base64": base64.b64encode(PDF + name.encode()).decode(),
        "mime_type": "application/pdf",
        "filename": f"{name}.pdf",
    }
    told = {"type": "document", "document": part, "phone_number_id": place.number}
    said = await house.sandbox.post(f"/whatsapp/control/people/{person}/say", json=told)
    assert said.status_code < 300, said.text
    message = said.json()["message"] | {"timestamp": str(house.now())}
    await house.hook(value(place.number, messages=[message], contacts=[{"wa_id": person, "profile": {"name": name}}]))


async def conversation_of(house: House, place: Place, name: str) -> dict[str, Any]:
    found = (await house.get("/v1/conversations?limit=100", by=place.organization_id))["items"]
    (one,) = (each for each in found if each["contact_name"] == name)
    conversation: dict[str, Any] = one
    return conversation


async def answered(house: House, place: Place, conversation: dict[str, Any], text: str) -> str:
    """The agent takes the conversation, shows that they have read, and answers."""
    headers = bearer(house, place)
    path = f"/v1/conversations/{conversation['id']}"
    tag = {"if-match": f'"v{conversation["version"]}"'}
    body = {"assignee_id": str(place.agent_id)}
    assert (await house.client.patch(path, json=body, headers=headers | tag)).status_code == 200
    follows = f"{path}/participants/{place.agent_id}"
    assert (await house.client.put(follows, headers=headers)).status_code == 200
    assert (await house.client.post(f"{path}/read", json={"tell_contact": True}, headers=headers)).status_code == 200
    key = {"idempotency-key": new_id().hex}
    answer = await house.client.post(f"{path}/messages", json={"text": text}, headers=headers | key)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def bearer(house: House, place: Place) -> dict[str, str]:
    now = house.database.clock.now()
    token = house.issuer.token(now, place.organization_id, "agent", sub=str(place.agent_id))
    return {"authorization": f"Bearer {token}"}


async def reported(house: House, place: Place, person: str, message_id: str) -> None:
    """The platform reports what became of an answer."""
    (left,) = (each for each in await house.left() if each["body"]["biz_opaque_callback_data"] == message_id)
    for status in ("delivered", "read"):
        await house.report(left["id"], status, ours=message_id, number=place.number, recipient_id=person)


async def photograph(house: House) -> dict[str, Counter[str]]:
    """Every row of every table of the schema, as text."""
    tables = await house.rows(
        """
        SELECT relname FROM pg_class WHERE relnamespace = 'inbox'::regnamespace AND relkind IN ('r', 'p')
          AND relname <> 'quota_usage'  -- how many were sent says nothing of to whom
        """
    )
    return {
        table["relname"]: Counter(
            row["text"] for row in await house.rows(f"SELECT t::text AS text FROM {table['relname']} AS t")
        )
        for table in tables
    }


def folder(path: Path) -> dict[str, bytes]:
    """What lies in the folder of media."""
    return {str(each): each.read_bytes() for each in path.rglob("*") if each.is_file()}


async def first_place(house: House) -> Place:
    """The organization of the house, connected, with an agent."""
    await house.connected()
    return Place(house.organization_id, NUMBER, await agent(house, house.organization_id))


async def second_place(house: House) -> Place:
    """Another organization with another number."""
    other, number = new_id(), "100000000000002"
    await house.number(number)
    await house.connected(number, by=other)
    return Place(other, number, await agent(house, other))


async def agent(house: House, organization_id: UUID, user_id: UUID | None = None) -> UUID:
    from .hearing import NOW, added

    event = added(organization_id, user_id=user_id)
    team = TeamCreated(organization_id=organization_id, time=NOW, team_id=new_id())
    joined = TeamMembersChanged(
        organization_id=organization_id, time=NOW, version=2, team_id=team.team_id, added=[event.user_id], removed=[]
    )
    await house.hear(event, team, joined)
    place = Place(organization_id, "", event.user_id)
    said = await house.client.put("/v1/agents/me", json={"availability": "busy"}, headers=bearer(house, place))
    assert said.status_code == 200, said.text
    await shown(house, organization_id, event.user_id)
    return event.user_id


async def shown(house: House, organization_id: UUID, user_id: UUID) -> None:
    """The organization's channel is seen by one more chosen person."""
    (channel,) = (await house.get("/v1/channels", by=organization_id))["items"]
    path = f"/v1/channels/{channel['id']}/visibility"
    seen = await house.get(path, by=organization_id)
    body = {"visible_to": "chosen", "user_ids": [*seen["user_ids"], str(user_id)]}
    answer = await house.ask("PUT", path, by=organization_id, json=body, headers={"if-match": "*"})
    assert answer.status_code == 200, answer.text
