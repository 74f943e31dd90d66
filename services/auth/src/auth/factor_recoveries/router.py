from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.directory.errors import UserNotFound
from auth.factor_recoveries.errors import (
    NobodyToTell,
    NothingLost,
    OfStaff,
    RecoveryNotFound,
    RecoveryOver,
    RecoveryPending,
    StopLinkForged,
)
from auth.factor_recoveries.schemas import BeginRecovery, FactorRecoveriesOut, FactorRecoveryOut, StopRecovery
from auth.factor_recoveries.service import FactorRecoveryService
from auth.staff.errors import FreshProofNeeded
from kit.http.app import part
from kit.http.caller import OpenToAnybody, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, staff_permitted

router = APIRouter(prefix="/v1/staff", tags=["staff"], responses=problems(TokenRefused, PermissionMissing))
stopping = APIRouter(tags=["factors"])

Recoveries = Annotated[FactorRecoveryService, Depends(part(FactorRecoveryService))]
Recoverer = Annotated[StaffCaller, staff_permitted("users.recover_factors")]


@router.post(
    "/users/{user_id}/factor-recoveries",
    status_code=status.HTTP_201_CREATED,
    responses=problems(FreshProofNeeded, UserNotFound, RecoveryPending, NothingLost, NobodyToTell, OfStaff),
)
async def begin_factor_recovery(
    user_id: UUID, body: BeginRecovery, staff: Recoverer, recoveries: Recoveries
) -> FactorRecoveryOut:
    """Begin to remove all second factors of a user who has lost them.

    The user is told at once at every proven mail address, and can stop it for 72 hours; only then they are removed.
    """
    return FactorRecoveryOut.model_validate(await recoveries.begin(user_id, body.reason, staff))


@router.get("/users/{user_id}/factor-recoveries")
async def list_factor_recoveries_of_user(
    user_id: UUID, _staff: Recoverer, recoveries: Recoveries
) -> FactorRecoveriesOut:
    """The recoveries of a user, pending and over."""
    found = await recoveries.of_user(user_id)
    return FactorRecoveriesOut(items=[FactorRecoveryOut.model_validate(each) for each in found])


@router.delete(
    "/users/{user_id}/factor-recoveries/{recovery_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(RecoveryNotFound, RecoveryOver),
)
async def cancel_factor_recovery(user_id: UUID, recovery_id: UUID, staff: Recoverer, recoveries: Recoveries) -> None:
    """Stop a recovery that is pending."""
    await recoveries.cancel(user_id, recovery_id, staff)


@router.get("/factor-recoveries", responses=problems(BadCursor))
async def list_pending_factor_recoveries(
    _staff: Recoverer, recoveries: Recoveries, page: Paging
) -> Page[FactorRecoveryOut]:
    """The recoveries that are pending, of all users, the newest first."""
    found, cursor = await recoveries.pending(page)
    return Page(items=[FactorRecoveryOut.model_validate(each) for each in found], next_cursor=cursor)


@stopping.post(
    "/v1/factor-recoveries/stop",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(StopLinkForged, RecoveryOver),
)
async def stop_factor_recovery(body: StopRecovery, recoveries: Recoveries) -> None:
    """Stop the removal of my second factors, with the link of the mail that told of it; good once."""
    await recoveries.stop(body.token)
