from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.members.errors import MemberNotFound, NotAllowed
from auth.organizations.errors import OrganizationNotFound
from auth.ownership.errors import OwnerAlready, TransferGone, TransferNotFound, TransferPending
from auth.ownership.schemas import OfferOwnership, OwnershipTransferOut
from auth.ownership.service import OwnershipService
from auth.sign_ins.errors import AccountSuspended, StepUpNeeded
from kit.http.app import part
from kit.http.caller import Caller, TokenRefused, permitted_by_rows
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/organizations/{organization_id}/ownership-transfers",
    tags=["ownership"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed, AccountSuspended),
)

Ownership = Annotated[OwnershipService, Depends(part(OwnershipService))]
Owner = Annotated[Caller, Depends(permitted_by_rows("owners.manage"))]
Anyone = Annotated[Caller, Depends(permitted_by_rows("organization.read"))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(StepUpNeeded, MemberNotFound, OwnerAlready, TransferPending, IdempotencyKeyReused),
)
async def offer_ownership(
    organization_id: UUID, body: OfferOwnership, caller: Owner, ownership: Ownership, key: IdempotencyKey
) -> OwnershipTransferOut:
    """Offer the organization to another member; once they accept, they own it, and you are an administrator."""
    made = await ownership.offer(organization_id, body.member_id, caller, key)
    return OwnershipTransferOut.model_validate(made)


@router.get("", responses=problems(BadCursor))
async def list_ownership_transfers(
    organization_id: UUID, caller: Anyone, ownership: Ownership, page: Paging
) -> Page[OwnershipTransferOut]:
    """The offers, oldest first: for owners all of the last 90 days, for others those that concern them."""
    found, cursor = await ownership.page(organization_id, caller, page)
    return Page(items=[OwnershipTransferOut.model_validate(each) for each in found], next_cursor=cursor)


@router.post("/{transfer_id}/acceptance", responses=problems(TransferNotFound, TransferGone))
async def accept_ownership(
    organization_id: UUID, transfer_id: UUID, caller: Anyone, ownership: Ownership
) -> OwnershipTransferOut:
    """Become an owner, as whom it was offered to."""
    return OwnershipTransferOut.model_validate(await ownership.accept(organization_id, transfer_id, caller))


@router.delete(
    "/{transfer_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TransferNotFound, TransferGone)
)
async def withdraw_ownership_transfer(
    organization_id: UUID, transfer_id: UUID, caller: Anyone, ownership: Ownership
) -> None:
    """Take an offer back, as an owner, or decline it, as whom it was made to."""
    await ownership.withdraw(organization_id, transfer_id, caller)
