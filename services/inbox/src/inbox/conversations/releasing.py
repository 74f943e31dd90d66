from collections.abc import Sequence
from typing import Final
from uuid import UUID

from contracts.inbox import ConversationChanged
from inbox.conversations.repository import AssignedRepository
from kit.db.database import Transaction

_BATCH: Final = 500


async def release(tx: Transaction, users: Sequence[tuple[UUID, UUID]]) -> None:
    """Conversations assigned to these (organization, user) are everybody's again; each change is told."""
    while users:
        rows = await AssignedRepository(tx).release(users, _BATCH)
        await tx.emit(
            *(
                ConversationChanged(
                    organization_id=row["organization_id"],
                    version=row["version"],
                    conversation_id=row["id"],
                    state=row["state"],
                    assignee_id=None,
                    unread_count=row["unread_count"],
                )
                for row in rows
            )
        )
        if len(rows) < _BATCH:
            return
