from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from contracts.inbox import ChannelVisibilityChanged
from inbox.channels.viewing.repository import ViewingRepository
from kit.db.database import Row, Transaction


async def reviewed(tx: Transaction, team_ids: Collection[UUID]) -> None:
    """These teams have other members: who sees their channels is looked at anew, and told."""
    await tell_seen(tx, await ViewingRepository(tx).reviewed(team_ids))


async def tell_seen(tx: Transaction, rows: Sequence[Row | Mapping[str, Any]]) -> None:
    """Other people see these channels."""
    await tx.emit(
        *(
            ChannelVisibilityChanged(
                organization_id=row["organization_id"], version=row["version"], channel_id=row["id"]
            )
            for row in rows
        )
    )
