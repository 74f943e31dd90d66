from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

import structlog

from inbox.media.repository import MediaRepository
from inbox.media.store import MediaStore
from kit.db.database import Database, Transaction

log = structlog.get_logger(__name__)

KEPT_WITHOUT_A_ROW: Final = timedelta(days=1)
"""Far longer than a file waits for its row."""

_BATCH: Final = 500


Known: TypeAlias = Callable[[Transaction, Collection[UUID]], Awaitable[Collection[UUID]]]


async def of_media(tx: Transaction, file_ids: Collection[UUID]) -> Collection[UUID]:
    """Which of these files a medium or a sample names."""
    return await MediaRepository(tx).known_files(file_ids)


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Takes away files that no row names: their process died between file and row, or another fetched the same."""

    database: Database
    store: MediaStore
    known: Known = of_media
    """Which of some files rows of the transaction's organization name."""

    async def run(self) -> None:
        """Look at all files once; several workers may do so at the same time."""
        before = (self.database.clock.now() - KEPT_WITHOUT_A_ROW).timestamp()
        async for organization_id, paths in self.store.older_than(before, _BATCH):
            async with self.database.transaction(organization_id) as tx:
                known = await self.known(tx, [file_id for path in paths if (file_id := _id(path))])
            gone = [path for path in paths if _id(path) not in known]
            if gone:
                await self.store.discard(gone)
                log.info("media.swept", organization_id=str(organization_id), files=len(gone))


def _id(path: Path) -> UUID | None:
    try:
        return UUID(path.name)
    except ValueError:
        return None
