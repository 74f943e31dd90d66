from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.impersonations.errors import ImpersonationNotFound, ImpersonationOver, NotAMember, UserUnavailable
from auth.impersonations.schemas import ActingTokenOut, Impersonate, ImpersonationOut
from auth.impersonations.service import ImpersonationService, Listed
from auth.members.errors import NotAllowed
from auth.organizations.errors import OrganizationNotFound
from auth.staff.errors import FreshProofNeeded, StaffSessionEnded
from auth.staff.router import never_kept
from kit.http.app import part
from kit.http.caller import Caller, PersonalCaller, TokenRefused, permitted_by_rows
from kit.http.idempotency import IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted

router = APIRouter(
    prefix="/v1/staff/impersonations", tags=["staff"], responses=problems(TokenRefused, PermissionMissing)
)
own = APIRouter(prefix="/v1/me/impersonations", tags=["impersonations"], responses=problems(TokenRefused))
in_organization = APIRouter(
    prefix="/v1/organizations/{organization_id}/impersonations",
    tags=["impersonations"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed),
)

Impersonations = Annotated[ImpersonationService, Depends(part(ImpersonationService))]
Manager = Annotated[Caller, Depends(permitted_by_rows("impersonations.manage"))]
Impersonator = Annotated[StaffCaller, staff_permitted("impersonations.begin")]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(FreshProofNeeded, StaffSessionEnded, UserUnavailable, NotAMember, IdempotencyKeyReused),
)
async def begin_impersonation(
    body: Impersonate, staff: Impersonator, impersonations: Impersonations, key: StaffIdempotencyKey
) -> ActingTokenOut:
    """Act in a person's place for at most an hour; they are told by mail, and each request is put on record."""
    life = timedelta(minutes=body.minutes)
    begun = await impersonations.begin(body.user_id, body.organization_id, body.reason, life, staff, key)
    return ActingTokenOut.model_validate(begun)


@router.get("", responses=problems(BadCursor))
async def list_begun(staff: Impersonator, impersonations: Impersonations, page: Paging) -> Page[ImpersonationOut]:
    """Those that the caller began, the newest first."""
    return _page(await impersonations.of_staff(staff, page))


@router.post(
    "/{impersonation_id}/tokens",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(ImpersonationNotFound, ImpersonationOver, UserUnavailable, NotAMember),
)
async def renew_token(impersonation_id: UUID, staff: Impersonator, impersonations: Impersonations) -> ActingTokenOut:
    """Another access token, while the impersonation goes on."""
    return ActingTokenOut.model_validate(await impersonations.renew(impersonation_id, staff))


@router.delete(
    "/{impersonation_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ImpersonationNotFound)
)
async def end_begun(impersonation_id: UUID, staff: Impersonator, impersonations: Impersonations) -> None:
    """No longer act in the person's place; its tokens are refused within seconds."""
    await impersonations.end(impersonation_id, staff)


@own.get("", responses=problems(BadCursor))
async def list_own(caller: PersonalCaller, impersonations: Impersonations, page: Paging) -> Page[ImpersonationOut]:
    """Each time a member of staff acted in the caller's place, the newest first."""
    return _page(await impersonations.of_user(caller, page))


@own.delete("/{impersonation_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ImpersonationNotFound))
async def end_own(impersonation_id: UUID, caller: PersonalCaller, impersonations: Impersonations) -> None:
    """Send a member of staff away who acts in the caller's place."""
    await impersonations.end_by_user(impersonation_id, caller)


@in_organization.get("", responses=problems(BadCursor))
async def list_in_organization(
    organization_id: UUID, caller: Manager, impersonations: Impersonations, page: Paging
) -> Page[ImpersonationOut]:
    """Each time a member of staff acted in the organization, for its owners and administrators."""
    return _page(await impersonations.of_organization(organization_id, caller, page))


@in_organization.delete(
    "/{impersonation_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ImpersonationNotFound)
)
async def end_in_organization(
    organization_id: UUID, impersonation_id: UUID, caller: Manager, impersonations: Impersonations
) -> None:
    """Send a member of staff away who acts in the organization."""
    await impersonations.end_by_organization(impersonation_id, organization_id, caller)


def _page(listed: Listed) -> Page[ImpersonationOut]:
    found, cursor = listed
    return Page(items=[ImpersonationOut.model_validate(each) for each in found], next_cursor=cursor)
