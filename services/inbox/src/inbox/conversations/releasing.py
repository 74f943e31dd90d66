from collections.abc import Sequence
from typing import Final
from uuid import UUID

from inbox.conversations.facts import tell_all_changed
from inbox.conversations.repository import AssignedRepository
from kit.db.database import Transaction

_BATCH: Final = 500


async def release(tx: Transaction, users: Sequence[tuple[UUID, UUID]]) -> None:
    """Conversations assigned to these (organization, user) are everybody's again; each change is told."""
    while users:
        rows = await AssignedRepository(tx).release(users, _BATCH)
        await tell_all_changed(tx, rows)
        if len(rows) < _BATCH:
            return


async def release_teams(tx: Transaction, team_ids: Sequence[UUID]) -> None:
    """Conversations of these teams are of no team; each change is told."""
    while team_ids:
        rows = await AssignedRepository(tx).release_teams(team_ids, _BATCH)
        await tell_all_changed(tx, rows)
        if len(rows) < _BATCH:
            return
