from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inbox.assignment.repository import PersonsStanding
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class AgentHolding:
    """How a user stands: what they said of themselves, and until when they were connected."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"agents"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What they said last, and when they were there last."""
        if person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsStanding(tx).all(person.id)
            yield Rows("agents", [dict(row) for row in rows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Nothing is known of it any more."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"agents": await PersonsStanding(tx).delete(person.id)})
