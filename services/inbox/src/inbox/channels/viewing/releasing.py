"""Who no longer sees a channel gives back the conversations they have on it."""

from dataclasses import dataclass
from typing import Final

from inbox.channels.viewing.repository import ReleaseRepository
from inbox.conversations.facts import tell_all_changed
from kit.db.database import Database

_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Releasing:
    """Works channel by channel, as many conversations at once; one that dies has changed nothing."""

    database: Database

    async def run(self) -> bool:
        """A batch of one channel; true when there may be more."""
        async with self.database.transaction() as tx:
            channels = ReleaseRepository(tx)
            found = await channels.next()
            if found is None:
                return False
            channel_id, organization_id = found
            await tx.bind(organization_id)
            if not await channels.lock(channel_id):
                return False
            rows = await channels.release(channel_id, _BATCH)
            await tell_all_changed(tx, rows)
            if len(rows) < _BATCH:
                await channels.done(channel_id)
        return True
