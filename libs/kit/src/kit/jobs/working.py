"""What a worker does: takes turns, and in each finds a page, works a batch, or ends the job."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import structlog

from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.jobs import measures, rows
from kit.jobs.kind import Kind
from kit.jobs.model import Failed, Item, ItemState, Job, State
from kit.telemetry import tracing

log = structlog.get_logger(__name__)

PAGE: Final = 5000
"""Items that are found, or let wait again, in one transaction."""

MOST_TROUBLES: Final = 10
_FIRST, _LONGEST = 0.5, 60.0  # seconds of rest after a trouble
_BUSY, _HANDED = 0.1, 1.0  # of a job whose last items are with another worker, or with the ledger
_IDLE = 1.0
_SLOW, _QUICK = 0.8, 0.3  # seconds of a batch after which the next is smaller, or may be larger


class _Over(Exception):
    """The job has been ended meanwhile; what was done in this transaction has not happened."""


class _Stride:
    """How large batches of one job are just now, and where this worker is in it."""

    def __init__(self, batch: int) -> None:
        self.most = batch
        self.limit = batch
        self.after = 0

    def took(self, seconds: float) -> None:
        """Aim at batches of half a second."""
        if seconds > _SLOW:
            self.limit = max(1, self.limit // 2)
        elif seconds < _QUICK:
            self.limit = min(self.most, self.limit * 2)


class Working:
    """One worker; any number of them, in any process, share the jobs.

    What one prepares, the others of its process (`preparing`) leave to it: of two processes that prepare the same,
    one has done so in vain.
    """

    def __init__(self, database: Database, kinds: dict[str, Kind[Any]], preparing: set[tuple[UUID, int]]) -> None:
        self._database = database
        self._kinds = kinds
        self._preparing = preparing
        self._strides: dict[UUID, _Stride] = {}

    async def run(self) -> None:
        """Take turns for ever."""
        with self._database.wakeups.waiting(rows.TOPIC) as hint:
            while True:
                hint.clear()
                pause = await self.turn()
                if pause:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await hint.wait()

    async def turn(self) -> float:
        """Go one step on with the job whose turn it is; returns seconds until there is more to do, 0 for at once."""
        taken = await self._database.statement("SELECT * FROM jobs_turn($1)", list(self._kinds))
        if not taken:
            (upcoming,) = await self._database.statement("SELECT jobs_next($1) AS seconds", list(self._kinds))
            seconds = upcoming["seconds"]
            return _IDLE if seconds is None else min(_IDLE, max(0.02, seconds))
        organization_ids = [row["organization_id"] for row in taken if row["organization_id"]]
        await self._step(taken[0]["id"], organization_ids)
        return 0.0

    async def _step(self, job_id: UUID, organization_ids: Sequence[UUID]) -> None:
        async with self._database.transaction(*organization_ids) as tx:
            await rows.begin(tx, job_id)
            job = await rows.find(tx, job_id)
        if job is None or job.ended:
            self._strides.pop(job_id, None)
            return
        kind, ours = self._kinds[job.kind], set[tuple[UUID, int]]()
        try:
            with tracing.continued(None, f"job {kind.name}", kind="consumer"):
                match job.state:
                    case State.FINDING:
                        await self._find(kind, job, organization_ids)
                    case State.REVIVING:
                        await self._revive(job, organization_ids)
                    case _:
                        await self._work(kind, job, organization_ids, ours)
        except _Over:
            self._strides.pop(job.id, None)
        except TransientError as passing:
            log.info("job.postponed", job_id=str(job.id), kind=kind.name, error=type(passing).__name__)
            await self._postpone(job, organization_ids, max(passing.retry_after, _FIRST))
        except Exception:
            log.exception("job.trouble", job_id=str(job.id), kind=kind.name, state=job.state)
            await self._trouble(kind, job, organization_ids)
        finally:
            self._preparing -= ours

    async def _find(self, kind: Kind[Any], job: Job, organization_ids: Sequence[UUID]) -> None:
        async with self._database.transaction(*organization_ids) as tx:
            if not await rows.alone(tx, job.id):
                await rows.postpone(tx, job.id, _BUSY)
                return
            found = await kind.find(tx, job, await rows.cursor(tx, job.id), PAGE)
            if found.items:
                await rows.add_items(tx, job, found.items)
            if not await rows.found(tx, job.id, found):
                raise _Over

    async def _revive(self, job: Job, organization_ids: Sequence[UUID]) -> None:
        async with self._database.transaction(*organization_ids) as tx:
            if not await rows.alone(tx, job.id):
                await rows.postpone(tx, job.id, _BUSY)
            elif not await rows.revive(tx, job.id, PAGE):
                raise _Over

    async def _work(
        self, kind: Kind[Any], job: Job, organization_ids: Sequence[UUID], ours: set[tuple[UUID, int]]
    ) -> None:
        stride = self._strides.setdefault(job.id, _Stride(kind.batch))
        among, prepared = await self._prepare(kind, job, organization_ids, stride, ours)
        began, suspects, left_out = time.monotonic(), list[Item](), 0
        try:
            async with self._database.transaction(*organization_ids) as tx:
                items = suspects = await rows.take(tx, job.id, stride.after, stride.limit, among)
                if items:
                    left_out = await self._batch(tx, kind, job, items, prepared)
                suspects = []
                idle, last = left_out == len(items), len(items) < stride.limit
                if last or idle:
                    await self._end(tx, kind, job, rest=idle and (stride.after == 0 or not last))
        except (_Over, TransientError):
            raise
        except Exception:
            if not suspects:
                raise
            log.exception("job.batch_failed", job_id=str(job.id), kind=kind.name, items=len(suspects))
            await self._broke(job, organization_ids, stride, suspects)
            return
        stride.after = 0 if left_out or last else items[-1].number
        stride.took(time.monotonic() - began)

    async def _prepare(
        self,
        kind: Kind[Any],
        job: Job,
        organization_ids: Sequence[UUID],
        stride: _Stride,
        ours: set[tuple[UUID, int]],
    ) -> tuple[list[int] | None, Any]:
        if not kind.prepares:
            return None, None
        async with self._database.transaction(*organization_ids) as tx:
            others = [number for job_id, number in self._preparing if job_id == job.id]
            items = await rows.waiting(tx, job.id, stride.after, stride.limit, others)
        items = [item for item in items if (job.id, item.number) not in self._preparing]
        ours |= {(job.id, item.number) for item in items}
        self._preparing |= ours
        return [item.number for item in items], await kind.prepare(job, items) if items else None

    async def _batch(self, tx: Transaction, kind: Kind[Any], job: Job, items: Sequence[Item], prepared: Any) -> int:
        """Work a batch and record it; returns how many of it wait on."""
        outcomes = await kind.work(tx, job, items, prepared)
        if not await rows.record(tx, job.id, outcomes):
            raise _Over
        for outcome in outcomes.values():
            measures.ITEMS.labels(kind.name, outcome.state.value).inc()
        return len(items) - len(outcomes)

    async def _end(self, tx: Transaction, kind: Kind[Any], job: Job, *, rest: bool) -> None:
        """End the job if nothing is left; else let it rest when there was nothing to do for us."""
        left = await rows.open_items(tx, job.id)
        if left:
            if rest:
                await rows.postpone(tx, job.id, _BUSY if ItemState.WAITING in left else _HANDED)
        elif await rows.end(tx, job.id, State.FINISHED, (State.WORKING,)):
            await self._tell(tx, kind, job)

    async def _broke(
        self, job: Job, organization_ids: Sequence[UUID], stride: _Stride, items: Sequence[Item]
    ) -> None:
        """Go on with smaller batches, until the one item that cannot be done stands alone."""
        if len(items) > 1:
            stride.limit = max(1, len(items) // 8)
            return
        async with self._database.transaction(*organization_ids) as tx:
            alone = await rows.take(tx, job.id, items[0].number - 1, 1, [items[0].number])
            if alone and not await rows.record(
                tx, job.id, {items[0].number: Failed("internal", "Something went wrong on our side.")}
            ):
                raise _Over
        stride.limit = min(stride.most, 2)

    async def _postpone(self, job: Job, organization_ids: Sequence[UUID], seconds: float) -> None:
        async with self._database.transaction(*organization_ids) as tx:
            await rows.postpone(tx, job.id, min(seconds, _LONGEST))

    async def _trouble(self, kind: Kind[Any], job: Job, organization_ids: Sequence[UUID]) -> None:
        """Try the same step again later; after many times in a row, give the job up."""
        async with self._database.transaction(*organization_ids) as tx:
            if await rows.trouble(tx, job.id, "internal", _FIRST, _LONGEST) < MOST_TROUBLES:
                return
        try:
            await self._give_up(kind, job, organization_ids, tell=True)
        except Exception:
            log.exception("job.end_failed", job_id=str(job.id), kind=kind.name)
            await self._give_up(kind, job, organization_ids, tell=False)

    async def _give_up(self, kind: Kind[Any], job: Job, organization_ids: Sequence[UUID], *, tell: bool) -> None:
        open_states = (State.QUEUED, State.FINDING, State.WORKING, State.REVIVING)
        async with self._database.transaction(*organization_ids) as tx:
            if await rows.end(tx, job.id, State.FAILED, open_states, "internal") and tell:
                await self._tell(tx, kind, job)

    @staticmethod
    async def _tell(tx: Transaction, kind: Kind[Any], job: Job) -> None:
        ended = await rows.find(tx, job.id)
        if ended is not None:
            await kind.ended(tx, ended)
            measures.ENDED.labels(kind.name, ended.state.value).inc()
