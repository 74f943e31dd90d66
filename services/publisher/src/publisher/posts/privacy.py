from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from publisher.posts.repository import PersonsPosts

_PAGE: Final = 500
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class PostHolding:
    """Posts that a user wrote. They are the organization's, and stay with it."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"posts"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What they wrote, when it was to leave, and how it stands."""
        after: UUID | None = None
        while person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsPosts(tx).page(person.id, after, _PAGE)
            yield Rows("posts", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """The posts stay, as nobody's; a batch."""
        _ = way
        if person.kind != "user":
            return Erased()
        unlinked = await PersonsPosts(tx).unlink(person.id, _BATCH)
        return Erased(unlinked={"posts": unlinked}, more=unlinked == _BATCH)
