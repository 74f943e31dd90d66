from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.devices.names import DeviceNames
from auth.devices.repository import DeviceRepository
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class DeviceHolding:
    """By what devices a user is known. To be erased after the sessions, which name them."""

    database: Database
    names: DeviceNames
    tables: ClassVar[frozenset[str]] = frozenset({"devices"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Names and times, and not what the tokens prove."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.snapshot() as tx:
            rows = await DeviceRepository(tx).of(person.id)
        names = await self.names.open([(row["id"], row["name_sealed"]) for row in rows])
        told = [dict(row) | {"name": name} for row, name in zip(rows, names, strict=True)]
        for each in told:
            del each["name_sealed"]
        yield Rows("devices", told)

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """All go: there are a hundred at most."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"devices": await DeviceRepository(tx).delete_all(person.id)})
