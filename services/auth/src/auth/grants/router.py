from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.directory.errors import NoSuchOrganization
from auth.grants.errors import GrantNotFound, GrantOver, TooManyGrants, UntilRefused
from auth.grants.schemas import GrantOut, GrantSubscription
from auth.grants.service import GrantService, Wish
from auth.staff.errors import FreshProofNeeded
from kit.http.app import part
from kit.http.caller import TokenRefused
from kit.http.idempotency import IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted

router = APIRouter(
    prefix="/v1/staff/organizations/{organization_id}/subscription-grants",
    tags=["staff"],
    responses=problems(TokenRefused, PermissionMissing),
)

Grants = Annotated[GrantService, Depends(part(GrantService))]
Granter = Annotated[StaffCaller, staff_permitted("subscriptions.grant")]
Reader = Annotated[StaffCaller, staff_permitted("organizations.read")]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(FreshProofNeeded, NoSuchOrganization, UntilRefused, TooManyGrants, IdempotencyKeyReused),
)
async def grant_subscription(
    organization_id: UUID, body: GrantSubscription, staff: Granter, grants: Grants, key: StaffIdempotencyKey
) -> GrantOut:
    """Grant an organization a plan; the highest of what it pays for and what is granted counts."""
    wish = Wish(body.plan, body.until, body.months, body.reason, body.note)
    return GrantOut.model_validate(await grants.grant(organization_id, wish, staff, key))


@router.get("", responses=problems(BadCursor))
async def list_grants(organization_id: UUID, _staff: Reader, grants: Grants, page: Paging) -> Page[GrantOut]:
    """What was granted to an organization, the newest first."""
    found, cursor = await grants.page(organization_id, page)
    return Page(items=[GrantOut.model_validate(each) for each in found], next_cursor=cursor)


@router.delete(
    "/{grant_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(FreshProofNeeded, GrantNotFound, GrantOver),
)
async def revoke_grant(organization_id: UUID, grant_id: UUID, staff: Granter, grants: Grants) -> None:
    """Take a grant back; the organization returns to the plan it has otherwise."""
    await grants.revoke(organization_id, grant_id, staff)
