"""The door of bulk work: what services submit, ask, and tell it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.jobs import measures, rows
from kit.jobs.errors import JobEnded, JobKeyReused, JobNotEnded, JobNotFound, NothingFailed, TooManyJobs
from kit.jobs.kind import Kind
from kit.jobs.model import ENDS, Figures, ItemShown, ItemState, Job, Outcome, State, Submission
from kit.jobs.working import Working
from kit.process import Loop
from kit.telemetry import metrics
from kit.telemetry.metrics import Sampled

MOST_OPEN: Final = 50
"""Jobs of one tenant that may be under way."""

KEEP: Final = timedelta(days=90)
"""How long a job can be looked up after its end."""

_PURGED: Final = 5000
_FIGURES: Final = {"left_over": "left"}


class Jobs:
    """One per process and service; knows the service's kinds. Methods that take `tx` take part in its commit."""

    def __init__(self, database: Database, kinds: Sequence[Kind[Any]]) -> None:
        self.database = database
        self.kinds = {kind.name: kind for kind in kinds}
        self._preparing: set[tuple[UUID, int]] = set()

    async def submit(self, tx: Transaction, wanted: Submission) -> Job:
        """Let a job begin with the commit; the one that was submitted under the same key before, if there is one.

        Raises:
            JobKeyReused: that one has other parameters.
            TooManyJobs: the tenant has `MOST_OPEN` under way.
        """
        if wanted.kind not in self.kinds:
            raise LookupError(f"there is no kind {wanted.kind} of jobs")
        if await rows.add(tx, wanted):
            if await rows.count_open(tx, wanted.organization_id) > MOST_OPEN:
                raise TooManyJobs
            tx.stir(rows.TOPIC)
            if wanted.items:
                await rows.add_items(tx, await self._found(tx, wanted.id), wanted.items)
            return await self._found(tx, wanted.id)
        earlier = await rows.find_submitted(tx, wanted)
        if earlier is None:
            raise JobNotFound
        if earlier.parameters != dict(wanted.parameters):
            raise JobKeyReused
        return earlier

    async def show(self, tx: Transaction, job_id: UUID) -> Job:
        """One job, of the organization that `tx` is bound to or of the platform.

        Raises:
            JobNotFound: there is none such.
        """
        return await self._found(tx, job_id)

    async def several(self, tx: Transaction, job_ids: Collection[UUID]) -> Mapping[UUID, Job]:
        """Those of these jobs that are there, by id."""
        return {job.id: job for job in await rows.several(tx, job_ids)}

    async def page(
        self,
        tx: Transaction,
        organization_id: UUID | None,
        *,
        kind: str | None = None,
        states: Collection[State] | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> list[Job]:
        """Jobs of one tenant, or with None of the platform, newest first."""
        return await rows.page(tx, organization_id, kind=kind, states=states, before=before, limit=limit)

    async def items(
        self,
        tx: Transaction,
        job_id: UUID,
        *,
        states: Collection[ItemState] | None = None,
        after: int = 0,
        limit: int = 50,
    ) -> list[ItemShown]:
        """Items of a job in their order, after a number."""
        return await rows.items(tx, job_id, states=states, after=after, limit=limit)

    async def cancel(self, tx: Transaction, job_id: UUID) -> Job:
        """End a job now: once this is committed nothing more is done, and a batch under way has not happened.

        Raises:
            JobNotFound: there is none such.
            JobEnded: it has ended already, and not by being cancelled.
        """
        job = await self._found(tx, job_id, lock=True)
        if job.state is State.CANCELLED:
            return job
        open_states = [state for state in State if state not in ENDS]
        if not await rows.end(tx, job_id, State.CANCELLED, open_states):
            raise JobEnded
        cancelled = await self._found(tx, job_id)
        await self.kinds[job.kind].ended(tx, cancelled)
        measures.ENDED.labels(job.kind, State.CANCELLED.value).inc()
        return cancelled

    async def retry(self, tx: Transaction, job_id: UUID) -> Job:
        """Try the failed items of a finished job again; while that goes on a second call changes nothing.

        Raises:
            JobNotFound: there is none such.
            JobNotEnded: it is under way.
            JobEnded: it was cancelled or given up.
            NothingFailed: there is nothing to try again.
        """
        job = await self._found(tx, job_id, lock=True)
        if job.state is State.REVIVING:
            return job
        if not job.ended:
            raise JobNotEnded
        if job.state is not State.FINISHED:
            raise JobEnded
        if not await rows.reopen(tx, job_id):
            raise NothingFailed
        return await self._found(tx, job_id)

    async def settle(self, tx: Transaction, job_id: UUID, outcomes: Mapping[UUID, Outcome]) -> None:
        """Tell what came of items that were handed to the ledger, by subject; twice is once."""
        await rows.settle(tx, job_id, outcomes)
        tx.stir(rows.TOPIC)

    async def figures(self) -> list[Figures]:
        """How much there is to do, by kind, over all tenants."""
        found = await self.database.statement("SELECT * FROM jobs_measure($1)", list(self.kinds))
        return [Figures(**{_FIGURES.get(name, name): value for name, value in row.items()}) for row in found]

    def worker(self) -> Working:
        """What works, to be run."""
        return Working(self.database, self.kinds, self._preparing)

    def loops(self) -> Sequence[Loop]:
        """What a worker process runs: two workers, so that one slow batch does not hold up all; and housekeeping."""
        return (
            Loop("jobs", self.worker().run),
            Loop("jobs two", self.worker().run),
            Loop("jobs purge", self.purge, every=600.0),
            Loop("jobs measures", partial(metrics.sample, self._sampled()), every=15.0),
        )

    async def purge(self, older_than: timedelta = KEEP) -> bool:
        """Delete a batch of what ended long ago; true when there may be more."""
        (row,) = await self.database.statement("SELECT jobs_purge($1, $2) AS gone", older_than, _PURGED)
        return bool(row["gone"])

    def _sampled(self) -> Sequence[Sampled]:
        return tuple(
            Sampled(name, what, partial(self._read, column), ("kind",))
            for name, what, column in (
                (measures.LEFT, "Items of jobs that have not ended", "left"),
                (measures.OLDEST, "How long the job waits that waits longest", "oldest"),
            )
        )

    async def _read(self, name: str) -> dict[tuple[str, ...], float]:
        return {(each.kind,): float(getattr(each, name)) for each in await self.figures()}

    async def _found(self, tx: Transaction, job_id: UUID, *, lock: bool = False) -> Job:
        job = await rows.find(tx, job_id, lock=lock)
        if job is None:
            raise JobNotFound
        return job
