from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from inbox.search.repository import PersonsWords
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_BATCH: Final = 2000


@dataclass(frozen=True, slots=True)
class SearchHolding:
    """By what a contact and their messages are found; hashes without words. To be erased before the messages."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"message_words", "contact_words"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What is indexed; the words stand with the messages themselves."""
        if person.kind != "contact":
            return
        async with self.database.snapshot(*organization_ids) as tx:
            messages = await PersonsWords(tx).counts(person.id)
            contact = await PersonsWords(tx).of_contact(person.id)
        yield Rows("message_words", [dict(row) for row in messages])
        yield Rows("contact_words", [dict(row) for row in contact])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Nothing of theirs is found any more, whichever way they are forgotten."""
        _ = way
        if person.kind != "contact":
            return Erased()
        removed = await PersonsWords(tx).delete(person.id, _BATCH)
        return Erased(removed=removed, more=removed["message_words"] == _BATCH)
