from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from generation.generations.model import Opened, stored_text
from generation.generations.repository import PersonsGenerations
from generation.generations.sealing import GenerationSeal
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class GenerationHolding:
    """What a user had written. It is the organization's, and stays with it."""

    database: Database
    seal: GenerationSeal
    tables: ClassVar[frozenset[str]] = frozenset({"generations"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What they asked for and what came of it, opened; and that they decided on what others had asked for."""
        if person.kind != "user":
            return
        for organization_id in organization_ids:
            after: UUID | None = None
            while True:
                async with self.database.snapshot(organization_id) as tx:
                    found = await PersonsGenerations(tx).page(person.id, after, _PAGE)
                opened = await self.seal.opened(organization_id, found)
                yield Rows("generations", [_row(each) for each in opened])
                if len(found) < _PAGE:
                    break
                after = found[-1].id
            async for page in self._decided(person.id, organization_id):
                yield page

    async def _decided(self, user_id: UUID, organization_id: UUID) -> AsyncIterator[Rows]:
        after: UUID | None = None
        while True:
            async with self.database.snapshot(organization_id) as tx:
                rows = await PersonsGenerations(tx).decided(user_id, after, _PAGE)
            yield Rows("generations", [dict(row) | {"decided_by_them": True} for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They stay, as nobody's; a batch."""
        _ = way
        if person.kind != "user":
            return Erased()
        unlinked = await PersonsGenerations(tx).unlink(person.id, _PAGE)
        return Erased(unlinked={"generations": unlinked}, more=unlinked == _PAGE)


def _row(opened: Opened) -> dict[str, Any]:
    generation, wanted = opened.generation, opened.wanted
    return {
        "id": generation.id,
        "organization_id": generation.organization_id,
        "kind": generation.kind,
        "state": generation.state,
        "reason": generation.reason,
        "asked": None if wanted is None else wanted.subject,
        "texts": [stored_text(each) for each in opened.texts],
        "created_at": generation.created_at,
        "ended_at": generation.ended_at,
    }
