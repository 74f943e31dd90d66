"""Posts and accounts are counted where they are taken in and where they end, in those transactions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from contracts.publisher import QuotaReached
from kit.db.database import Transaction
from publisher.accounts.repository import AccountRepository
from publisher.allowances.model import ACCOUNTS, POSTS, QUOTA, life
from publisher.posts.model import Post, PostStatus

_ENDED = frozenset({PostStatus.PUBLISHED, PostStatus.FAILED, PostStatus.CANCELLED})


async def set_aside(tx: Transaction, before: Post, post: Post, now: datetime) -> None:
    """Let what is set aside for a post follow its time: as the last thing, since others wait for the same row.

    Raises:
        QuotaExhausted: the plan includes no more posts.
    """
    if post.when is None:
        if before.when is not None:
            await QUOTA.release(tx, post.id)
        return
    lasts = life(post.when, now)
    if before.when is not None:
        if before.when == post.when or await QUOTA.extend(tx, post.id, lasts):
            return
        await QUOTA.release(tx, post.id)
    await QUOTA.reserve(tx, POSTS, 1, post.id, lasts)


async def account_for(tx: Transaction, found: Mapping[UUID, Iterable[str]]) -> None:
    """End what is set aside for posts by what became of their deliveries: the first that is live uses it.

    Where nothing is live, and nothing can become so any more, it is free again.
    """
    used = {}
    for post_id, statuses in found.items():
        if PostStatus.PUBLISHED in statuses:
            used[post_id] = 1
        elif _ENDED.issuperset(statuses):
            used[post_id] = 0
    for organization_id, crossing in await QUOTA.end(tx, used):
        await tx.emit(
            QuotaReached(
                organization_id=organization_id,
                meter=crossing.meter,
                percent=crossing.percent,
                used=crossing.used,
                allowed=crossing.allowed,
            )
        )


async def room_for_accounts(tx: Transaction, organization_id: UUID) -> int | None:
    """How many more accounts may be connected; None for any number.

    Accounts are counted under a lock that is kept until the commit, so there are never more than the plan includes,
    however many come at once, and no counter can go astray.
    """
    accounts = AccountRepository(tx, organization_id)
    await accounts.lock_all()
    allowed = (await QUOTA.use(tx, ACCOUNTS, organization_id)).allowed
    return None if allowed is None else max(0, allowed - await accounts.count())
