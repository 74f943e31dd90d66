from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.accounts.repository import PersonsAccount
from auth.texts.model import KIND
from auth.texts.repository import TextRepository
from kit.db.database import Database, Row, Transaction
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class TextHolding:
    """Text messages to a user. To be erased before what they are about."""

    database: Database
    ledger: Ledger
    tables: ClassVar[frozenset[str]] = frozenset({"outgoing_texts"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """When a text went to their number, and what became of it; none is kept itself."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.snapshot() as tx:
            rows = await _theirs(tx, person.id)
        yield Rows("outgoing_texts", [dict(row) for row in rows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Texts go, and those that wait never leave.

        Raises:
            UnderWay: one is being handed in just now.
        """
        _ = way
        if person.kind != "user":
            return Erased()
        ids = [row["id"] for row in await _theirs(tx, person.id)]
        if not ids:
            return Erased()
        removed = await self.ledger.forget(tx, [KIND], ids)
        return Erased(removed={**removed, "outgoing_texts": await TextRepository(tx).delete(ids)})


async def _theirs(tx: Transaction, user_id: UUID) -> list[Row]:
    known = await PersonsAccount(tx).addresses(user_id)
    proven = [each.blind for each in known if each.verified_at is not None]
    return await TextRepository(tx).of(user_id, proven)
