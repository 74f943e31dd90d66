from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from contracts.inbox import ContactErased
from inbox.contacts.naming import NAMES
from inbox.contacts.recognizing import IDENTITY, NAME, subject
from inbox.contacts.repository import ContactRepository, PersonsContact
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Row, Transaction
from kit.ledger.ledger import Ledger
from kit.privacy.holding import ERASE, Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class ContactHolding:
    """Who a contact is, and by what they are known. To be erased last: all else leads to them."""

    database: Database
    keyring: Keyring
    ledger: Ledger
    tables: ClassVar[frozenset[str]] = frozenset(
        {"contacts", "contact_identities", "contact_merges", "contact_matches", "identity_changes"}
    )

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """The contact, with all by which they are or were known."""
        if person.kind != "contact":
            return
        for organization_id in organization_ids:
            async with self.database.snapshot(organization_id) as tx:
                members = await PersonsContact(tx).members(person.id)
                rows = [await ContactRepository(tx).find(each) for each in members]
                known = await ContactRepository(tx).identities(members)
                kept = await self.ledger.kept(tx, [NAMES], members)
                told = await PersonsContact(tx).told(members)
            names, values = await self._opened(organization_id, rows, known)
            yield Rows(
                "contacts",
                [
                    {
                        "id": row["id"],
                        "name": name,
                        "created_at": row["created_at"],
                        "merged_into": row["merged_into"],
                    }
                    for row, name in zip(rows, names, strict=True)
                ],
            )
            yield Rows(
                "contact_identities",
                [_identity(each, value) for each, value in zip(known, values, strict=True)],
            )
            for table, of_table in kept.items():
                yield Rows(table, of_table)
            for table, found in told.items():
                yield Rows(table, [dict(row) for row in found])

    async def _opened(
        self, organization_id: UUID, rows: Sequence[Row], known: Sequence[Row]
    ) -> tuple[list[str | None], list[str | None]]:
        """The names and the identities in the clear."""
        sealed = [(each["name_sealed"], NAME) for each in rows if each["name_sealed"]]
        sealed += [(each["sealed"], IDENTITY) for each in known if each["sealed"]]
        opened = iter(await self.keyring.open_many(organization_id, sealed) if sealed else ())
        names = [_text(next(opened)) if each["name_sealed"] else None for each in rows]
        return names, [_text(next(opened)) if each["sealed"] else None for each in known]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Identities go; the contact goes, or stays without a name, and likewise all that are shown as it.

        Partners and browsers are told of each; compliance destroys the keys of all.

        Raises:
            UnderWay: the platform is just being asked for their name.
        """
        if person.kind != "contact":
            return Erased()
        contact = PersonsContact(tx)
        members = await contact.members(person.id) or [person.id]
        removed = await self.ledger.forget(tx, [NAMES], members)
        rows = await contact.lock(members)
        removed |= await contact.delete_told(members)
        removed["contact_identities"] = await contact.delete_identities(members)
        if not rows:
            return Erased(removed=removed)
        if way == ERASE:
            removed["contacts"] = await contact.delete(members)
            if not removed["contacts"]:
                return Erased(removed=removed)
        else:
            await contact.empty(members)
        for row in rows:
            await tx.emit(
                ContactErased(organization_id=tx.organization_id, version=row["version"] + 1, contact_id=row["id"]),
                audited("inbox.contact.erased", SYSTEM, "contact", row["id"], way=way),
            )
        keys = [f"{tx.organization_id}/{subject(each)}" for each in members if each != person.id]
        return Erased(removed=removed, anonymised={} if way == ERASE else {"contacts": len(rows)}, keys=keys)


def _identity(row: Row, value: str | None) -> dict[str, object]:
    told = {name: row[name] for name in ("kind", "scope", "created_at", "last_seen_at", "left_at")}
    return {"value": value, **told}


def _text(opened: bytes | None) -> str | None:
    return None if opened is None else opened.decode(errors="replace")
