from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

import orjson

from inbox.contacts.repository import ContactRepository, PersonsContact
from inbox.whatsapp.intake import SentIn
from kit.db.database import Database, Transaction
from kit.intake.forgetting import Kept
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 200
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class SentInHolding:
    """What intake still keeps as it came. To be erased first: afterwards nobody is known by anything.

    When nothing is left of it, whatever the contact was known by is free: who writes from then on is somebody new,
    and nothing is added any more to what is being erased.
    """

    database: Database
    sent_in: Sequence[SentIn]
    tables: ClassVar[frozenset[str]] = frozenset({"intake_items"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Each thing that was sent, as the platform told it, with what became of it."""
        if person.kind != "contact":
            return
        for organization_id in organization_ids:
            for sent_in in self.sent_in:
                async for rows in self._of(sent_in, organization_id, person.id):
                    yield rows

    async def _of(self, sent_in: SentIn, organization_id: UUID, contact_id: UUID) -> AsyncIterator[Rows]:
        async with self.database.transaction(organization_id) as tx:
            lanes = await sent_in.lanes(tx, contact_id)
        after: UUID | None = None
        while lanes:
            async with self.database.transaction(organization_id) as tx:
                kept = await sent_in.page(tx, lanes, after, _PAGE)
            yield Rows("intake_items", [_item(each) for each in kept])
            if len(kept) < _PAGE:
                break
            after = kept[-1].id

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """A batch of items; the last one lets nobody be recognised as this contact any more.

        Raises:
            Undecided: something of theirs waits to be applied; it is waited for, and goes with the rest.
        """
        _ = way
        if person.kind != "contact":
            return Erased()
        for sent_in in self.sent_in:
            lanes = await sent_in.lanes(tx, person.id)
            gone = await sent_in.forget(tx, lanes, _BATCH) if lanes else 0
            if gone:
                return Erased(removed={"intake_items": gone}, more=True)
        await ContactRepository(tx).vacate(*await PersonsContact(tx).members(person.id))
        return Erased(removed={"intake_items": 0})


def _item(kept: Kept) -> dict[str, object]:
    return {
        "id": kept.id,
        "kind": kept.kind,
        "occurred_at": kept.occurred_at,
        "received_at": kept.received_at,
        "verdict": kept.verdict,
        "content": orjson.loads(kept.content) if kept.content else None,
    }
