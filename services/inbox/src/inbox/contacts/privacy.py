from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from contracts.inbox import ContactErased
from inbox.contacts.errors import ContactNotFound
from inbox.contacts.recognizing import IDENTITY, NAME
from inbox.contacts.repository import ContactRepository, PersonsContact
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Row, Transaction
from kit.privacy.holding import ERASE, Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class ContactHolding:
    """Who a contact is, and by what they are known. To be erased last: all else leads to them."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"contacts", "contact_identities"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """The contact, with all by which they are or were known."""
        if person.kind != "contact":
            return
        for organization_id in organization_ids:
            async with self.database.snapshot(organization_id) as tx:
                try:
                    row = await ContactRepository(tx).find(person.id)
                except ContactNotFound:
                    continue
                known = await ContactRepository(tx).identities([person.id])
            name, *values = await self._opened(organization_id, row, known)
            yield Rows("contacts", [{"id": row["id"], "name": name, "created_at": row["created_at"]}])
            yield Rows(
                "contact_identities",
                [_identity(each, value) for each, value in zip(known, values, strict=True)],
            )

    async def _opened(self, organization_id: UUID, row: Row, known: Sequence[Row]) -> list[str | None]:
        """The name and the identities in the clear."""
        sealed = [(each["sealed"], IDENTITY) for each in known if each["sealed"]]
        named = [(row["name_sealed"], NAME)] if row["name_sealed"] else []
        opened = iter(await self.keyring.open_many(organization_id, named + sealed) if named or sealed else ())
        texts = [_text(next(opened)) if named else None]
        return texts + [_text(next(opened)) if each["sealed"] else None for each in known]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Identities go; the contact goes, or stays without a name. Partners and browsers are told."""
        if person.kind != "contact":
            return Erased()
        contact = PersonsContact(tx)
        row = await contact.lock(person.id)
        removed = {"contact_identities": await contact.delete_identities(person.id)}
        if row is None:
            return Erased(removed=removed)
        if way == ERASE:
            removed["contacts"] = await contact.delete(person.id)
            if not removed["contacts"]:
                return Erased(removed=removed)
        else:
            await contact.empty(person.id)
        await tx.emit(
            ContactErased(organization_id=tx.organization_id, version=row["version"] + 1, contact_id=person.id),
            audited("inbox.contact.erased", SYSTEM, "contact", person.id, way=way),
        )
        return Erased(removed=removed, anonymised={} if way == ERASE else {"contacts": 1})


def _identity(row: Row, value: str | None) -> dict[str, object]:
    told = {name: row[name] for name in ("kind", "scope", "created_at", "last_seen_at", "left_at")}
    return {"value": value, **told}


def _text(opened: bytes | None) -> str | None:
    return None if opened is None else opened.decode(errors="replace")
