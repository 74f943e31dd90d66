from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from kit.db.database import Database, Row, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from publisher.media.links import ENDINGS
from publisher.media.repository import PersonsMedia
from publisher.media.store import MediaStore

_PAGE: Final = 100
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class MediaHolding:
    """Media that a user has uploaded. They are the organization's, and stay with it."""

    database: Database
    store: MediaStore
    tables: ClassVar[frozenset[str]] = frozenset({"media"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What they uploaded and what was seen in it, then the bytes."""
        after: UUID | None = None
        while person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsMedia(tx).page(person.id, after, _PAGE)
            yield Rows("media", [{name: row[name] for name in row if name != "object"} for row in map(dict, rows)])
            for row in rows:
                if row["object"]:
                    yield self._file(row)
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    def _file(self, row: Row) -> File:
        facts = row["facts"]
        ending = ENDINGS.get(facts["mime"], "bin")
        return File(
            f"media/{row['id']}.{ending}", facts["mime"], self.store.pieces(row["object"], 0, facts["size_bytes"])
        )

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They stay, as nobody's; a batch."""
        _ = way
        if person.kind != "user":
            return Erased()
        unlinked = await PersonsMedia(tx).unlink(person.id, _BATCH)
        return Erased(unlinked={"media": unlinked}, more=unlinked == _BATCH)
