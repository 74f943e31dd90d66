from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from auth.mails.notices import Notice, notify
from auth.operations.audience import Audience
from auth.operations.model import Operation
from auth.operations.repository import AudienceRepository
from auth.sessions.revoking import end_sessions
from auth.suspensions.model import Reason, Suspension
from auth.suspensions.repository import SuspensionRepository
from contracts.auth import UserRestored, UserSuspended
from kit.audit import Staff, audited
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.jobs.model import Done, Found, Item, Job, NewItem, Outcome, Skipped
from kit.mail import Mailer

KIND: Final = "auth.user-operation"
GONE: Final = Skipped("gone", "There is no such user any more.")
ALREADY: Final = Skipped("already", "Nothing was to be done.")
Step = Callable[[Transaction, Job, UUID], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class UserOperationKind:
    """Does to each user of a job what it would do to one; whom it was done to already is left as they are.

    The job of a list has its users as items from the start; that of an audience finds them when it begins.
    """

    database: Database
    mailer: Mailer
    name: str = KIND
    batch: int = 50
    prepares: bool = False

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        """The audience, by id."""
        audience, after = Audience.read(job.parameters["audience"]), None if cursor is None else UUID(cursor)
        found = await AudienceRepository(tx).page(audience, after, limit)
        return Found([NewItem(each) for each in found], str(found[-1]) if len(found) == limit else None)

    async def prepare(self, job: Job, items: Sequence[Item]) -> None:
        """There is nothing to prepare."""
        del job, items

    async def work(self, tx: Transaction, job: Job, items: Sequence[Item], prepared: None) -> Mapping[int, Outcome]:
        """One user after the other, in the order of their ids, so that two jobs do not wait for each other."""
        del prepared
        step = self._steps()[Operation(job.parameters["operation"])]
        outcomes: dict[int, Outcome] = {item.number: GONE for item in items if item.subject_id is None}
        for user_id, number in sorted((item.subject_id, item.number) for item in items if item.subject_id):
            outcomes[number] = await step(tx, job, user_id)
        return outcomes

    async def ended(self, tx: Transaction, job: Job) -> None:
        """Its end stands in the job; each user has a line of their own."""
        del tx, job

    def _steps(self) -> Mapping[Operation, Step]:
        return {
            Operation.SUSPEND: self._suspend,
            Operation.RESTORE: self._restore,
            Operation.END_SESSIONS: self._end_sessions,
        }

    async def _suspend(self, tx: Transaction, job: Job, user_id: UUID) -> Outcome:
        suspensions, reason, staff_id = SuspensionRepository(tx), Reason(job.parameters["reason"]), _submitter(job)
        marked = await suspensions.mark_user(user_id, suspended=True)
        if marked is None or not marked[0]:
            return GONE if marked is None else ALREADY
        now = self.database.clock.now()
        await suspensions.add(Suspension(new_id(), user_id, None, reason, None, staff_id, now, None, None))
        await tx.emit(
            UserSuspended(user_id=user_id, reason=reason.value, version=marked[1]),
            audited("auth.user.suspended", Staff(staff_id), "user", user_id, reason=reason.value, job=str(job.id)),
        )
        await end_sessions(tx, user_id)
        return Done()

    async def _restore(self, tx: Transaction, job: Job, user_id: UUID) -> Outcome:
        suspensions, staff_id = SuspensionRepository(tx), _submitter(job)
        marked = await suspensions.mark_user(user_id, suspended=False)
        if marked is None or not marked[0]:
            return GONE if marked is None else ALREADY
        await suspensions.lift_of_user(user_id, staff_id)
        await tx.emit(
            UserRestored(user_id=user_id, version=marked[1]),
            audited("auth.user.restored", Staff(staff_id), "user", user_id, job=str(job.id)),
        )
        return Done()

    async def _end_sessions(self, tx: Transaction, job: Job, user_id: UUID) -> Outcome:
        if not await SuspensionRepository(tx).is_there(user_id):
            return GONE
        await tx.emit(audited("auth.session.all_revoked", Staff(_submitter(job)), "user", user_id, job=str(job.id)))
        await end_sessions(tx, user_id)
        await notify(tx, self.mailer, user_id, Notice.SESSIONS_REVOKED, job.id, for_many=True)
        return Done()


def _submitter(job: Job) -> UUID:
    if job.submitted_by is None:
        raise LookupError("a job of staff without its submitter")
    return job.submitted_by
