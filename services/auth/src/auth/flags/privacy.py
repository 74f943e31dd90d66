from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.flags.repository import FlagRepository
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class FlagHolding:
    """Flags in which somebody is named."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"flag_users"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Which flags are on for them by name; there are five hundred at most."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.transaction() as tx:
            rows = await FlagRepository(tx).of_person(person.id)
        if rows:
            yield Rows("flag_users", [dict(row) for row in rows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They are named in none any more."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"flag_users": await FlagRepository(tx).forget(person.id)})
