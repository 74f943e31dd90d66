"""The doors of bulk work, in one shape wherever a service opens them: for organizations, for staff."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from kit.db.database import Transaction
from kit.http.app import part
from kit.http.models import Out
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.jobs import report
from kit.jobs.errors import JobEnded, JobNotEnded, JobNotFound, NothingFailed
from kit.jobs.jobs import Jobs
from kit.jobs.model import Figures, ItemShown, ItemState, Job, State


@dataclass(frozen=True, slots=True)
class Within:
    """Whose jobs a caller may see and change: those of one organization, or with None of the platform itself.

    `told` is awaited in the transaction of a change, with `cancelled` or `retried`: there the service audits.
    """

    organization_id: UUID | None
    told: Callable[[Transaction, Job, Literal["cancelled", "retried"]], Awaitable[None]]

    @property
    def bound(self) -> tuple[UUID, ...]:
        """What transactions are bound to."""
        return () if self.organization_id is None else (self.organization_id,)


class JobOut(Out):
    """A job: how far it is, how fast it goes, and when it will probably end."""

    id: UUID
    kind: str
    organization_id: UUID | None
    submitted_by: UUID | None
    state: State
    total: int
    done: int
    failed: int
    skipped: int
    handed: int
    left: int
    code: str
    rate: float | None
    eta: datetime | None
    start_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        """As it is shown; what it was submitted with stands at the door it was submitted at."""
        return cls.model_validate(job)


class JobItemOut(Out):
    """One item of a job and what became of it."""

    number: int
    subject_id: UUID | None
    state: ItemState
    code: str
    reason: str
    settled_at: datetime | None


class JobFiguresOut(Out):
    """How much there is to do of one kind of jobs; what ended is counted for a day."""

    kind: str
    queued: int
    running: int
    left: int
    rate: float
    oldest: float
    finished: int
    cancelled: int
    failed: int


class JobStatistics(Out):
    """All kinds of jobs, over all tenants."""

    kinds: list[JobFiguresOut]


async def _jobs(jobs: Annotated[Jobs, Depends(part(Jobs))]) -> Jobs:
    return jobs


async def _given(request: Request) -> Within:
    within: Within = request.state.jobs_within
    return within


Doors = Annotated[Jobs, Depends(_jobs)]
Ours = Annotated[Within, Depends(_given)]
Kinds = Annotated[str | None, Query(max_length=100)]
States = Annotated[list[State] | None, Query(max_length=10)]
ItemStates = Annotated[list[ItemState] | None, Query(max_length=10)]

_shared = APIRouter()
_figures = APIRouter()


def jobs_router(
    prefix: str, tag: str, within: Callable[..., Awaitable[Within]], *, statistics: bool = False
) -> APIRouter:
    """Doors for the jobs that `within`, a dependency, opens to a caller; `statistics` are over all tenants."""

    async def found(request: Request, ours: Annotated[Within, Depends(within)]) -> None:
        request.state.jobs_within = ours

    router = APIRouter(tags=[tag], dependencies=[Depends(found)])
    if statistics:
        router.include_router(_figures, prefix=prefix)
    router.include_router(_shared, prefix=prefix)
    return router


@_figures.get("/statistics")
async def read_job_statistics(jobs: Doors, _ours: Ours) -> JobStatistics:
    """How much there is to do, by kind, over all tenants."""
    figures: list[Figures] = await jobs.figures()
    return JobStatistics(kinds=[JobFiguresOut.model_validate(each) for each in figures])


@_shared.get("", responses=problems(BadCursor))
async def list_jobs(jobs: Doors, ours: Ours, page: Paging, kind: Kinds = None, state: States = None) -> Page[JobOut]:
    """Jobs, the newest first."""
    after = page.after(UUID)
    async with jobs.database.transaction(*ours.bound) as tx:
        found = await jobs.page(
            tx,
            ours.organization_id,
            kind=kind,
            states=state,
            before=after[0] if after else None,
            limit=page.limit + 1,
        )
    shown, cursor = page.cut(found, lambda job: (job.id,))
    return Page(items=[JobOut.of(job) for job in shown], next_cursor=cursor)


@_shared.get("/{job_id}", responses=problems(JobNotFound))
async def read_job(job_id: UUID, jobs: Doors, ours: Ours) -> JobOut:
    """One job, with its progress."""
    async with jobs.database.transaction(*ours.bound) as tx:
        return JobOut.of(await _of(tx, jobs, ours, job_id))


@_shared.get("/{job_id}/items", responses=problems(JobNotFound, BadCursor))
async def list_job_items(
    job_id: UUID, jobs: Doors, ours: Ours, page: Paging, state: ItemStates = None
) -> Page[JobItemOut]:
    """What became of each item, in their order."""
    after = page.after(int)
    async with jobs.database.transaction(*ours.bound) as tx:
        await _of(tx, jobs, ours, job_id)
        found: list[ItemShown] = await jobs.items(
            tx, job_id, states=state, after=after[0] if after else 0, limit=page.limit + 1
        )
    shown, cursor = page.cut(found, lambda item: (item.number,))
    return Page(items=[JobItemOut.model_validate(item) for item in shown], next_cursor=cursor)


@_shared.get("/{job_id}/report", response_class=StreamingResponse, responses=problems(JobNotFound))
async def download_job_report(
    job_id: UUID,
    jobs: Doors,
    ours: Ours,
    state: ItemStates = None,
    form: Annotated[Literal["csv", "jsonl"], Query(alias="format")] = "csv",
) -> StreamingResponse:
    """What became of each item, as a file; without a state, of those that failed."""
    async with jobs.database.transaction(*ours.bound) as tx:
        await _of(tx, jobs, ours, job_id)
    made = report.as_csv if form == "csv" else report.as_json_lines
    headers = {"content-disposition": f'attachment; filename="job-{job_id}.{form}"', "cache-control": "no-store"}
    media_type = "text/csv; charset=utf-8" if form == "csv" else "application/jsonl"
    body = made(jobs, ours.bound, job_id, state or (ItemState.FAILED,))
    return StreamingResponse(body, headers=headers, media_type=media_type)


@_shared.post("/{job_id}/cancel", responses=problems(JobNotFound, JobEnded))
async def cancel_job(job_id: UUID, jobs: Doors, ours: Ours) -> JobOut:
    """End a job now: once this is answered nothing more of it is done; what was done stays done."""
    async with jobs.database.transaction(*ours.bound) as tx:
        before = await _of(tx, jobs, ours, job_id)
        job = await jobs.cancel(tx, job_id)
        if not before.ended:
            await ours.told(tx, job, "cancelled")
    return JobOut.of(job)


@_shared.post("/{job_id}/retry", responses=problems(JobNotFound, JobNotEnded, JobEnded, NothingFailed))
async def retry_job(job_id: UUID, jobs: Doors, ours: Ours) -> JobOut:
    """Try the failed items of a finished job again."""
    async with jobs.database.transaction(*ours.bound) as tx:
        before = await _of(tx, jobs, ours, job_id)
        job = await jobs.retry(tx, job_id)
        if before.ended:
            await ours.told(tx, job, "retried")
    return JobOut.of(job)


async def _of(tx: Transaction, jobs: Jobs, ours: Within, job_id: UUID) -> Job:
    """The job, if it is theirs: to an organization the platform's own jobs are not there."""
    job = await jobs.show(tx, job_id)
    if job.organization_id != ours.organization_id:
        raise JobNotFound
    return job
