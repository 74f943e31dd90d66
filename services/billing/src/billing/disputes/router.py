from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from billing.disputes.errors import DisputeNotFound, NothingWithheld
from billing.disputes.schemas import DisputeOut
from billing.disputes.service import DisputeService
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, staff_permitted

router = APIRouter(
    prefix="/v1/billing/disputes", tags=["billing"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)
staff_router = APIRouter(
    prefix="/v1/staff/billing/organizations/{organization_id}/disputes",
    tags=["staff"],
    responses=problems(TokenRefused, PermissionMissing),
)

Disputes = Annotated[DisputeService, Depends(part(DisputeService))]
Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]
StaffReader = Annotated[StaffCaller, staff_permitted("billing.read")]
Lifter = Annotated[StaffCaller, staff_permitted("disputes.manage")]


@router.get("", responses=problems(BadCursor))
async def list_disputes(caller: Reader, disputes: Disputes, page: Paging) -> Page[DisputeOut]:
    """Payments that were disputed, the newest first."""
    found, cursor = await disputes.page(caller.organization_id, page)
    return Page(items=[DisputeOut.of(each) for each in found], next_cursor=cursor)


@staff_router.get("", responses=problems(BadCursor))
async def list_disputes_of(
    organization_id: UUID, _staff: StaffReader, disputes: Disputes, page: Paging
) -> Page[DisputeOut]:
    """Disputed payments of an organization, the newest first."""
    found, cursor = await disputes.page(organization_id, page)
    return Page(items=[DisputeOut.of(each) for each in found], next_cursor=cursor)


@staff_router.post("/{dispute_id}/lift", responses=problems(DisputeNotFound, NothingWithheld))
async def lift_dispute(organization_id: UUID, dispute_id: UUID, staff: Lifter, disputes: Disputes) -> DisputeOut:
    """Give back the plan that a lost dispute withholds."""
    return DisputeOut.of(await disputes.lift(organization_id, dispute_id, staff))
