from dataclasses import dataclass
from typing import Final

from inbox.labels.repository import DeletedLabels
from kit.db.database import Database

_BATCH: Final = 2000


@dataclass(frozen=True, slots=True)
class LabelSweeping:
    """Takes labels that were deleted off what carries them; one may be on half a million conversations."""

    database: Database

    async def run(self) -> bool:
        """A batch; true when there may be more. Several workers may do so at the same time."""
        async with self.database.transaction() as tx:
            return await DeletedLabels(tx).sweep(_BATCH) > 0
