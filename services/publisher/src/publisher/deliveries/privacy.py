from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from publisher.deliveries.repository import PersonsDeliveries
from publisher.steps.repository import StepRepository

_PAGE: Final = 500
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class DeliveryHolding:
    """What became of a user's posts on each account, and what they decided about those of others."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"deliveries", "delivery_steps"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Of their own posts with what was said; of others' that they decided, and on what."""
        if person.kind != "user" or not organization_ids:
            return
        place: tuple[UUID, UUID] | None = None
        while True:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsDeliveries(tx).of_posts_by(person.id, place, _PAGE)
            yield Rows("deliveries", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                break
            place = (rows[-1]["post_id"], rows[-1]["id"])
        async for steps in self._steps(person, organization_ids):
            yield steps
        after: UUID | None = None
        while True:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsDeliveries(tx).resolved_for_others(person.id, after, _PAGE)
            yield Rows("deliveries", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def _steps(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows]:
        after: UUID | None = None
        while True:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await StepRepository(tx).of_persons_posts(person.id, after, _PAGE)
            yield Rows("delivery_steps", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """What they decided stays, as nobody's; a batch."""
        _ = way
        if person.kind != "user":
            return Erased()
        unlinked = await PersonsDeliveries(tx).unlink(person.id, _BATCH)
        return Erased(unlinked={"deliveries": unlinked}, more=unlinked == _BATCH)
