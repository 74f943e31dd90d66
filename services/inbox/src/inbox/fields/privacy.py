from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inbox.contacts.repository import PersonsContact
from inbox.fields.repository import FieldRepository
from inbox.fields.service import opened
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class FieldHolding:
    """What the organization knows of a contact in attributes of its own."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"contact_attributes"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Each in the clear, with the name of its attribute; some hundred at most."""
        for organization_id in organization_ids if person.kind == "contact" else ():
            async with self.database.snapshot(organization_id) as tx:
                rows = await FieldRepository(tx).told(await PersonsContact(tx).members(person.id))
            values = await opened(self.keyring, organization_id, rows)
            names = ("contact_id", "key", "name", "changed_at")
            told = [
                {**{name: row[name] for name in names}, "value": value}
                for row, value in zip(rows, values, strict=True)
            ]
            yield Rows("contact_attributes", told)

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go, whichever way."""
        _ = way
        if person.kind != "contact":
            return Erased()
        members = await PersonsContact(tx).members(person.id)
        return Erased(removed={"contact_attributes": await FieldRepository(tx).delete(members)})
