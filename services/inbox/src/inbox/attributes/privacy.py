from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inbox.attributes.reading import VALUE
from inbox.attributes.repository import PersonsAttributes
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class AttributeHolding:
    """Values of a contact's conversations. To be erased before these."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"conversation_attributes"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Each in the clear, with the name of its attribute."""
        for organization_id in organization_ids if person.kind == "contact" else ():
            async with self.database.snapshot(organization_id) as tx:
                rows = await PersonsAttributes(tx).of_contact(person.id)
            sealed = [(row["value_sealed"], VALUE) for row in rows if row["value_sealed"] is not None]
            told = iter(await self.keyring.open_many(organization_id, sealed) if sealed else ())
            opened = [next(told) if row["value_sealed"] is not None else None for row in rows]
            yield Rows(
                "conversation_attributes",
                [
                    {
                        **{name: row[name] for name in ("conversation_id", "key", "name", "changed_at")},
                        "value": row["value"] if value is None else value.decode(),
                    }
                    for row, value in zip(rows, opened, strict=True)
                ],
            )

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go, whichever way."""
        _ = way
        if person.kind != "contact":
            return Erased()
        return Erased(removed={"conversation_attributes": await PersonsAttributes(tx).delete(person.id)})
