from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from publisher.connections.exchange import KIND
from publisher.connections.repository import PersonsConnections

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class ConnectionHolding:
    """Consents that a user was asked for, with what the ledger knows of them.

    To be erased before the accounts: afterwards no consent that is under way brings one.
    """

    database: Database
    ledger: Ledger
    tables: ClassVar[frozenset[str]] = frozenset({"connections"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Which platform they were sent to, when, and what came of it; no secrets."""
        after: UUID | None = None
        while person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsConnections(tx).page(person.id, after, _PAGE)
                kept = await self.ledger.kept(tx, (KIND,), [row["id"] for row in rows])
            yield Rows("connections", [dict(row) for row in rows])
            for name, of_table in kept.items():
                yield Rows(name, of_table)
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Delete a batch.

        Raises:
            UnderWay: a code is being exchanged just now; what it connects goes with the rest.
        """
        _ = way
        if person.kind != "user":
            return Erased()
        connections = PersonsConnections(tx)
        ids = [row["id"] for row in await connections.page(person.id, None, _PAGE)]
        if not ids:
            return Erased()
        forgotten = await self.ledger.forget(tx, (KIND,), ids)
        return Erased(removed={**forgotten, "connections": await connections.remove(ids)}, more=len(ids) == _PAGE)
