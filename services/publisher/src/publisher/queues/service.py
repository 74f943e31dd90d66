from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from contracts.publisher import PostRescheduled
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import FieldError
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from publisher.accounts.repository import AccountRepository
from publisher.deliveries.model import KIND
from publisher.deliveries.repository import DeliveryRepository
from publisher.posts.repository import PostRepository
from publisher.posts.when import zones
from publisher.queues.errors import QueueMoved, QueueNotAcceptable
from publisher.queues.model import Arrangement, Place, Queue, Wishes
from publisher.queues.placing import MOST
from publisher.queues.repository import QueueRepository
from publisher.queues.slots import shown_at, upcoming


@dataclass(frozen=True, slots=True)
class QueueService:
    """What people ask of queues."""

    database: Database
    ledger: Ledger

    async def make(self, wishes: Wishes, caller: MemberCaller) -> Queue:
        """A new queue.

        Raises:
            QueueNotAcceptable: there is no such zone or account.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            await _check(tx, wishes)
            queue = await QueueRepository(tx).add(new_id(), wishes)
            await tx.emit(audited("publisher.queue.created", caller, "queue", queue.id, slots=len(queue.slots)))
        return queue

    async def change(self, queue_id: UUID, wishes: Wishes, caller: MemberCaller, expected: Condition) -> Queue:
        """Let a queue be this; what waits in it keeps its slots until it is arranged anew.

        Raises:
            QueueNotFound, Changed, QueueNotAcceptable: there is none, it is another by now, or cannot be so.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            queues = QueueRepository(tx)
            expected.check((await queues.lock(queue_id)).version)
            await _check(tx, wishes)
            queue = await queues.save(queue_id, wishes)
            await tx.emit(audited("publisher.queue.changed", caller, "queue", queue.id, slots=len(queue.slots)))
        return queue

    async def delete(self, queue_id: UUID, caller: MemberCaller) -> None:
        """Delete a queue; what waits in it leaves at its time.

        Raises:
            QueueNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            queues = QueueRepository(tx)
            await queues.lock(queue_id)
            await queues.remove(queue_id)
            await tx.emit(audited("publisher.queue.deleted", caller, "queue", queue_id))

    async def find(self, queue_id: UUID, caller: MemberCaller) -> Queue:
        """One queue.

        Raises:
            QueueNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            return await QueueRepository(tx).find(queue_id)

    async def page(self, caller: MemberCaller, after: UUID | None, limit: int) -> list[Queue]:
        """Queues in the order in which they were made."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await QueueRepository(tx).page(after, limit)

    async def places(self, queue_id: UUID, caller: MemberCaller, after: datetime | None, limit: int) -> list[Place]:
        """The next slots with who has them, also slots that the queue has no more and posts still have."""
        after = after or self.database.clock.now()
        async with self.database.snapshot(caller.organization_id) as tx:
            queue = await QueueRepository(tx).find(queue_id)
            taken = await QueueRepository(tx).taken(queue_id, after, limit)
        places = {when.at: Place(shown_at(when.at, queue.zone), post_id) for when, post_id in taken}
        for when in islice(upcoming(queue.slots, queue.zone, after), limit):
            places.setdefault(when.at, Place(when, None))
        return [places[at] for at in sorted(places)[:limit]]

    async def arrange(self, queue_id: UUID, wanted: Arrangement, caller: MemberCaller) -> int:
        """Give what waits other slots; how many posts have another time now.

        Raises:
            QueueNotFound: there is none.
            QueueMoved: a post of it may have left, or does not wait there.
        """
        now = self.database.clock.now()
        async with self.database.transaction(caller.organization_id) as tx:
            queues = QueueRepository(tx)
            queue = await queues.lock(queue_id)
            waiting = {post_id: when.at for when, post_id in await queues.taken(queue_id, now, MOST + 1)}
            wanted_times = _arranged(queue, wanted, waiting, now)
            moves = {post_id: at for post_id, at in wanted_times.items() if waiting[post_id] != at}
            if moves:
                await self._move(tx, queue, moves)
            await tx.emit(audited("publisher.queue.arranged", caller, "queue", queue_id, moved=len(moves)))
        return len(moves)

    async def _move(self, tx: Transaction, queue: Queue, moves: dict[UUID, datetime]) -> None:
        """Let these posts leave then: the ledger first, so that none of them can leave meanwhile."""
        found = await DeliveryRepository(tx).of_posts(moves)
        times = {each.id: moves[post_id] for post_id, deliveries in found.items() for each in deliveries}
        if await self.ledger.reschedule(tx, KIND, dict(sorted(times.items()))) != times.keys():
            raise QueueMoved
        posts = await PostRepository(tx).move({post_id: shown_at(at, queue.zone) for post_id, at in moves.items()})
        if len(posts) != len(moves):
            raise QueueMoved
        await QueueRepository(tx).take(queue.id, moves)
        await tx.emit(
            *(PostRescheduled(post_id=post.id, publish_at=moves[post.id], version=post.version) for post in posts)
        )


def _arranged(
    queue: Queue, wanted: Arrangement, waiting: dict[UUID, datetime], now: datetime
) -> dict[UUID, datetime]:
    """Which post has which slot then.

    Raises:
        QueueMoved: one of the posts that are named does not wait.
    """
    if wanted.close_gaps:
        slots = islice(upcoming(queue.slots, queue.zone, now), len(waiting))
        return {post_id: when.at for post_id, when in zip(waiting, slots, strict=True)}
    named: Sequence[UUID] = wanted.order if wanted.push_back is None else (wanted.push_back,)
    if not waiting.keys() >= set(named):
        raise QueueMoved
    if wanted.push_back is None:
        return dict(zip(wanted.order, sorted(waiting[each] for each in wanted.order), strict=True))
    later = [post_id for post_id, at in waiting.items() if at >= waiting[named[0]]]
    after = next(upcoming(queue.slots, queue.zone, waiting[later[-1]])).at
    return dict(zip(later, [*(waiting[each] for each in later[1:]), after], strict=True))


async def _check(tx: Transaction, wishes: Wishes) -> None:
    errors = []
    if wishes.zone not in zones():
        errors.append(FieldError("#/zone", "This zone is not known; use a name such as Europe/Berlin."))
    known = await AccountRepository(tx).standing(wishes.accounts)
    errors += [
        FieldError(f"#/accounts/{place}", "There is no such account, or it was disconnected; choose another.")
        for place, account_id in enumerate(wishes.accounts)
        if account_id not in known
    ]
    if errors:
        raise QueueNotAcceptable(errors=errors)
