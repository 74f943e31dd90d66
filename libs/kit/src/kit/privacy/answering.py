"""What a service does when compliance asks: it notes the task, works through its holdings, and answers.

Each step is one transaction, and what it did is noted in it: whoever goes on after a crash does the rest.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from contracts.privacy import AnswersErasure, AnswersExport, AsksForErasure, AsksForExport
from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.privacy.counting import Count
from kit.privacy.handover import Handover, NotWanted, Parcel
from kit.privacy.holding import Blocked, Holding, Holdings
from kit.privacy.person import Person
from kit.privacy.tasks import ERASURE, EXPORT, Task, TaskLost, TaskRepository
from kit.process import Loop
from kit.seal import Keyring, KeyShredded
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

TASKS = metrics.counter("privacy_tasks_total", "Steps that ended tasks of exports and erasures", ("what", "outcome"))

TOPIC: Final = "privacy"
LEASE: Final = timedelta(minutes=1)
_BLOCKED: Final = timedelta(hours=1)
_PAUSES: Final = (1, 10, 60, 300)  # seconds


async def on_export_requested(event: AsksForExport, tx: Transaction) -> None:
    """Note that a part of an export is wanted."""
    person = Person(event.person_kind, event.person_id, event.organization_id)
    await TaskRepository(tx).add(event.export_id, EXPORT, person)
    tx.stir(TOPIC)


async def on_erasure_begun(event: AsksForErasure, tx: Transaction) -> None:
    """Note that somebody is to be forgotten."""
    person = Person(event.person_kind, event.person_id, event.organization_id)
    await TaskRepository(tx).add(event.erasure_id, ERASURE, person, event.way)
    tx.stir(TOPIC)


@dataclass(frozen=True, slots=True)
class Answering:
    """Works the tasks of one service; any number of workers may, each task has one at a time."""

    database: Database
    keyring: Keyring
    service: str
    holdings: Holdings
    count: Count
    handover: Handover
    handed_over: type[AnswersExport]
    erased: type[AnswersErasure]

    def loops(self) -> tuple[Loop, ...]:
        """Works what is due, woken by the commit that asked, and forgets what was done long ago."""
        return (
            Loop("privacy", partial(self.database.wakeups.work_off, TOPIC, self.work)),
            Loop("purge privacy tasks", self._purge, every=3600.0),
        )

    async def work(self) -> bool:
        """Work one task, if one is due."""
        async with self.database.transaction() as tx:
            task = await TaskRepository(tx).claim(LEASE)
        if task is None:
            return False
        try:
            await self._work(task)
        except TaskLost:
            log.warning("privacy.task_lost", task=str(task.id))
        return True

    async def _work(self, task: Task) -> None:
        """Whatever goes wrong with one task, it waits, and the others go on."""
        try:
            await (self._export(task) if task.what == EXPORT else self._erase(task))
        except TaskLost:
            raise
        except KeyShredded:
            await self._nothing_left(task)
        except NotWanted:
            await self._drop(task)
        except TransientError as trouble:
            log.warning("privacy.postponed", task=str(task.id), what=task.what, trouble=type(trouble).__name__)
            await self._postpone(task)
        except Exception:
            log.exception("privacy.failed", task=str(task.id), what=task.what)
            await self._postpone(task)

    async def _export(self, task: Task) -> None:
        organizations = await self._organizations(task.person)
        parcel = Parcel(
            self.handover,
            self.keyring,
            self.service,
            task.person,
            task.id,
            task.attempt,
            before_each=partial(self._hold, task),
        )
        for holding in self.holdings.holdings:
            async for found in holding.export(task.person, organizations):
                await parcel.add(found)
        await parcel.end()
        await self._handed_over(task, parcel.number, parcel.rows)

    async def _handed_over(self, task: Task, pieces: int, rows: dict[str, int]) -> None:
        async with self.database.transaction() as tx:
            await TaskRepository(tx).hold(task, LEASE)
            await tx.emit_of_platform(
                self.handed_over(
                    organization_id=task.person.organization_id,
                    version=await TaskRepository(tx).finish(task),
                    export_id=task.id,
                    attempt=task.attempt,
                    pieces=pieces,
                    rows=rows,
                )
            )
        TASKS.labels(EXPORT, "done").inc()

    async def _nothing_left(self, task: Task) -> None:
        """The key is gone, so they were forgotten meanwhile: there is nothing that could be handed over."""
        if task.what == EXPORT:
            await self._handed_over(task, 0, {})
        else:
            log.warning("privacy.key_is_gone", task=str(task.id))
            await self._postpone(task)

    async def _drop(self, task: Task) -> None:
        """Nobody waits for this part of an export any more; there is nothing to tell either."""
        async with self.database.transaction() as tx:
            await TaskRepository(tx).hold(task, LEASE)
            await TaskRepository(tx).finish(task)
        log.info("privacy.not_wanted", task=str(task.id))
        TASKS.labels(EXPORT, "not_wanted").inc()

    async def _erase(self, task: Task) -> None:
        organizations = await self._organizations(task.person)
        try:
            for holding in self.holdings.holdings:
                while await self._step(task, holding, organizations):
                    pass
        except Blocked as blocked:
            await self._block(task, blocked.reason)
            return
        await self._answer(task, organizations)

    async def _step(self, task: Task, holding: Holding, organizations: Sequence[UUID]) -> bool:
        async with self._bound(organizations) as tx:
            held = await TaskRepository(tx).hold(task, LEASE)
            erased = await holding.erase(tx, task.person, task.way)
            await TaskRepository(tx).note(held, erased)
        return erased.more

    async def _answer(self, task: Task, organizations: Sequence[UUID]) -> None:
        """Count what is left: done when it is what stays for a reason, else another round."""
        async with self._bound(organizations) as tx:
            held = await TaskRepository(tx).hold(task, LEASE)
            left = await self.count.rows(tx, task.person)
            over = {name: rows - held.kept.get(name, 0) - held.anonymised.get(name, 0) for name, rows in left.items()}
            over = {name: rows for name, rows in over.items() if rows > 0}
            if over:
                log.warning("privacy.rows_left", task=str(task.id), tables=over)
                await TaskRepository(tx).postpone(task, _pause(task))
                return
            await tx.emit_of_platform(self._told(held, await TaskRepository(tx).finish(task), "done"))
        TASKS.labels(ERASURE, "done").inc()

    async def _block(self, task: Task, reason: str) -> None:
        """Say what must be settled first, and look again in an hour."""
        async with self.database.transaction() as tx:
            held = await TaskRepository(tx).hold(task, LEASE)
            answers = await TaskRepository(tx).postpone(task, _BLOCKED, blocked_by=reason)
            await tx.emit_of_platform(self._told(held, answers, "blocked", reason))
        TASKS.labels(ERASURE, "blocked").inc()

    def _told(self, task: Task, version: int, outcome: str, blocked_by: str | None = None) -> AnswersErasure:
        return self.erased(
            organization_id=task.person.organization_id,
            version=version,
            erasure_id=task.id,
            outcome=outcome,
            removed=dict(task.removed),
            anonymised=_stays(task),
            kept={name: rows for name, rows in task.kept.items() if rows},
            kept_because={name: task.because[name] for name, rows in task.kept.items() if rows},
            keys=list(task.keys),
            blocked_by=blocked_by,
        )

    async def _purge(self) -> bool:
        async with self.database.transaction() as tx:
            return await TaskRepository(tx).purge() > 0

    async def _organizations(self, person: Person) -> Sequence[UUID]:
        async with self.database.transaction() as tx:
            return await self.holdings.organizations_of(tx, person)

    @asynccontextmanager
    async def _bound(self, organizations: Sequence[UUID]) -> AsyncIterator[Transaction]:
        """A transaction that sees these organizations only, also when they are none."""
        async with self.database.transaction(*organizations) as tx:
            if not organizations:
                await tx.bind()
            yield tx

    async def _hold(self, task: Task) -> None:
        async with self.database.transaction() as tx:
            await TaskRepository(tx).hold(task, LEASE)

    async def _postpone(self, task: Task) -> None:
        async with self.database.transaction() as tx:
            await TaskRepository(tx).hold(task, LEASE)
            await TaskRepository(tx).postpone(task, _pause(task))
        TASKS.labels(task.what, "postponed").inc()


def _stays(task: Task) -> dict[str, int]:
    """Rows that stay without what named the person, whether they still lead to them or not."""
    counts = {
        name: task.anonymised.get(name, 0) + task.unlinked.get(name, 0) for name in {*task.anonymised, *task.unlinked}
    }
    return {name: rows for name, rows in counts.items() if rows}


def _pause(task: Task) -> timedelta:
    return timedelta(seconds=_PAUSES[min(task.failures, len(_PAUSES) - 1)])
