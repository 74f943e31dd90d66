from dataclasses import dataclass
from typing import Final

from inbox.attributes.repository import DeletedAttributes
from kit.db.database import Database

_BATCH: Final = 2000


@dataclass(frozen=True, slots=True)
class AttributeSweeping:
    """Deletes the values of attributes that were deleted."""

    database: Database

    async def run(self) -> bool:
        """A batch; true when there may be more. Several workers may do so at the same time."""
        async with self.database.transaction() as tx:
            return await DeletedAttributes(tx).sweep(_BATCH) > 0
