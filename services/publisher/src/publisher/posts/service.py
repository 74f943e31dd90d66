"""Posts as people write, schedule, change and cancel them.

What the ledger has of a post is taken before the post's own rows, in the order in which outcomes are recorded. So
nobody waits in a circle, and whoever holds it there knows that it has not left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from contracts.audit import AuditEntry
from contracts.event import rfc3339
from contracts.publisher import PostCancelled, PostRescheduled, PostScheduled
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Changed, Condition
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Receipt
from publisher.deliveries.model import KIND, Delivery, Shown
from publisher.deliveries.repository import DeliveryRepository
from publisher.posts.errors import (
    DeliveryNotFound,
    LiveAlready,
    NothingToDecide,
    PostAlreadyLeft,
    PostNotDraft,
    PostNotScheduled,
    PostScheduledAlready,
)
from publisher.posts.model import Changes, Post, PostStatus, Unset
from publisher.posts.planning import carry_out, plan
from publisher.posts.repository import PostRepository, Wanted
from publisher.posts.view import PostView


@dataclass(frozen=True, slots=True)
class PostService:
    """What people ask of posts."""

    database: Database
    ledger: Ledger

    async def find(self, post_id: UUID, caller: MemberCaller) -> PostView:
        """One post, with everything that was tried.

        Raises:
            PostNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            post = await PostRepository(tx).find(post_id)
            return await self._view(tx, post, tried=True)

    async def page(self, caller: MemberCaller, wanted: Wanted, after: UUID | None, limit: int) -> list[PostView]:
        """The newest posts first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            posts = await PostRepository(tx).page(wanted, after, limit)
            deliveries = await DeliveryRepository(tx).of_posts([post.id for post in posts])
            ids = [each.id for found in deliveries.values() for each in found]
            states = await self.ledger.states(tx, KIND, ids) if ids else {}
            return [
                PostView(post, tuple(Shown(each, states.get(each.id)) for each in deliveries.get(post.id, ())))
                for post in posts
            ]

    async def write(self, changes: Changes, caller: MemberCaller, key: Idempotency) -> PostView:
        """A new post: a draft, or scheduled at once.

        Raises:
            PostNotAcceptable, TimeNotAcceptable: it could not be published as it is, or then.
        """
        now = self.database.clock.now()
        async with self.database.transaction(caller.organization_id) as tx:
            earlier = await key.claim(tx)
            if earlier is not None:
                return await self._view(tx, await PostRepository(tx).find(earlier.resource_id))
            blank = _blank(caller, now)
            planned = await plan(tx, blank, [], changes, now=now)
            saved = await PostRepository(tx).add(planned.post)
            await carry_out(tx, self.ledger, replace(planned, post=saved), [], anew=True)
            await _tell(tx, blank, saved, 0)
            await tx.emit(_line("publisher.post.created", caller, saved))
            await key.remember(tx, saved.id, saved.version)
            return await self._view(tx, saved)

    async def change(
        self, post_id: UUID, changes: Changes, caller: MemberCaller, expected: Condition | None
    ) -> PostView:
        """Change what has not left; without `expected` only a draft, which is scheduled by this.

        Raises:
            PostNotFound, Changed: there is none, or it is another by now.
            PostAlreadyLeft: part of it may be on a platform.
            PostScheduledAlready: it was to be a draft.
            PostNotAcceptable, TimeNotAcceptable: it could not be published as it is, or then.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            before = await PostRepository(tx).find(post_id)
            deliveries = (await DeliveryRepository(tx).of_posts([post_id])).get(post_id, [])
            held = await self._hold_back(tx, before, deliveries, changes)
            post = await PostRepository(tx).lock(post_id)
            if expected is not None:
                expected.check(post.version)
            elif post.status is not PostStatus.DRAFT:
                raise PostScheduledAlready
            if post.version != before.version:
                raise Changed
            if not post.editable or not held:
                raise PostAlreadyLeft
            planned = await plan(tx, post, deliveries, changes, now=self.database.clock.now())
            saved = await PostRepository(tx).save(planned.post)
            anew = saved.status is not post.status
            await carry_out(tx, self.ledger, replace(planned, post=saved), deliveries, anew=anew)
            await _tell(tx, post, saved, len(deliveries))
            await tx.emit(_line("publisher.post.changed", caller, saved))
            return await self._view(tx, saved)

    async def _hold_back(self, tx: Transaction, post: Post, deliveries: Sequence[Delivery], changes: Changes) -> bool:
        """Take the effects of a scheduled post, at its new time; False when one of them may have left."""
        if post.status is not PostStatus.SCHEDULED or post.when is None:
            return True
        ids = {each.id for each in deliveries}
        when = post.when if changes.when is Unset or changes.when is None else changes.when
        return await self.ledger.reschedule(tx, KIND, dict.fromkeys(sorted(ids), when.at)) == ids

    async def cancel(self, post_id: UUID, caller: MemberCaller) -> PostView:
        """Withdraw what has not left; cancelling again changes nothing.

        Raises:
            PostNotFound, PostNotScheduled: there is none, or it is a draft.
            PostAlreadyLeft: all of it may have left.
        """
        while True:
            try:
                return await self._cancel(post_id, caller)
            except _Overtaken:
                continue

    async def _cancel(self, post_id: UUID, caller: MemberCaller) -> PostView:
        async with self.database.transaction(caller.organization_id) as tx:
            posts, rows = PostRepository(tx), DeliveryRepository(tx)
            await posts.find(post_id)
            waiting = _scheduled((await rows.of_posts([post_id])).get(post_id, []))
            cancelled = await self.ledger.cancel(tx, KIND, waiting)
            post = await posts.lock(post_id)
            deliveries = (await rows.of_posts([post_id])).get(post_id, [])
            if not _scheduled(deliveries) <= waiting:
                raise _Overtaken
            if post.status is PostStatus.DRAFT:
                raise PostNotScheduled
            if post.status is not PostStatus.CANCELLED:
                left = sum(each.status is not PostStatus.CANCELLED for each in deliveries) - len(cancelled)
                post = await self._cancelled(tx, post, cancelled, left)
                await tx.emit(audited("publisher.post.cancelled", caller, "post", post.id, left=left))
            return await self._view(tx, post)

    async def _cancelled(self, tx: Transaction, post: Post, cancelled: set[UUID], left: int) -> Post:
        if not cancelled:
            raise PostAlreadyLeft
        rows = DeliveryRepository(tx)
        await rows.set_status(cancelled, PostStatus.CANCELLED)
        await rows.summarize([post.id])
        changed = await PostRepository(tx).find(post.id)
        await tx.emit(PostCancelled(post_id=post.id, cancelled=len(cancelled), left=left, version=changed.version))
        return changed

    async def delete(self, post_id: UUID, caller: MemberCaller) -> None:
        """Delete a draft.

        Raises:
            PostNotFound, PostNotDraft: there is none, or it was scheduled.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            posts = PostRepository(tx)
            if (await posts.lock(post_id)).status is not PostStatus.DRAFT:
                raise PostNotDraft
            await posts.remove(post_id)
            await tx.emit(audited("publisher.post.deleted", caller, "post", post_id))

    async def resolve(
        self, post_id: UUID, delivery_id: UUID, caller: MemberCaller, receipt: Receipt | None
    ) -> PostView:
        """A person has looked: it is live (with a receipt) or it is not.

        Raises:
            PostNotFound, DeliveryNotFound: there is none.
            NothingToDecide: it does not wait for a person.
            LiveAlready: what is live there is another delivery.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            posts, rows = PostRepository(tx), DeliveryRepository(tx)
            await posts.find(post_id)
            found = (await rows.of_posts([post_id])).get(post_id, [])
            delivery = next((each for each in found if each.id == delivery_id), None)
            if delivery is None:
                raise DeliveryNotFound
            if delivery.status is not PostStatus.UNCONFIRMED:
                raise NothingToDecide
            if receipt and receipt.external_id and await rows.is_live(delivery.account_id, receipt.external_id):
                raise LiveAlready
            await rows.resolved(delivery_id, caller.user_id)
            if receipt is not None:
                settled = await self.ledger.found(tx, KIND, {delivery_id: receipt})
            else:
                refusal = ("not-published", "A person has looked: it is not published.")
                settled = await self.ledger.failed(tx, KIND, {delivery_id: refusal})
            if not settled:
                raise NothingToDecide
            live = receipt is not None
            await tx.emit(
                audited("publisher.post.resolved", caller, "post", post_id, delivery=str(delivery_id), live=live)
            )
            return await self._view(tx, await posts.find(post_id))

    async def _view(self, tx: Transaction, post: Post, *, tried: bool = False) -> PostView:
        deliveries = (await DeliveryRepository(tx).of_posts([post.id])).get(post.id, [])
        states = await self.ledger.states(tx, KIND, [each.id for each in deliveries]) if deliveries else {}
        shown = []
        for each in deliveries:
            attempts = await self.ledger.attempts(tx, KIND, each.id) if tried else ()
            shown.append(Shown(each, states.get(each.id), tuple(attempts)))
        return PostView(post, tuple(shown))


class _Overtaken(Exception):
    """Somebody has given the post other deliveries meanwhile."""


def _scheduled(deliveries: Sequence[Delivery]) -> set[UUID]:
    return {each.id for each in deliveries if each.status is PostStatus.SCHEDULED}


def _blank(caller: MemberCaller, now: datetime) -> Post:
    return Post(
        id=new_id(),
        organization_id=caller.organization_id,
        text="",
        status=PostStatus.DRAFT,
        when=None,
        created_by=caller.user_id,
        version=1,
        created_at=now,
        changed_at=now,
    )


def _line(action: str, caller: MemberCaller, post: Post) -> AuditEntry:
    """What was done to a post, and when it is to leave, if it is."""
    at = "" if post.when is None else rfc3339(post.when.at)
    return audited(action, caller, "post", post.id, status=post.status.value, publish_at=at)


async def _tell(tx: Transaction, before: Post, post: Post, deliveries: int) -> None:
    """The fact that the time of a post has become another."""
    if post.when is None:
        if before.when is not None:
            await tx.emit(PostCancelled(post_id=post.id, cancelled=deliveries, left=0, version=post.version))
    elif before.when is None:
        await tx.emit(PostScheduled(post_id=post.id, publish_at=post.when.at, version=post.version))
    elif before.when != post.when:
        await tx.emit(PostRescheduled(post_id=post.id, publish_at=post.when.at, version=post.version))
