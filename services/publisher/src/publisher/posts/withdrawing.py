"""Withdrawing what has not left, many at once."""

from collections.abc import Mapping
from uuid import UUID

from contracts.publisher import PostCancelled
from kit.db.database import Transaction
from kit.ledger.ledger import Ledger
from publisher.allowances.counting import account_for
from publisher.deliveries.model import KIND
from publisher.deliveries.repository import DeliveryRepository
from publisher.posts.model import PostStatus
from publisher.posts.repository import PostRepository
from publisher.queues.repository import QueueRepository


async def withdraw(tx: Transaction, ledger: Ledger, waiting: Mapping[UUID, UUID]) -> set[UUID]:
    """Cancel these deliveries, by their posts, as far as they have not left; those that were."""
    cancelled = await ledger.cancel(tx, KIND, waiting) if waiting else set()
    if not cancelled:
        return set()
    rows = DeliveryRepository(tx)
    await rows.set_status(cancelled, PostStatus.CANCELLED)
    found = await rows.summarize({waiting[each] for each in cancelled})
    await QueueRepository(tx).leave(found)
    for post in await PostRepository(tx).among(found):
        here = sum(waiting[each] == post.id for each in cancelled)
        left = sum(status != PostStatus.CANCELLED for status in found[post.id])
        await tx.emit(PostCancelled(post_id=post.id, cancelled=here, left=left, version=post.version))
    await account_for(tx, found)
    return cancelled
