"""The operator's doors: `/internal/ledger`, opened by the service's operator token."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.http.app import part
from kit.http.models import Line, Model, Out
from kit.http.operator import OperatorOnly
from kit.http.pagination import Page, Paging
from kit.http.problem import problems
from kit.ledger.errors import EffectMovedOn, EffectNotFound
from kit.ledger.model import Status
from kit.ledger.operating import OPEN, Operating

router = APIRouter(
    prefix="/internal/ledger", tags=["Operators"], dependencies=[OperatorOnly], include_in_schema=False
)

Door = Annotated[Operating, Depends(part(Operating))]


class EffectOut(Out):
    """An effect, where it stands and why."""

    id: UUID
    kind: str
    organization_id: UUID | None
    lane_key: str
    subject_id: UUID
    status: Status
    attempt: int
    due_at: datetime
    created_at: datetime
    called_at: datetime | None
    look_at: datetime | None
    external_id: str | None
    reason: str
    code: str
    settled_at: datetime | None
    settled_by: str | None
    held: str | None


class AttemptOut(Out):
    """One call or look."""

    number: int
    what: str
    started_at: datetime
    seconds: float
    outcome: str
    code: str
    said: str


class EffectWithAttempts(Out):
    """An effect with what was tried, oldest first, at most 100."""

    effect: EffectOut
    attempts: list[AttemptOut]


class GiveUp(Model):
    """End an effect as refused."""

    reason: Line


@router.get("")
async def list_effects(
    door: Door,
    page: Paging,
    status: Annotated[list[Status] | None, Query()] = None,
    kind: str | None = None,
    older_than_seconds: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Page[EffectOut]:
    """Newest first; without a status what is unknown, unconfirmed or refused."""
    after = page.after(UUID)
    found = await door.page(
        statuses=tuple(status or OPEN),
        kind=kind,
        before=after[0] if after else None,
        older_than=timedelta(seconds=older_than_seconds),
        limit=page.limit + 1,
    )
    shown, cursor = page.cut(found, lambda each: (each.id,))
    return Page(items=[EffectOut.model_validate(each) for each in shown], next_cursor=cursor)


@router.get("/{entry_id}", responses=problems(EffectNotFound))
async def show_effect(entry_id: UUID, door: Door) -> EffectWithAttempts:
    """One effect and what was tried."""
    effect, attempts = await door.show(entry_id)
    return EffectWithAttempts(
        effect=EffectOut.model_validate(effect), attempts=[AttemptOut.model_validate(each) for each in attempts]
    )


@router.post("/{entry_id}/retry", responses=problems(EffectNotFound, EffectMovedOn))
async def retry_effect(entry_id: UUID, door: Door) -> EffectWithAttempts:
    """Try it again now; what is unknown or unconfirmed may then happen twice."""
    await door.retry(entry_id)
    return await show_effect(entry_id, door)


@router.post("/{entry_id}/give-up", responses=problems(EffectNotFound, EffectMovedOn))
async def give_up_effect(entry_id: UUID, body: GiveUp, door: Door) -> EffectWithAttempts:
    """End it as refused."""
    await door.give_up(entry_id, body.reason)
    return await show_effect(entry_id, door)
