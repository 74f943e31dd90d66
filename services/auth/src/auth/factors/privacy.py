from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.factors.repository import PersonsFactors
from auth.factors.sealing import FactorSeals
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class FactorHolding:
    """Which second factors a user has; nothing that one could be shown with is handed over."""

    database: Database
    seals: FactorSeals
    tables: ClassVar[frozenset[str]] = frozenset({"totp_factors", "recovery_codes"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Apps with their names, and since when there are recovery codes."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.snapshot() as tx:
            apps = await PersonsFactors(tx).apps(person.id)
            codes = await PersonsFactors(tx).recovery_codes(person.id)
        names = await self.seals.open_texts([(row["id"], row["sealed_name"]) for row in apps])
        shown = ("id", "activated_at", "last_used_at", "created_at")
        yield Rows(
            "totp_factors",
            [{name: row[name] for name in shown} | {"name": text} for row, text in zip(apps, names, strict=True)],
        )
        yield Rows("recovery_codes", [dict(row) for row in codes])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed=await PersonsFactors(tx).delete(person.id))
