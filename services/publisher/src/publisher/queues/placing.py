"""How a post comes to the next free slot of a queue, and leaves it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from kit.db.database import Transaction
from publisher.deliveries.model import Delivery
from publisher.posts.errors import TimeNotAcceptable
from publisher.posts.model import Changes, Post, Target, Unset
from publisher.posts.when import FURTHEST, InQueue, When
from publisher.queues.errors import QueueNotFound
from publisher.queues.model import Queue
from publisher.queues.repository import QueueRepository
from publisher.queues.slots import upcoming

MOST: Final = 2000
"""How many posts may wait in one queue."""

_QUEUE: Final = "#/publish_at/queue"


async def choose(tx: Transaction, changes: Changes, deliveries: Sequence[Delivery], now: datetime) -> Changes:
    """The wishes with the next free slot as their time, if they name a queue; it stays locked until we commit.

    So two who ask at once never get one slot. A post that names no accounts goes to those of the queue.

    Raises:
        TimeNotAcceptable: there is no such queue, no slot of it is free, or an account is not one of its.
    """
    wish = changes.when
    if not isinstance(wish, InQueue):
        return changes
    try:
        queue = await QueueRepository(tx).lock(wish.queue_id)
    except QueueNotFound as missing:
        raise TimeNotAcceptable(_QUEUE, "There is no such queue.") from missing
    targets = tuple(Target(each.account_id, each.text, each.different) for each in deliveries)
    targets = targets if changes.targets is Unset else changes.targets
    targets = targets or tuple(Target(account_id) for account_id in queue.accounts)
    if not {target.account_id for target in targets} <= set(queue.accounts):
        raise TimeNotAcceptable(_QUEUE, "This queue is not for all of the post's accounts; name only its own.")
    return replace(changes, when=await _free(tx, queue, now), targets=targets)


async def _free(tx: Transaction, queue: Queue, now: datetime) -> When:
    taken = {when.at for when, _ in await QueueRepository(tx).taken(queue.id, now, MOST + 1)}
    if len(taken) <= MOST:
        for when in upcoming(queue.slots, queue.zone, now):
            if when.at > now + FURTHEST:
                break
            if when.at not in taken:
                return when
    raise TimeNotAcceptable(_QUEUE, "No slot of this queue is free within two years; give it more slots.")


async def keep_place(tx: Transaction, before: Post, post: Post) -> None:
    """Let the slot follow the post: whoever leaves a queue leaves its slot to others."""
    if post.queue_id is not None and post.when is not None:
        if before.when != post.when or before.queue_id != post.queue_id:
            await QueueRepository(tx).take(post.queue_id, {post.id: post.when.at})
    elif before.queue_id is not None:
        await QueueRepository(tx).leave([post.id])
