from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from inbox.chat.repository import VisitorRepository
from inbox.chat.service import CUSTOMER
from kit.db.database import Database, Row, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class VisitorHolding:
    """The browsers by which a web chat knows somebody again; to be erased before what they are known by."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"chat_visitors"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """When each came, and as which user of the organization's own."""
        if person.kind != "contact":
            return
        for organization_id in organization_ids:
            async with self.database.transaction(organization_id) as tx:
                rows = await VisitorRepository(tx).of_contact(person.id, _BATCH)
            sealed = [(row["customer_sealed"], CUSTOMER) for row in rows if row["customer_sealed"]]
            opened = iter(await self.keyring.open_many(organization_id, sealed) if sealed else ())
            yield Rows(
                "chat_visitors", [_shown(row, next(opened) if row["customer_sealed"] else None) for row in rows]
            )

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Know these browsers no more: whoever comes with one of them is somebody new."""
        _ = way
        if person.kind != "contact":
            return Erased()
        visitors = VisitorRepository(tx)
        rows = await visitors.of_contact(person.id, _BATCH)
        gone = await visitors.delete([row["id"] for row in rows]) if rows else 0
        return Erased(removed={"chat_visitors": gone}, more=len(rows) == _BATCH)


def _shown(row: Row, customer: bytes | None) -> dict[str, object]:
    return {
        "id": row["id"],
        "channel_id": row["channel_id"],
        "customer_id": None if customer is None else customer.decode(errors="replace"),
        "created_at": row["created_at"],
        "seen_at": row["seen_at"],
    }
