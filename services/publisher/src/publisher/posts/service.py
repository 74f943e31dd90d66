"""Posts as people write, schedule, change and cancel them.

What the ledger has of a post is taken before the post's own rows, in the order in which outcomes are recorded. So
nobody waits in a circle, and whoever holds it there knows that it has not left.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
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
from kit.ledger.model import Effect, Receipt, State
from publisher.accounts.model import lane_of
from publisher.allowances.counting import account_for, set_aside
from publisher.deliveries.model import KIND, PROCESSING, STEP, Delivery, Shown, Step, Tried, What
from publisher.deliveries.repository import DeliveryRepository
from publisher.deliveries.sending import Sending
from publisher.posts.errors import (
    DeliveryNotFound,
    LiveAlready,
    NothingToDecide,
    NotLive,
    NotTakenDownHere,
    PostAlreadyLeft,
    PostNotDraft,
    PostNotScheduled,
    PostScheduledAlready,
)
from publisher.posts.model import Changes, Post, PostStatus
from publisher.posts.planning import carry_out, plan
from publisher.posts.repository import PostRepository, Wanted
from publisher.posts.view import PostView
from publisher.posts.when import InQueue
from publisher.queues.placing import choose, keep_place
from publisher.queues.repository import QueueRepository
from publisher.steps.repository import NewStep, StepRepository

MOST_TRIED: Final = 300
"""Calls and looks that are shown of one delivery, the newest."""


@dataclass(frozen=True, slots=True)
class PostService:
    """What people ask of posts."""

    database: Database
    ledger: Ledger
    sending: Sending

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
            known = await self._known(tx, ids)
            return [
                PostView(post, tuple(known.shown(each) for each in deliveries.get(post.id, ()))) for post in posts
            ]

    async def write(self, changes: Changes, caller: MemberCaller, key: Idempotency) -> PostView:
        """A new post: a draft, or scheduled at once.

        Raises:
            PostNotAcceptable, TimeNotAcceptable: it could not be published as it is, or then.
            QuotaExhausted: the plan includes no more posts.
        """
        now = self.database.clock.now()
        async with self.database.transaction(caller.organization_id) as tx:
            earlier = await key.claim(tx)
            if earlier is not None:
                return await self._view(tx, await PostRepository(tx).find(earlier.resource_id))
            blank = _blank(caller, now)
            chosen = await choose(tx, changes, [], now)
            planned = await plan(tx, self.sending, blank, [], chosen, now=now, queue_id=_queue(changes))
            saved = await PostRepository(tx).add(planned.post)
            await carry_out(tx, self.ledger, replace(planned, post=saved), [], anew=True)
            await keep_place(tx, blank, saved)
            await _tell(tx, blank, saved, 0)
            await tx.emit(_line("publisher.post.created", caller, saved))
            await key.remember(tx, saved.id, saved.version)
            await set_aside(tx, blank, saved, now)
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
            QuotaExhausted: the plan includes no more posts.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            before = await PostRepository(tx).find(post_id)
            deliveries = (await DeliveryRepository(tx).of_posts([post_id])).get(post_id, [])
            chosen = await choose(tx, changes, deliveries, self.database.clock.now())
            held = await self._hold_back(tx, before, deliveries, chosen)
            post = await PostRepository(tx).lock(post_id)
            if expected is not None:
                expected.check(post.version)
            elif post.status is not PostStatus.DRAFT:
                raise PostScheduledAlready
            if post.version != before.version:
                raise Changed
            if not post.editable or not held:
                raise PostAlreadyLeft
            now, queue_id = self.database.clock.now(), _queue(changes)
            planned = await plan(tx, self.sending, post, deliveries, chosen, now=now, queue_id=queue_id)
            saved = await PostRepository(tx).save(planned.post)
            anew = saved.status is not post.status
            await carry_out(tx, self.ledger, replace(planned, post=saved), deliveries, anew=anew)
            await keep_place(tx, post, saved)
            await _tell(tx, post, saved, len(deliveries))
            await tx.emit(_line("publisher.post.changed", caller, saved))
            await set_aside(tx, post, saved, self.database.clock.now())
            return await self._view(tx, saved)

    async def _hold_back(self, tx: Transaction, post: Post, deliveries: Sequence[Delivery], changes: Changes) -> bool:
        """Take the effects of a scheduled post, at its new time; False when one of them may have left."""
        if post.status is not PostStatus.SCHEDULED or post.when is None:
            return True
        ids = {each.id for each in deliveries}
        when = changes.time(post.when) or post.when
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
        found = await rows.summarize([post.id])
        await QueueRepository(tx).leave([post.id])
        changed = await PostRepository(tx).find(post.id)
        await tx.emit(PostCancelled(post_id=post.id, cancelled=len(cancelled), left=left, version=changed.version))
        await account_for(tx, found)
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
            steps = await StepRepository(tx).under_way([delivery_id])
            kind, subject = (steps[0].what.kind, steps[0].id) if steps else (KIND, delivery_id)
            if receipt is not None:
                settled = await self.ledger.found(tx, kind, {subject: receipt})
            else:
                refusal = ("not-published", "A person has looked: it is not published.")
                settled = await self.ledger.failed(tx, kind, {subject: refusal})
            if not settled:
                raise NothingToDecide
            live = receipt is not None
            await tx.emit(
                audited("publisher.post.resolved", caller, "post", post_id, delivery=str(delivery_id), live=live)
            )
            return await self._view(tx, await posts.find(post_id))

    async def take_down(self, post_id: UUID, delivery_id: UUID, caller: MemberCaller) -> PostView:
        """Have what is live on one account taken down there; asking again changes nothing.

        Raises:
            PostNotFound, DeliveryNotFound: there is none.
            NotLive: it is not live, or not known by its platform's id.
            NotTakenDownHere: the platform lets nobody do that but people.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            post = await PostRepository(tx).find(post_id)
            found = (await DeliveryRepository(tx).of_posts([post_id])).get(post_id, [])
            delivery = next((each for each in found if each.id == delivery_id), None)
            if delivery is None:
                raise DeliveryNotFound
            if delivery.status is not PostStatus.PUBLISHED or delivery.external_id is None:
                raise NotLive
            if not self.sending.platforms[delivery.platform].capabilities.deletes:
                raise NotTakenDownHere
            step = NewStep(new_id(), caller.organization_id, delivery_id, What.REMOVAL)
            if await StepRepository(tx).add([step]):
                lane = lane_of(caller.organization_id, delivery.platform, delivery.account_id)
                await self.ledger.add(tx, Effect(What.REMOVAL.kind, lane, step.id))
                await tx.emit(
                    audited("publisher.post.taken_down", caller, "post", post_id, delivery=str(delivery_id))
                )
            return await self._view(tx, post)

    async def _view(self, tx: Transaction, post: Post, *, tried: bool = False) -> PostView:
        deliveries = (await DeliveryRepository(tx).of_posts([post.id])).get(post.id, [])
        known = await self._known(tx, [each.id for each in deliveries], tried=tried)
        return PostView(post, tuple(known.shown(each) for each in deliveries))

    async def _known(self, tx: Transaction, delivery_ids: Collection[UUID], *, tried: bool = False) -> "_Known":
        """What stands beside the rows of these deliveries, in as many statements however many they are."""
        if not delivery_ids:
            return _Known({})
        rows = StepRepository(tx)
        steps, going_on = await rows.shown(delivery_ids), await rows.under_way(delivery_ids)
        ids = [step.id for found in steps.values() for step in found] + [step.id for step in going_on]
        of_steps = {**await self.ledger.states(tx, PROCESSING, ids), **await self.ledger.states(tx, STEP, ids)}
        return _Known(
            await self.ledger.states(tx, KIND, delivery_ids),
            {each: [replace(step, state=of_steps.get(step.id)) for step in found] for each, found in steps.items()},
            {step.delivery_id: state for step in going_on if (state := of_steps.get(step.id))},
            await self._tried(tx, delivery_ids) if tried else {},
        )

    async def _tried(self, tx: Transaction, delivery_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Tried]]:
        """What was tried: the first calls, what went on from there, and whatever followed; the newest of it."""
        of: dict[UUID, tuple[UUID, What | None, int]] = {each: (each, None, 0) for each in delivery_ids}
        of |= await StepRepository(tx).known(delivery_ids)
        found: dict[UUID, list[Tried]] = {}
        for subject_id, attempts in (await self.ledger.attempts(tx, (KIND, PROCESSING, STEP), list(of))).items():
            delivery_id, what, part = of[subject_id]
            found.setdefault(delivery_id, []).extend(Tried(attempt, what, part) for attempt in attempts)
        return {each: sorted(tried, key=_began)[-MOST_TRIED:] for each, tried in found.items()}


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of deliveries beside their rows, by delivery."""

    states: Mapping[UUID, State]
    steps: Mapping[UUID, Sequence[Step]] = field(default_factory=dict)
    going_on: Mapping[UUID, State] = field(default_factory=dict)
    tried: Mapping[UUID, Sequence[Tried]] = field(default_factory=dict)

    def shown(self, delivery: Delivery) -> Shown:
        """A delivery with what is known of it."""
        each = delivery.id
        return Shown(
            delivery,
            self.states.get(each),
            tuple(self.tried.get(each, ())),
            tuple(self.steps.get(each, ())),
            self.going_on.get(each),
        )


class _Overtaken(Exception):
    """Somebody has given the post other deliveries meanwhile."""


def _began(tried: Tried) -> datetime:
    return tried.attempt.started_at


def _queue(changes: Changes) -> UUID | None:
    """The queue that is wanted, if one is."""
    return changes.when.queue_id if isinstance(changes.when, InQueue) else None


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
