from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from inbox.macros.repository import PersonsRuns
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class RunHolding:
    """Which macros were run in a contact's conversations, and by a user. To be erased before conversations."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"macro_runs"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Each with what became of it."""
        after: UUID | None = None
        while organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsRuns(tx).page(person.kind, person.id, after, _PAGE)
            yield Rows("macro_runs", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go, whichever way."""
        _ = way
        count = await PersonsRuns(tx).delete(person.kind, person.id, _PAGE)
        return Erased(removed={"macro_runs": count}, more=count == _PAGE)
