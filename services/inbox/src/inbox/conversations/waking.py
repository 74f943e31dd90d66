"""Conversations that rest until a time are opened when it has come."""

from dataclasses import dataclass
from typing import Final

from inbox.conversations.facts import tell_all_changed
from inbox.conversations.repository import AssignedRepository
from kit.db.database import Database

_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Waking:
    """Wakes those of all organizations; what another process holds just now is woken by it, or next time."""

    database: Database

    async def run(self) -> bool:
        """Wake those that are due; true when there may be more."""
        async with self.database.transaction() as tx:
            woken = await AssignedRepository(tx).wake(_BATCH)
            await tell_all_changed(tx, woken)
        return len(woken) == _BATCH
