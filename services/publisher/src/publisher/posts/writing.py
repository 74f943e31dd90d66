"""A new post, written by whoever is not a person's request: with everything that belongs to it."""

from dataclasses import replace
from datetime import datetime

from contracts.publisher import PostScheduled
from kit.audit import Actor, audited
from kit.db.database import Transaction
from kit.ledger.ledger import Ledger
from publisher.allowances.model import POSTS, QUOTA, life
from publisher.posts.model import Post
from publisher.posts.planning import Plan, carry_out
from publisher.posts.repository import PostRepository
from publisher.queues.placing import keep_place


async def write(
    tx: Transaction, ledger: Ledger, blank: Post, planned: Plan, *, now: datetime, actor: Actor, by: str
) -> Post:
    """Write what was planned of a blank post: what the plan includes first, so that a refusal leaves nothing behind.

    `by` is what had it written, for the audit trail.

    Raises:
        QuotaExhausted: the plan includes no more posts; nothing was written.
    """
    when = planned.post.when
    if when is not None:
        await QUOTA.reserve(tx, POSTS, 1, planned.post.id, life(when, now))
    saved = await PostRepository(tx).add(planned.post)
    await carry_out(tx, ledger, replace(planned, post=saved), [], anew=True)
    await keep_place(tx, blank, saved)
    if when is not None:
        await tx.emit(PostScheduled(post_id=saved.id, publish_at=when.at, version=saved.version))
    await tx.emit(audited("publisher.post.created", actor, "post", saved.id, status=saved.status.value, by=by))
    return saved
