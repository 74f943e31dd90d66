from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import orjson

from inbox.arrangement.repository import PersonsArrangements
from inbox.arrangement.service import DOCUMENT
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class ArrangementHolding:
    """What a user has for themselves of canned replies, macros and filters; what they made for all stays."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"arrangements"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Each in the clear."""
        for organization_id in organization_ids if person.kind == "user" else ():
            async with self.database.snapshot(organization_id) as tx:
                rows = await PersonsArrangements(tx).of_owner(person.id, [organization_id])
            sealed = [(row["document_sealed"], DOCUMENT) for row in rows]
            opened = await self.keyring.open_many(organization_id, sealed) if sealed else []
            yield Rows(
                "arrangements",
                [
                    {
                        **{name: row[name] for name in ("id", "organization_id", "kind", "key", "created_at")},
                        "document": None if document is None else orjson.loads(document),
                    }
                    for row, document in zip(rows, opened, strict=True)
                ],
            )

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """It goes."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"arrangements": await PersonsArrangements(tx).delete(person.id)})
