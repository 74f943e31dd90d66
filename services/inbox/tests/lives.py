"""What people do with an organization, through its doors, and what of it then stands in which table."""

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from contracts.compliance import ErasureBegun, ExportRequested
from contracts.inbox import InboxErasureAnswered, InboxExportPartReady
from inbox import migrations
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
    "aggregate_versions": "versions of other services' facts",
    "idempotency_keys": "a day: the keys of members who wrote, by their ids",
    "intake_deliveries": "rows stay without their body, as is asked below",
    "intake_sources": "which worker takes deliveries apart",
    "ledger_lanes": "the pace of a channel",
    "ledger_wakes": "what wakes a lane",
    "members": "who works here",
    "outbox": "facts on their way, with ids",
    "privacy_tasks": "what was asked of us, with the id of whom it is about",
    "processed_messages": "ids of messages",
    "seal_keys": "keys are destroyed by compliance when all have answered",
}
"""Tables that a contact's life changes and their erasure does not change back, each with the reason."""

NAMING: Final = {"outbox", "privacy_tasks", "seal_keys"}
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
    message_id = await answered(house, place, conversation, f"answer to {name}")
    await house.work()
    await reported(house, place, person, message_id)
    await house.reduce()
    contact = Person("contact", UUID(conversation["contact_id"]), place.organization_id)
    return Life(contact, UUID(conversation["id"]), place.agent_id, UUID(message_id), name)


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
        "SELECT relname FROM pg_class WHERE relnamespace = 'inbox'::regnamespace AND relkind IN ('r', 'p')"
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
    from .hearing import added

    event = added(organization_id, user_id=user_id)
    await house.hear(event)
    return event.user_id
