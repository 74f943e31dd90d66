from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inbox.contacts.repository import PersonsContact
from inbox.fields.service import opened
from inbox.imports.repository import ImportRepository
from inbox.imports.undoing.repository import UndoRepository
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class ImportHolding:
    """From which files a contact came. The files themselves go when their import ends, within two days at most."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset(
        {"contact_import_changes", "contact_import_values", "contact_import_identities", "contact_import_kept"}
    )

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Which imports made or changed them."""
        for organization_id in organization_ids if person.kind == "contact" else ():
            async with self.database.snapshot(organization_id) as tx:
                members = await PersonsContact(tx).members(person.id)
                rows = await ImportRepository(tx).of_contact(members)
                told = await UndoRepository(tx).told(members)
            yield Rows("contact_import_changes", [dict(row) for row in rows])
            values = told["contact_import_values"]
            texts = await opened(self.keyring, organization_id, values)
            shown = [
                {**{name: row[name] for name in ("import_id", "contact_id", "attribute_id", "place")}, "value": text}
                for row, text in zip(values, texts, strict=True)
            ]
            yield Rows("contact_import_values", shown)
            for name in ("contact_import_identities", "contact_import_kept"):
                yield Rows(name, [dict(row) for row in told[name]])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Nobody can tell any more."""
        _ = way
        if person.kind != "contact":
            return Erased()
        members = await PersonsContact(tx).members(person.id)
        removed = await UndoRepository(tx).erase(members)
        removed["contact_import_changes"] = await ImportRepository(tx).delete_of_contact(members)
        return Erased(removed=removed)
