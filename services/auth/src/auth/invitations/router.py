from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.accounts.address import AddressInvalid
from auth.challenges.schemas import Accepted
from auth.invitations.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationForAnother,
    InvitationGone,
    InvitationMalformed,
    InvitationNotFound,
    InvitationSettled,
    TooManyInvitations,
    TooManyMails,
)
from auth.invitations.schemas import AcceptInvitation, InvitationOut, Invite
from auth.invitations.service import InvitationService
from auth.mails.language import Language
from auth.members.errors import NoSeatLeft, NotAllowed
from auth.organizations.errors import OrganizationNotFound
from auth.organizations.schemas import MembershipOut
from kit.http.app import part
from kit.http.caller import Caller, PersonalCaller, TokenRefused, permitted_by_rows
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/organizations/{organization_id}/invitations",
    tags=["invitations"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed),
)
acceptance = APIRouter(prefix="/v1/invitations", tags=["invitations"])

Invitations = Annotated[InvitationService, Depends(part(InvitationService))]
Manager = Annotated[Caller, Depends(permitted_by_rows("members.manage"))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        AddressInvalid, IdempotencyKeyReused, AlreadyInvited, AlreadyMember, TooManyInvitations, TooManyMails
    ),
)
async def invite(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    body: Invite,
    caller: Manager,
    invitations: Invitations,
    key: IdempotencyKey,
    language: Language,
) -> InvitationOut:
    """Invite an address in a role not above one's own; the invitation is open for seven days."""
    made = await invitations.invite(organization_id, body.email, body.role, caller, key, language)
    return InvitationOut.model_validate(made)


@router.get("", responses=problems(BadCursor))
async def list_invitations(
    organization_id: UUID, caller: Manager, invitations: Invitations, page: Paging
) -> Page[InvitationOut]:
    """The invitations, oldest first."""
    found, cursor = await invitations.page(organization_id, caller, page)
    return Page(items=[InvitationOut.model_validate(each) for each in found], next_cursor=cursor)


@router.delete(
    "/{invitation_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(InvitationNotFound, InvitationSettled),
)
async def revoke_invitation(
    organization_id: UUID, invitation_id: UUID, caller: Manager, invitations: Invitations
) -> None:
    """Withdraw an invitation."""
    await invitations.revoke(organization_id, invitation_id, caller)


@router.post(
    "/{invitation_id}/mails",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(InvitationNotFound, InvitationSettled, TooManyMails),
)
async def mail_invitation_again(
    organization_id: UUID, invitation_id: UUID, caller: Manager, invitations: Invitations, language: Language
) -> Accepted:
    """Send the mail again; the invitation is open for seven days from now."""
    await invitations.mail_again(organization_id, invitation_id, caller, language)
    return Accepted()


@acceptance.post(
    "/accept",
    responses=problems(TokenRefused, InvitationMalformed, InvitationForAnother, InvitationGone, NoSeatLeft),
)
async def accept_invitation(
    body: AcceptInvitation, caller: PersonalCaller, invitations: Invitations
) -> MembershipOut:
    """Become a member; the caller's verified address must be the invited one."""
    return MembershipOut.model_validate(await invitations.accept(body.token, caller))
