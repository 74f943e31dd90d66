from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from billing.sponsorships.errors import (
    NotItsAgency,
    PlanSponsorsNobody,
    SponsoredAlready,
    SponsorshipNotFound,
    SponsorshipOver,
    TooManyClients,
)
from billing.sponsorships.schemas import PayForClient, SponsorshipOut
from billing.sponsorships.service import SponsorshipService
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/billing/sponsorships", tags=["billing"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Sponsorships = Annotated[SponsorshipService, Depends(part(SponsorshipService))]
Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]
Payer = Annotated[MemberCaller, Depends(permitted("billing.manage"))]


@router.get("", responses=problems(BadCursor))
async def list_sponsorships(caller: Reader, service: Sponsorships, page: Paging) -> Page[SponsorshipOut]:
    """Whom the organization pays for, and who pays for it, the newest first."""
    found, cursor = await service.page(caller.organization_id, page)
    return Page(items=[SponsorshipOut.model_validate(each) for each in found], next_cursor=cursor)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotItsAgency, PlanSponsorsNobody, TooManyClients, SponsoredAlready, IdempotencyKeyReused),
)
async def begin_sponsorship(
    body: PayForClient, caller: Payer, service: Sponsorships, key: IdempotencyKey
) -> SponsorshipOut:
    """Pay for a client: it is on the plan that the agency's own gives to clients."""
    return SponsorshipOut.model_validate(await service.begin(caller, body.organization_id, key))


@router.delete(
    "/{sponsorship_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(SponsorshipNotFound, SponsorshipOver),
)
async def end_sponsorship(sponsorship_id: UUID, caller: Payer, service: Sponsorships) -> None:
    """Pay no more, or be paid for no more; the client returns to what it has otherwise."""
    await service.end(caller, sponsorship_id)
