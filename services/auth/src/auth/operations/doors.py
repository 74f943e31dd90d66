"""The doors of staff to jobs, in the shape that all jobs have."""

from typing import Annotated, Final, Literal

from auth.announcements.kind import KIND as ANNOUNCEMENT
from auth.exports.kind import KIND as STAFF_EXPORT
from auth.operations.kind import KIND as USER_OPERATION
from kit.audit import audited
from kit.db.database import Transaction
from kit.http.staff import PermissionMissing, StaffCaller, staff_permitted
from kit.jobs.model import Job
from kit.jobs.router import Within, jobs_router

_NEEDED: Final = {
    USER_OPERATION: "jobs.run",
    ANNOUNCEMENT: "announcements.send",
    STAFF_EXPORT: "exports.run",
}
_VERBS: Final = {"cancelled": "auth.job.cancelled", "retried": "auth.job.retried"}


async def platform_jobs(staff: Annotated[StaffCaller, staff_permitted("jobs.read")]) -> Within:
    """Whoever may see jobs of the platform; who changes one needs what submitting it needs."""

    async def told(tx: Transaction, job: Job, what: Literal["cancelled", "retried"]) -> None:
        needed = _NEEDED.get(job.kind, "jobs.run")
        if not staff.may(needed):
            raise PermissionMissing(permission=needed)
        await tx.emit_of_platform(audited(_VERBS[what], staff, "job", job.id, kind=job.kind))

    return Within(None, told)


router = jobs_router("/v1/staff/jobs", "staff: jobs", platform_jobs, statistics=True)
