from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inbox.teams.repository import PersonsTeams
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class TeamHolding:
    """That a user is or was in a team."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"team_members"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Their teams, by id."""
        if person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsTeams(tx).all(person.id)
            yield Rows("team_members", [dict(row) for row in rows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They are in none."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"team_members": await PersonsTeams(tx).delete(person.id)})
