from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inbox.contacts.repository import PersonsContact
from inbox.imports.repository import ImportRepository
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class ImportHolding:
    """From which files a contact came. The files themselves go when their import ends, within two days at most."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"contact_import_changes"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Which imports made or changed them."""
        for organization_id in organization_ids if person.kind == "contact" else ():
            async with self.database.snapshot(organization_id) as tx:
                rows = await ImportRepository(tx).of_contact(await PersonsContact(tx).members(person.id))
            yield Rows("contact_import_changes", [dict(row) for row in rows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Nobody can tell any more."""
        _ = way
        if person.kind != "contact":
            return Erased()
        members = await PersonsContact(tx).members(person.id)
        return Erased(removed={"contact_import_changes": await ImportRepository(tx).delete_of_contact(members)})
