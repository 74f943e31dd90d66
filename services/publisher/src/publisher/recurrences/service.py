from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from publisher.deliveries.sending import Sending
from publisher.posts.planning import plan
from publisher.posts.when import When
from publisher.posts.withdrawing import withdraw
from publisher.queues.slots import shown_at
from publisher.recurrences.errors import RecurrenceEnded, RuleNotAcceptable
from publisher.recurrences.making import blank_of, local_of
from publisher.recurrences.model import Occurrence, Recurrence, Template
from publisher.recurrences.repository import RecurrenceRepository
from publisher.recurrences.rules import Rule


@dataclass(frozen=True, slots=True)
class Following:
    """What is to be others from a time on: None stays as it is; `since` None means from the next time on."""

    since: datetime | None = None
    rule: str | None = None
    starts: datetime | None = None
    template: Template | None = None


@dataclass(frozen=True, slots=True)
class RecurrenceService:
    """What people ask of posts that recur. One time alone is changed, or cancelled, as the post that it is."""

    database: Database
    ledger: Ledger
    sending: Sending

    async def begin(self, rule: Rule, template: Template, caller: MemberCaller) -> Recurrence:
        """Let a post recur; its posts are made by a worker, those within the horizon at once.

        Raises:
            PostNotAcceptable: it could not be published so.
            RuleNotAcceptable: all its times have passed.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            recurrence = await RecurrenceRepository(tx).add(new_id(), rule, template, caller.user_id)
            await self._check(tx, recurrence)
            await tx.emit(audited("publisher.recurrence.begun", caller, "recurrence", recurrence.id))
        return recurrence

    async def change(self, recurrence_id: UUID, wanted: Following, caller: MemberCaller) -> Recurrence:
        """Let it be another from a time on: that is a recurrence of its own, and this one ends before it.

        Posts of it that have not left are withdrawn, but for those that somebody changed: they stay, and their times
        bring no others.

        Raises:
            RecurrenceNotFound, RecurrenceEnded: there is none, or it goes on no more.
            PostNotAcceptable, RuleNotAcceptable: it could not be so.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            rows = RecurrenceRepository(tx)
            former = await rows.lock(recurrence_id)
            since = self._since(former, wanted)
            rule = former.rule.rest(since)
            if wanted.rule is not None or wanted.starts is not None:
                rule = Rule.read(wanted.rule or rule.written, wanted.starts or since, rule.zone)
            gone = await self._end(tx, former, since)
            later = await rows.add(new_id(), rule, wanted.template or former.template, caller.user_id)
            await rows.keep(former.id, later.id, since, gone)
            await self._check(tx, later)
            await tx.emit(
                audited("publisher.recurrence.changed", caller, "recurrence", former.id, following=str(later.id))
            )
        return later

    async def end(self, recurrence_id: UUID, caller: MemberCaller) -> Recurrence:
        """Let it recur no more; what has not left and nobody changed is withdrawn. Ending again changes nothing.

        Raises:
            RecurrenceNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            recurrence = await RecurrenceRepository(tx).lock(recurrence_id)
            if not recurrence.ended:
                now = self.database.clock.now()
                await self._end(tx, recurrence, local_of(shown_at(now, recurrence.rule.zone)))
                await tx.emit(audited("publisher.recurrence.ended", caller, "recurrence", recurrence.id))
            return await RecurrenceRepository(tx).find(recurrence_id)

    async def find(self, recurrence_id: UUID, caller: MemberCaller) -> Recurrence:
        """One of them.

        Raises:
            RecurrenceNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            return await RecurrenceRepository(tx).find(recurrence_id)

    async def page(self, caller: MemberCaller, after: UUID | None, limit: int) -> list[Recurrence]:
        """The newest first."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await RecurrenceRepository(tx).page(after, limit)

    async def occurrences(
        self, recurrence_id: UUID, caller: MemberCaller, after: datetime | None, limit: int
    ) -> Sequence[Occurrence]:
        """What became of each time so far, in order."""
        async with self.database.transaction(caller.organization_id) as tx:
            await RecurrenceRepository(tx).find(recurrence_id)
            return await RecurrenceRepository(tx).occurrences(recurrence_id, after, limit)

    def _since(self, former: Recurrence, wanted: Following) -> datetime:
        """The first time that is another: the one that is named, or the next one that is still to come."""
        now = local_of(shown_at(self.database.clock.now(), former.rule.zone))
        after = now if wanted.since is None else max(now, wanted.since.replace(tzinfo=None))
        following = None if former.ended else self._first(former.rule, after, at=wanted.since is not None)
        if following is None:
            raise RecurrenceEnded
        return following

    def _first(self, rule: Rule, after: datetime, *, at: bool) -> datetime | None:
        """The first time after a wall clock, or at it."""
        first = next(rule.between(after - timedelta(seconds=1 if at else 0), after + timedelta(days=366 * 9)), None)
        return None if first is None else local_of(first)

    async def _end(self, tx: Transaction, recurrence: Recurrence, since: datetime) -> set[UUID]:
        """End it before a wall clock; the posts that were withdrawn by that."""
        rows = RecurrenceRepository(tx)
        waiting = await rows.waiting(recurrence.id, since)
        cancelled = await withdraw(tx, self.ledger, waiting)
        await rows.end(recurrence.id, recurrence.rule.ended_before(since))
        return {waiting[each] for each in cancelled}

    async def _check(self, tx: Transaction, recurrence: Recurrence) -> None:
        """Refuse what could not be published the first time, as it is now.

        Raises:
            PostNotAcceptable, RuleNotAcceptable: it could not.
        """
        now = self.database.clock.now()
        local = local_of(shown_at(now, recurrence.rule.zone))
        first = self._first(recurrence.rule, local, at=False)
        if first is None:
            raise RuleNotAcceptable.of("No time of this rule is to come within nine years.")
        wanted = replace(recurrence.template.changes(), when=When(now))
        await plan(tx, self.sending, blank_of(recurrence, now), [], wanted, now=now)
