from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inbox.channels.viewing.repository import PersonsViews
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class ViewingHolding:
    """That a user was chosen to see a channel."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"channel_viewers"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Their channels, by id."""
        if person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsViews(tx).all(person.id)
            yield Rows("channel_viewers", [dict(row) for row in rows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They were chosen for none."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"channel_viewers": await PersonsViews(tx).delete(person.id)})
