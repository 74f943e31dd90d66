"""A channel's health: what the platform refuses for good is a matter of the channel, not of one message."""

from uuid import UUID

from contracts.inbox import ChannelHealthChanged
from inbox.channels.base import Platforms
from inbox.channels.repository import ChannelRepository
from kit.db.database import Transaction
from kit.ledger.model import Settled


async def suffer(tx: Transaction, platforms: Platforms, channel_id: UUID, settled: Settled) -> None:
    """Note it when an effect was parked, and tell once; one that was only postponed says nothing of the channel."""
    if settled.due_at > settled.at:
        return
    channels = ChannelRepository(tx)
    platform = platforms.get(await channels.kind_of(channel_id) or "")
    if platform is None or not platform.errors.parks(settled.code):
        return
    health = platform.errors.health_of(settled.code)
    channel = await channels.suffer(channel_id, health, settled.code, settled.reason)
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
