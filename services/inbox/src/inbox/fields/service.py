from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from uuid import UUID

from contracts.inbox import ContactChanged
from inbox.attributes.errors import ValueRefused
from inbox.attributes.model import Attribute, Value
from inbox.attributes.repository import AttributeRepository
from inbox.attributes.schemas import SetAttributes
from inbox.contacts.blind import Blind, blind_of
from inbox.contacts.merging.repository import PeopleRepository
from inbox.contacts.recognizing import subject
from inbox.contacts.repository import ContactRepository
from inbox.fields.model import VALUE, Kept, rows_of, shown
from inbox.fields.repository import FieldRepository
from inbox.messages.errors import ContactForgotten
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.seal import Keyring, KeyShredded


@dataclass(frozen=True, slots=True)
class FieldService:
    """What the organization knows of its contacts, in attributes of its own.

    Merged contacts keep their values: those of the contact as which the others are shown come first, and what it has
    not is told of the others.
    """

    database: Database
    keyring: Keyring

    async def values(self, caller: MemberCaller, contact_id: UUID) -> Mapping[str, Value]:
        """The values of a contact, by key."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await self._read(tx, contact_id)

    async def set(self, caller: MemberCaller, contact_id: UUID, wanted: SetAttributes) -> Mapping[str, Value]:
        """Set some values of a contact, and of all that are shown as the same; all or none.

        Raises:
            ValueRefused: one does not suit its attribute, or there is no such attribute.
            ContactForgotten: what is personal can be kept of them no more.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            head, members = await self._people(tx, contact_id)
            await ContactRepository(tx).lock(head)
            known = {each.key: each for each in await AttributeRepository(tx).all("contact")}
            for key in wanted.values:
                if key not in known:
                    raise ValueRefused(key, "There is no such attribute; GET /v1/attributes lists those there are.")
            given = [(known[key], value) for key, value in wanted.values.items() if value is not None]
            await FieldRepository(tx).clear(members, [known[key].id for key in wanted.values])
            await self._put(tx, head, given)
            await ContactRepository(tx).rename(head, None)
            version = (await ContactRepository(tx).lock(head))["version"]
            await tx.emit(
                ContactChanged(organization_id=tx.organization_id, version=version, contact_id=head),
                audited("inbox.contact.changed", caller, "contact", head),
            )
            return await self._read(tx, head)

    async def _put(self, tx: Transaction, contact_id: UUID, given: Sequence[tuple[Attribute, Value]]) -> None:
        blind = await blind_of(self.keyring, tx.organization_id)
        rows, sealed = list[Kept](), list[tuple[bytes, bytes] | None]()
        for attribute, value in given:
            for row in rows_of(attribute, value):
                rows.append(row)
                sealed.append(await self._sealed(tx, blind, contact_id, row) if attribute.personal else None)
        await FieldRepository(tx).put(contact_id, rows, sealed)

    async def _sealed(self, tx: Transaction, blind: Blind, contact_id: UUID, row: Kept) -> tuple[bytes, bytes]:
        owner = subject(contact_id)
        try:
            sealed = await self.keyring.seal(tx.organization_id, row.written.encode(), VALUE, subject=owner)
        except KeyShredded as shredded:
            raise ContactForgotten from shredded
        return sealed, blind_value(blind, row.attribute_id, row.key)

    async def _people(self, tx: Transaction, contact_id: UUID) -> tuple[UUID, list[UUID]]:
        """As whom a contact is shown, and all that are shown so, that one first."""
        row = await ContactRepository(tx).find(contact_id)
        head: UUID = row["merged_into"] or row["id"]
        members = [each["id"] for each in await PeopleRepository(tx).members([head])]
        return head, sorted(members, key=lambda each: each != head)

    async def _read(self, tx: Transaction, contact_id: UUID) -> dict[str, Value]:
        head, members = await self._people(tx, contact_id)
        return (await self._values(tx, {head: members}))[head]

    async def several(self, tx: Transaction, heads: Sequence[UUID]) -> dict[UUID, dict[str, Value]]:
        """The values of contacts that are shown as themselves, with one question."""
        people: dict[UUID, list[UUID]] = {each: [each] for each in heads}
        for row in await PeopleRepository(tx).members(heads):
            if row["id"] != row["head"] and row["head"] in people:
                people[row["head"]].append(row["id"])
        return await self._values(tx, people)

    async def _values(self, tx: Transaction, people: Mapping[UUID, Sequence[UUID]]) -> dict[UUID, dict[str, Value]]:
        """The values of some people, each of one or more contacts of which the first counts most."""
        attributes = {each.id: each for each in await AttributeRepository(tx).all("contact")}
        rows = await FieldRepository(tx).of([each for members in people.values() for each in members])
        written = await opened(self.keyring, tx.organization_id, rows)
        told: dict[UUID, dict[UUID, list[str]]] = {}
        for row, text in zip(rows, written, strict=True):
            if text is not None and row["attribute_id"] in attributes:
                told.setdefault(row["contact_id"], {}).setdefault(row["attribute_id"], []).append(text)
        found: dict[UUID, dict[str, Value]] = {}
        for head, members in people.items():
            values: dict[str, Value] = {}
            for attribute_id, texts in (pair for each in members for pair in told.get(each, {}).items()):
                values.setdefault(attributes[attribute_id].key, shown(attributes[attribute_id], texts))
            found[head] = dict(sorted(values.items(), key=itemgetter(0)))
        return found


def blind_value(blind: Blind, attribute_id: UUID, key: str) -> bytes:
    """The hash by which a personal value is found."""
    return blind(f"attribute {attribute_id}", key)


def blind_values(blind: Blind, attribute_id: UUID, keys: Sequence[str]) -> list[bytes]:
    """The same of many values of one attribute."""
    return blind.each(f"attribute {attribute_id}", keys)


async def opened(keyring: Keyring, organization_id: UUID, rows: Sequence[Row]) -> list[str | None]:
    """Values in the clear; None for those of a contact who was forgotten."""
    sealed = [(row["value_sealed"], VALUE) for row in rows if row["value_sealed"] is not None]
    told = iter(await keyring.open_many(organization_id, sealed) if sealed else ())
    values: list[str | None] = []
    for row in rows:
        clear = next(told) if row["value_sealed"] is not None else None
        values.append(row["value"] if row["value_sealed"] is None else clear.decode() if clear is not None else None)
    return values
