"""Lists of templates are read when an account is connected, and again from time to time: webhooks may be missed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from inbox.templates import syncing
from inbox.templates.syncs.repository import SyncRepository
from kit.db.database import Database
from kit.ledger.ledger import Ledger

EVERY: Final = timedelta(hours=6)
AFTER_FAILURE: Final = timedelta(hours=1)
"""Each by chance up to a fifth sooner or later."""
KEPT: Final = timedelta(days=30)
_AT_ONCE: Final = 20
"""Accounts; the pages of each are read at the pace of its own lane."""


@dataclass(frozen=True, slots=True)
class Rereading:
    """Begins the readings that are due; of an account one at a time goes on, whoever begins it."""

    database: Database
    ledger: Callable[[], Ledger]

    async def run(self) -> bool:
        """Begin some; true when there may be more."""
        async with self.database.transaction() as tx:
            due = await SyncRepository(tx).due_accounts(EVERY, AFTER_FAILURE, _AT_ONCE)
            for organization_id, waba_id in due:
                await tx.bind(organization_id)
                await syncing.begin(tx, self.ledger(), waba_id)
                await SyncRepository(tx).forget(waba_id, self.database.clock.now() - KEPT)
        return len(due) == _AT_ONCE
