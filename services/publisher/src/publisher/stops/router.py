from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from publisher.accounts.errors import AccountNotFound
from publisher.doors import Reader, Resumer, Stopper
from publisher.stops.errors import StopLifted, StopNotFound
from publisher.stops.schemas import ResumePublishing, StopOut, StopPublishing
from publisher.stops.service import StopService

router = APIRouter(
    prefix="/v1/publishing/stops", tags=["posts"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Stops = Annotated[StopService, Depends(part(StopService))]


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(AccountNotFound))
async def stop_publishing(body: StopPublishing, caller: Stopper, stops: Stops) -> StopOut:
    """Stop whatever leaves, within a second; what a worker is sending just now may still arrive."""
    return StopOut.model_validate(await stops.stop(caller, body.account_id, body.reason))


@router.get("", responses=problems(BadCursor))
async def list_stops(
    caller: Reader, stops: Stops, page: Paging, *, standing: Annotated[bool | None, Query()] = None
) -> Page[StopOut]:
    """The newest first; `standing=true` shows those that were not lifted."""
    after = page.after(UUID)
    found = await stops.page(caller, after[0] if after else None, page.limit + 1, standing=standing)
    shown, cursor = page.cut(found, lambda stop: (stop.id,))
    return Page(items=[StopOut.model_validate(each) for each in shown], next_cursor=cursor)


@router.get("/{stop_id}", responses=problems(StopNotFound))
async def read_stop(stop_id: UUID, caller: Reader, stops: Stops) -> StopOut:
    """One stop, and what became of it."""
    return StopOut.model_validate(await stops.find(stop_id, caller))


@router.post("/{stop_id}/lift", responses=problems(StopNotFound, StopLifted))
async def resume_publishing(stop_id: UUID, body: ResumePublishing, caller: Resumer, stops: Stops) -> StopOut:
    """Let things leave again; what came due meanwhile leaves at a distance, or is cancelled."""
    return StopOut.model_validate(await stops.lift(stop_id, caller, body.overdue, body.minutes_apart))
