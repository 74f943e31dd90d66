from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, status
from pydantic import Field, StringConstraints, model_validator

from auth.operations.audience import Audience
from auth.operations.errors import OperationNeedsReason
from auth.operations.model import MOST_LISTED, DryRun, Operation
from auth.operations.service import Named, OperationService
from auth.staff.errors import FreshProofNeeded
from auth.suspensions.model import Reason
from kit.http.app import part
from kit.http.caller import TokenRefused
from kit.http.idempotency import IdempotencyKeyReused
from kit.http.models import Model, Out
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted
from kit.jobs.errors import TooManyJobs
from kit.jobs.router import JobOut

router = APIRouter(
    prefix="/v1/staff/user-operations",
    tags=["staff: bulk operations"],
    responses=problems(TokenRefused, PermissionMissing),
)

Operations = Annotated[OperationService, Depends(part(OperationService))]
Runner = Annotated[StaffCaller, staff_permitted("jobs.run")]
Address = Annotated[str, StringConstraints(max_length=320)]


class NameUsers(Model):
    """To whom it is done: one of a list of ids, a list of addresses, or an audience."""

    operation: Operation
    user_ids: Annotated[list[UUID] | None, Field(min_length=1, max_length=MOST_LISTED)] = None
    addresses: Annotated[list[Address] | None, Field(min_length=1, max_length=MOST_LISTED)] = None
    audience: Audience | None = None

    @model_validator(mode="after")
    def _names_them_in_one_way(self) -> Self:
        """A list and a filter at once would leave open which is meant."""
        if sum(each is not None for each in (self.user_ids, self.addresses, self.audience)) != 1:
            raise ValueError("name the users in one way: user_ids, addresses or audience")
        return self

    def named(self) -> Named:
        """Whichever was given."""
        if self.user_ids is not None:
            return self.user_ids
        return self.addresses if self.addresses is not None else self.audience or Audience()


class RunOperation(NameUsers):
    """The same, and for a suspension why."""

    reason: Reason | None = None


class DryRunRow(Out):
    """One of the first rows: whom it means, or why nobody."""

    number: int
    user_id: UUID | None
    outcome: Literal["known", "failed", "skipped"]
    code: str


class DryRunOut(Out):
    """Whom the operation would meet; nothing was done."""

    total: int
    known: int
    unknown: int
    repeated: int
    first: list[DryRunRow]

    @classmethod
    def of(cls, run: DryRun) -> Self:
        """With the first rows."""
        rows = [
            DryRunRow(
                number=number,
                user_id=item.subject_id,
                outcome="known" if item.outcome is None else item.outcome.state.value,  # type: ignore[arg-type]
                code="" if item.outcome is None else item.outcome.code,
            )
            for number, item in run.first
        ]
        return cls(total=run.total, known=run.known, unknown=run.unknown, repeated=run.repeated, first=rows)


@router.post("/dry-runs")
async def try_operation(body: NameUsers, staff: Runner, operations: Operations) -> DryRunOut:
    """See whom an operation would meet: counts, and the first twenty."""
    return DryRunOut.of(await operations.try_out(body.operation, body.named(), staff))


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(FreshProofNeeded, OperationNeedsReason, IdempotencyKeyReused, TooManyJobs),
)
async def run_operation(
    body: RunOperation, staff: Runner, operations: Operations, key: StaffIdempotencyKey
) -> JobOut:
    """Do it to all of them, as a job; its items tell what became of each row."""
    return JobOut.of(await operations.run(body.operation, body.named(), body.reason, staff, key))
