from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from inbox.conversations.participants.repository import ParticipantRepository
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class ParticipantHolding:
    """Conversations that a user follows; with a conversation goes who follows it."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"conversation_participants"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What they follow, by id."""
        after: UUID | None = None
        while person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await ParticipantRepository(tx).of_person(person.id, after, _PAGE)
            yield Rows("conversation_participants", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["conversation_id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They follow nothing."""
        _ = way
        if person.kind != "user":
            return Erased()
        gone = await ParticipantRepository(tx).forget(person.id)
        return Erased(removed={"conversation_participants": gone})
