"""Messages are counted where they are taken in and where they end, in those transactions."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.inbox import InboxQuotaReached
from inbox.allowances.model import KEPT, MESSAGES, QUOTA
from kit.db.database import Transaction


async def set_aside(tx: Transaction, message_ids: Sequence[UUID]) -> None:
    """Set one aside for each message: as the last thing, since others wait for the same row.

    Raises:
        QuotaExhausted: the plan includes no more messages.
    """
    for message_id in message_ids:
        await QUOTA.reserve(tx, MESSAGES, 1, message_id, KEPT)


async def account_for(tx: Transaction, used: Mapping[UUID, int]) -> None:
    """End what is set aside: 1 for a message that a platform took, 0 for one that never left."""
    for organization_id, crossing in await QUOTA.end(tx, used):
        await tx.emit(
            InboxQuotaReached(
                organization_id=organization_id,
                meter=crossing.meter,
                percent=crossing.percent,
                used=crossing.used,
                allowed=crossing.allowed,
            )
        )
