from dataclasses import dataclass
from typing import Final

from inbox.conversations.counts.model import Counts, counts
from inbox.conversations.counts.repository import CountRepository, fold
from kit.db.database import Database
from kit.http.caller import MemberCaller

_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class CountService:
    """Counts of conversations, kept as they change: asking costs the same whether there are ten or a million."""

    database: Database

    async def read(self, caller: MemberCaller) -> Counts:
        """All of them, as of one moment."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return counts(await CountRepository(tx).all())

    async def fold(self) -> bool:
        """Add up what has changed; true when there may be more. It changes no sum, whenever it stops."""
        return await fold(self.database, _AT_ONCE) == _AT_ONCE
