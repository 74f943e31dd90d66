from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.members.errors import LastOwner, MemberNotFound, NotAllowed
from auth.members.schemas import ChangeRole, MemberOut
from auth.members.service import MemberService
from auth.organizations.errors import OrganizationNotFound
from auth.sign_ins.errors import AccountSuspended, StepUpNeeded
from kit.http.app import part
from kit.http.caller import Caller, TokenRefused, permitted_by_rows
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/organizations/{organization_id}/members",
    tags=["members"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed, AccountSuspended),
)

Members = Annotated[MemberService, Depends(part(MemberService))]
Anyone = Annotated[Caller, Depends(permitted_by_rows("organization.read"))]
Reader = Annotated[Caller, Depends(permitted_by_rows("members.read"))]
Manager = Annotated[Caller, Depends(permitted_by_rows("members.manage"))]


@router.get("", responses=problems(BadCursor))
async def list_members(organization_id: UUID, caller: Reader, members: Members, page: Paging) -> Page[MemberOut]:
    """The members, oldest first."""
    found, cursor = await members.page(organization_id, caller, page)
    return Page(items=[MemberOut.model_validate(each) for each in found], next_cursor=cursor)


@router.delete("/me", status_code=status.HTTP_204_NO_CONTENT, responses=problems(MemberNotFound, LastOwner))
async def leave_organization(organization_id: UUID, caller: Anyone, members: Members) -> None:
    """Leave; the last owner cannot."""
    await members.leave(organization_id, caller)


@router.patch("/{member_id}", responses=problems(MemberNotFound, LastOwner, StepUpNeeded))
async def change_role(
    organization_id: UUID, member_id: UUID, body: ChangeRole, caller: Manager, members: Members
) -> MemberOut:
    """Give a member another role, which takes effect at once."""
    return MemberOut.model_validate(await members.change_role(organization_id, member_id, body.role, caller))


@router.delete("/{member_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(MemberNotFound, LastOwner))
async def remove_member(organization_id: UUID, member_id: UUID, caller: Manager, members: Members) -> None:
    """Remove a member; with the id of one's own membership, leave, whatever one's role."""
    await members.remove(organization_id, member_id, caller)
