from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from inbox.contacts.repository import PersonsContact
from inbox.labels.repository import Carrier, LabelRepository, PersonsLabels
from inbox.labels.service import taken_off
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500
_TABLES: Final[dict[Carrier, str]] = {"conversation": "conversation_labels", "contact": "contact_labels"}


@dataclass(frozen=True, slots=True)
class LabelHolding:
    """What a contact and their conversations are labelled with, and which user did so."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset(_TABLES.values())

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Of a contact the labels by name; of a user what they put on, by id."""
        if person.kind == "contact":
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsLabels(tx).of_contact(person.id)
            for table in _TABLES.values():
                yield Rows(table, [dict(row) for row in rows if row["table"] == table])
            return
        for carrier, table in _TABLES.items() if organization_ids else ():
            after: tuple[UUID, UUID] | None = None
            while True:
                async with self.database.snapshot(*organization_ids) as tx:
                    rows = await PersonsLabels(tx).of_user(person.id, carrier, after, _PAGE)
                yield Rows(table, [dict(row) for row in rows])
                if len(rows) < _PAGE:
                    break
                after = (rows[-1]["carrier_id"], rows[-1]["label_id"])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """A contact's are taken off and counted; a user's were put on by nobody."""
        _ = way
        persons = PersonsLabels(tx)
        if person.kind == "user":
            counts = {table: await persons.unlink(person.id, carrier, _PAGE) for carrier, table in _TABLES.items()}
            return Erased(unlinked=counts, more=_PAGE in counts.values())
        conversations = await persons.conversations(person.id)
        members = await PersonsContact(tx).members(person.id)
        labels, removed = LabelRepository(tx), Counter[str]()
        carriers: dict[Carrier, Sequence[UUID]] = {"conversation": conversations, "contact": members}
        for carrier, ids in carriers.items():
            worn = await labels.worn(carrier, ids)
            await labels.lock(worn)
            removed[_TABLES[carrier]] += len(await taken_off(tx, carrier, ids, worn))
        return Erased(removed=dict(removed))
