"""Rows that name the user who made them and are the organization's: they are handed over, and stay as nobody's."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from kit.db.database import Database, Row, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500


class PersonsRows(Protocol):
    """One user's rows of a table, in all organizations that the transaction is bound to."""

    async def page(self, user_id: UUID, after: UUID | None, at_most: int, /) -> Sequence[Row]:
        """As the user may read them, in the order of their ids, from behind one on."""

    async def unlink(self, user_id: UUID, at_most: int, /) -> int:
        """Keep as many of them as nobody's; how many."""


@dataclass(frozen=True, slots=True)
class KeptRows:
    """What is held about a user in such a table."""

    database: Database
    table: str
    of: Callable[[Transaction], PersonsRows]

    @property
    def tables(self) -> frozenset[str]:
        """The one table."""
        return frozenset({self.table})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Page by page."""
        after: UUID | None = None
        while person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await self.of(tx).page(person.id, after, _PAGE)
            yield Rows(self.table, [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They stay, as nobody's; a batch."""
        _ = way
        if person.kind != "user":
            return Erased()
        unlinked = await self.of(tx).unlink(person.id, _PAGE)
        return Erased(unlinked={self.table: unlinked}, more=unlinked == _PAGE)
