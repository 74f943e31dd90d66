from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.announcements.repository import RecipientRepository
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE = 500


@dataclass(frozen=True, slots=True)
class RecipientHolding:
    """What somebody was told by the platform's staff."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"announcement_recipients"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Which announcements, and when they read them."""
        _ = organization_ids
        if person.kind != "user":
            return
        after = UUID(int=0)
        while True:
            async with self.database.transaction() as tx:
                rows = await RecipientRepository(tx).of_person(person.id, after, _PAGE)
            if rows:
                yield Rows("announcement_recipients", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["announcement_id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They were told nothing."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"announcement_recipients": await RecipientRepository(tx).forget(person.id)})
