"""A channel's health: what the platform refuses for good is a matter of the channel, not of one message."""

from uuid import UUID

from contracts.inbox import ChannelHealthChanged
from inbox.channels.repository import ChannelRepository
from inbox.whatsapp.outcomes import health_of, parks
from kit.db.database import Transaction
from kit.ledger.model import Settled


async def suffer(tx: Transaction, channel_id: UUID, settled: Settled) -> None:
    """Note it when an effect was parked, and tell once; one that was only postponed says nothing of the channel."""
    if settled.due_at > settled.at or not parks(settled.code):
        return
    channel = await ChannelRepository(tx).suffer(channel_id, health_of(settled.code), settled.code, settled.reason)
    if channel is not None:
        await tx.emit(
            ChannelHealthChanged(
                organization_id=tx.organization_id,
                version=channel.version,
                channel_id=channel.id,
                health=channel.health,
                code=channel.health_code,
            )
        )
