from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from inbox.notes.content import NOTE
from inbox.notes.repository import PersonsNotes
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class NoteHolding:
    """What was written about a contact, and what a user wrote and is called by. To be erased before conversations."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"notes", "note_revisions", "note_words", "mentions"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Of a contact all that was written about them; of a user only which notes are theirs, and call them."""
        for organization_id in organization_ids:
            pages = self._of_contact if person.kind == "contact" else self._of_user
            async for rows in pages(organization_id, person.id):
                yield rows

    async def _of_contact(self, organization_id: UUID, contact_id: UUID) -> AsyncIterator[Rows]:
        after: UUID | None = None
        while True:
            async with self.database.snapshot(organization_id) as tx:
                persons = PersonsNotes(tx)
                rows = await persons.of_contact(contact_id, after, _PAGE)
                ids = [row["id"] for row in rows]
                before, words = await persons.revisions(ids), await persons.words(ids)
                mentions = await persons.mentions_in(ids)
            texts = await self._opened(organization_id, [row["content_sealed"] for row in (*rows, *before)])
            told = [
                {**{name: value for name, value in row.items() if name != "content_sealed"}, "text": text}
                for row, text in zip((*rows, *before), texts, strict=True)
            ]
            yield Rows("notes", told[: len(rows)])
            yield Rows("note_revisions", told[len(rows) :])
            yield Rows("note_words", [dict(row) for row in words])
            yield Rows("mentions", [dict(row) for row in mentions])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def _of_user(self, organization_id: UUID, user_id: UUID) -> AsyncIterator[Rows]:
        after: UUID | None = None
        while True:
            async with self.database.snapshot(organization_id) as tx:
                rows = await PersonsNotes(tx).of_author(user_id, after, _PAGE)
            yield Rows("notes", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                break
            after = rows[-1]["id"]
        after = None
        while True:
            async with self.database.snapshot(organization_id) as tx:
                rows = await PersonsNotes(tx).mentions_of(user_id, after, _PAGE)
            yield Rows("mentions", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["note_id"]

    async def _opened(self, organization_id: UUID, sealed: Sequence[bytes]) -> list[str | None]:
        filled = [(each, NOTE) for each in sealed if each]
        told = iter(await self.keyring.open_many(organization_id, filled) if filled else ())
        opened = [next(told) if each else None for each in sealed]
        return [None if each is None else each.decode() for each in opened]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Notes about a contact go, whichever way; a user's are nobody's, and call them no more."""
        _ = way
        persons = PersonsNotes(tx)
        if person.kind == "user":
            count = await persons.unlink(person.id, _PAGE)
            called = await persons.call_no_more(person.id)
            return Erased(unlinked={"notes": count}, removed={"mentions": called}, more=count == _PAGE)
        removed = await persons.delete(person.id, _PAGE)
        return Erased(removed=removed, more=removed["notes"] == _PAGE)
