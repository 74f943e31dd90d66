"""The doors to macros that run in many conversations, in the shape that all jobs have."""

from typing import Final, Literal

from inbox.doors import Replier
from kit.audit import audited
from kit.db.database import Transaction
from kit.jobs.model import Job
from kit.jobs.router import Within, jobs_router

_VERBS: Final = {"cancelled": "inbox.job.cancelled", "retried": "inbox.job.retried"}


async def ours(caller: Replier) -> Within:
    """Whoever answers sees and ends what runs in the organization's conversations."""

    async def told(tx: Transaction, job: Job, what: Literal["cancelled", "retried"]) -> None:
        await tx.emit(audited(_VERBS[what], caller, "job", job.id, kind=job.kind))

    return Within(caller.organization_id, told)


router = jobs_router("/v1/macro-jobs", "macros", ours)
