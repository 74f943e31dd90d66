from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.activity.repository import ActivityRepository
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class ActivityHolding:
    """On which days a user was here. To be erased after the sessions, which add to it."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"activity"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """The counts of each day."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.snapshot() as tx:
            rows = await ActivityRepository(tx).of(person.id)
        yield Rows("activity", [dict(row) for row in rows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """All go: there are as many as a month has days."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"activity": await ActivityRepository(tx).delete(person.id)})
