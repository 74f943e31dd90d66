"""What every service with doors for users keeps of their requests: the keys that make a repeated one harmless."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE = 500


@dataclass(frozen=True, slots=True)
class RequestKeys:
    """Idempotency keys, which live for a day."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"idempotency_keys"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What they asked for under which key, and when."""
        _ = organization_ids
        if person.kind != "user":
            return
        last = ("", "")
        while True:
            async with self.database.transaction() as tx:
                rows = await tx.fetch(
                    """
                    SELECT principal, key, operation, created_at FROM idempotency_keys
                    WHERE principal LIKE $1::uuid::text || '/%' AND (principal, key) > ($2, $3)
                    ORDER BY principal, key LIMIT $4
                    """,
                    person.id,
                    *last,
                    _PAGE,
                )
            if rows:
                yield Rows("idempotency_keys", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            last = (rows[-1]["principal"], rows[-1]["key"])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Forget them all; a request that is repeated now happens again."""
        _ = way
        if person.kind != "user":
            return Erased()
        gone = await tx.execute(
            "DELETE FROM idempotency_keys WHERE principal LIKE $1::uuid::text || '/%'",
            person.id,
        )
        return Erased(removed={"idempotency_keys": gone})
