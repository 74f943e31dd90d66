from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from contracts.inbox import ConversationErased
from inbox.conversations.counts.repository import CountRepository
from inbox.conversations.facts import tell_all_changed
from inbox.conversations.repository import AssignedRepository, PersonsConversations
from kit.db.database import Database, Transaction
from kit.privacy.holding import ERASE, Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500
_FOLDED: Final = 10_000


@dataclass(frozen=True, slots=True)
class ConversationHolding:
    """Conversations with a contact, and those that a user has. To be erased after what was said in them."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"conversations", "conversation_counts"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """How each stands, and who has it, by id."""
        if person.kind == "contact":
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsConversations(tx).of_contact(person.id)
            yield Rows("conversations", [dict(row) for row in rows])
            return
        after: UUID | None = None
        while organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsConversations(tx).of_assignee(person.id, after, _PAGE)
            yield Rows("conversations", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                break
            after = rows[-1]["id"]
        if organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                counted = await CountRepository(tx).of_person(person.id)
            yield Rows("conversation_counts", [dict(row) for row in counted])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Let go of them; each is told of, so that nobody shows what they were."""
        if person.kind == "user":
            return await self._release(tx, person.id)
        conversations = PersonsConversations(tx)
        found = await conversations.of_contact(person.id, for_update=True)
        if way != ERASE:
            await tell_all_changed(tx, await conversations.touch([row["id"] for row in found]))
            return Erased(anonymised={"conversations": len(found)})
        gone = await conversations.delete(person.id)
        await tx.emit(
            *(
                ConversationErased(
                    organization_id=tx.organization_id,
                    version=row["version"] + 1,
                    conversation_id=row["id"],
                    contact_id=row["contact_id"],
                )
                for row in found
                if row["id"] in gone
            )
        )
        return Erased(removed={"conversations": len(gone)})

    async def _release(self, tx: Transaction, user_id: UUID) -> Erased:
        """What they have is everybody's again, and nothing of theirs is left to count."""
        rows = await AssignedRepository(tx).release([(each, user_id) for each in tx.organization_ids], _PAGE)
        await tell_all_changed(tx, rows)
        while await CountRepository(tx).fold(_FOLDED) == _FOLDED:
            continue
        return Erased(unlinked={"conversations": len(rows)}, more=len(rows) == _PAGE)
