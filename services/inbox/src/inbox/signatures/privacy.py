from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inbox.signatures.repository import SIGNATURE, PersonsSignatures
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class SignatureHolding:
    """Under which name a user answers."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"signatures"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Their names, by organization."""
        for organization_id in organization_ids if person.kind == "user" else ():
            async with self.database.snapshot(organization_id) as tx:
                rows = await PersonsSignatures(tx).all(person.id, [organization_id])
            sealed = [(row["name_sealed"], SIGNATURE) for row in rows]
            names = await self.keyring.open_many(organization_id, sealed) if sealed else []
            yield Rows(
                "signatures",
                [
                    {
                        "organization_id": organization_id,
                        "name": None if name is None else name.decode(),
                        "changed_at": row["changed_at"],
                    }
                    for row, name in zip(rows, names, strict=True)
                ],
            )

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go."""
        _ = way
        return Erased(
            removed={"signatures": await PersonsSignatures(tx).delete(person.id)} if person.kind == "user" else {}
        )
