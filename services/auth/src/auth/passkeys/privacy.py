from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.factors.sealing import FactorSeals
from auth.passkeys.repository import PersonsPasskeys
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class PasskeyHolding:
    """Which passkeys a user has, and what their authenticators were asked lately."""

    database: Database
    seals: FactorSeals
    tables: ClassVar[frozenset[str]] = frozenset({"passkeys", "passkey_challenges"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Passkeys with their names."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.snapshot() as tx:
            passkeys = await PersonsPasskeys(tx).passkeys(person.id)
            challenges = await PersonsPasskeys(tx).challenges(person.id)
        names = await self.seals.open_texts([(row["id"], row["sealed_name"]) for row in passkeys])
        rows = [dict(row) | {"name": name} for row, name in zip(passkeys, names, strict=True)]
        for row in rows:
            del row["sealed_name"]
        yield Rows("passkeys", rows)
        yield Rows("passkey_challenges", [dict(row) for row in challenges])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed=await PersonsPasskeys(tx).delete(person.id))
