from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

import structlog

from inbox.media.fetching import FETCH, FILENAME
from inbox.media.repository import PersonsMedia
from inbox.media.store import FileMissing, Kept, MediaStore
from kit.db.database import Database, Row, Transaction
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring

log = structlog.get_logger(__name__)

_PAGE: Final = 100
_BATCH: Final = 500
_SHOWN: Final = (
    "id",
    "message_id",
    "conversation_id",
    "kind",
    "state",
    "media_type",
    "announced_type",
    "size",
    "failure_code",
    "failure_reason",
    "created_at",
    "changed_at",
)


@dataclass(frozen=True, slots=True)
class MediaHolding:
    """What a contact has sent besides words: rows, files, and what the ledger knows of fetching them."""

    database: Database
    keyring: Keyring
    store: MediaStore
    ledger: Ledger
    tables: ClassVar[frozenset[str]] = frozenset({"media"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Each medium with its name, then its bytes."""
        if person.kind != "contact":
            return
        after: UUID | None = None
        for organization_id in organization_ids:
            while True:
                async with self.database.snapshot(organization_id) as tx:
                    rows = await PersonsMedia(tx).page(person.id, after, _PAGE)
                    kept = await self.ledger.kept(tx, (FETCH,), [row["id"] for row in rows])
                yield Rows("media", await self._opened(organization_id, rows))
                for name, of_table in kept.items():
                    yield Rows(name, of_table)
                for row in rows:
                    if row["file_id"] is not None:
                        async for file in self._file(organization_id, row):
                            yield file
                if len(rows) < _PAGE:
                    break
                after = rows[-1]["id"]

    async def _opened(self, organization_id: UUID, rows: Sequence[Row]) -> list[dict[str, object]]:
        sealed = [(row["filename_sealed"], FILENAME) for row in rows if row["filename_sealed"] is not None]
        names = iter(await self.keyring.open_many(organization_id, sealed) if sealed else ())
        return [
            {
                **{name: row[name] for name in _SHOWN},
                "filename": None if row["filename_sealed"] is None else (next(names) or b"").decode(errors="replace"),
            }
            for row in rows
        ]

    async def _file(self, organization_id: UUID, row: Row) -> AsyncIterator[File]:
        try:
            opened = await self.store.open(organization_id, Kept(row["file_id"], row["key_sealed"]))
        except FileMissing:
            log.error("media.file_missing", media_id=str(row["id"]))  # noqa: TRY400 - where it happened tells nothing
            return
        yield File(f"media/{row['id']}", row["media_type"], opened.pieces(0, opened.file.size))

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Files and rows go, whichever way is wished.

        Raises:
            UnderWay: one is being fetched just now; it is waited for, or its file would stay.
        """
        _ = way
        if person.kind != "contact":
            return Erased()
        media = PersonsMedia(tx)
        ids = [row["id"] for row in await media.page(person.id, None, _BATCH)]
        if not ids:
            return Erased()
        forgotten = await self.ledger.forget(tx, (FETCH,), ids)
        await self.store.remove(tx.organization_id, await media.files(ids))
        return Erased(removed={**forgotten, "media": await media.delete(ids)}, more=len(ids) == _BATCH)
