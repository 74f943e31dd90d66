from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.members.errors import LastOwner, MemberNotFound, NotAllowed
from auth.members.schemas import ChangeRole, MemberOut
from auth.members.service import MemberService
from auth.organizations.errors import OrganizationNotFound
from kit.http.app import part
from kit.http.caller import CurrentCaller, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/organizations/{organization_id}/members",
    tags=["members"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed),
)

Members = Annotated[MemberService, Depends(part(MemberService))]


@router.get("", responses=problems(BadCursor))
async def list_members(
    organization_id: UUID, caller: CurrentCaller, members: Members, page: Paging
) -> Page[MemberOut]:
    """The members, oldest first."""
    found, cursor = await members.page(organization_id, caller, page)
    return Page(items=[MemberOut.model_validate(each) for each in found], next_cursor=cursor)


@router.patch("/{member_id}", responses=problems(MemberNotFound, LastOwner))
async def change_role(
    organization_id: UUID, member_id: UUID, body: ChangeRole, caller: CurrentCaller, members: Members
) -> MemberOut:
    """Give a member another role, which takes effect at once."""
    return MemberOut.model_validate(await members.change_role(organization_id, member_id, body.role, caller))


@router.delete("/{member_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(MemberNotFound, LastOwner))
async def remove_member(organization_id: UUID, member_id: UUID, caller: CurrentCaller, members: Members) -> None:
    """Remove a member, or leave."""
    await members.remove(organization_id, member_id, caller)
