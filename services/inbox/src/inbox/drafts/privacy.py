from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

import orjson

from inbox.drafts.repository import DRAFT, PersonsDrafts
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class DraftHolding:
    """What was begun to be written to a contact, and by a user. To be erased before conversations."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"drafts"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """To a contact in the clear; of a user only where: it is about the contact."""
        for organization_id in organization_ids:
            if person.kind == "contact":
                yield await self._of_contact(organization_id, person.id)
                continue
            after: UUID | None = None
            while True:
                async with self.database.snapshot(organization_id) as tx:
                    rows = await PersonsDrafts(tx).of_user(person.id, after, _PAGE)
                yield Rows("drafts", [dict(row) for row in rows])
                if len(rows) < _PAGE:
                    break
                after = rows[-1]["conversation_id"]

    async def _of_contact(self, organization_id: UUID, contact_id: UUID) -> Rows:
        async with self.database.snapshot(organization_id) as tx:
            rows = await PersonsDrafts(tx).of_contact(contact_id)
        filled = [(row["content_sealed"], DRAFT) for row in rows if row["content_sealed"]]
        told = iter(await self.keyring.open_many(organization_id, filled) if filled else ())
        opened = [next(told) if row["content_sealed"] else None for row in rows]
        return Rows(
            "drafts",
            [
                {
                    **{name: row[name] for name in ("conversation_id", "user_id", "changed_at")},
                    "content": None if content is None else orjson.loads(content),
                }
                for row, content in zip(rows, opened, strict=True)
            ],
        )

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go, whichever way."""
        _ = way
        persons = PersonsDrafts(tx)
        if person.kind == "contact":
            return Erased(removed={"drafts": await persons.delete_of_contact(person.id)})
        count = await persons.delete_of_user(person.id, _PAGE)
        return Erased(removed={"drafts": count}, more=count == _PAGE)
