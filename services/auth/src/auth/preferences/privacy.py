from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.preferences.repository import PreferenceRepository
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class PreferenceHolding:
    """Which mails a user does not want."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"mail_preferences"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """The categories, and since when."""
        _ = organization_ids
        if person.kind == "user":
            async with self.database.transaction() as tx:
                rows = await PreferenceRepository(tx).of_person(person.id)
            yield Rows("mail_preferences", [dict(row) for row in rows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """The row goes."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"mail_preferences": await PreferenceRepository(tx).delete(person.id)})
