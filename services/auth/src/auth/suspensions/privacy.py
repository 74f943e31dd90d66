from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.suspensions.repository import SuspensionRepository
from auth.suspensions.sealing import Notes
from auth.suspensions.service import SHOWN
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class SuspensionHolding:
    """When a user was suspended, and why; what was written about them is theirs to read, too."""

    database: Database
    notes: Notes
    tables: ClassVar[frozenset[str]] = frozenset({"suspensions"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """All of them, opened."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.transaction() as tx:
            found = await SuspensionRepository(tx).of_user(person.id, SHOWN)
        yield Rows(
            "suspensions",
            [
                {
                    "id": each.id,
                    "reason": each.reason,
                    "note": each.note,
                    "created_at": each.created_at,
                    "lifted_at": each.lifted_at,
                }
                for each in await self.notes.opened(found)
            ],
        )

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go with the account."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"suspensions": await SuspensionRepository(tx).delete_of_user(person.id)})
