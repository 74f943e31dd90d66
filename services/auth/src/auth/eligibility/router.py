from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.eligibility.errors import (
    AddressNotVerified,
    ClaimNotFound,
    ClaimPending,
    ClaimSettled,
    CodeMalformed,
    CodeTaken,
    SubscribedAlready,
)
from auth.eligibility.schemas import ClaimSubscription, EligibilityOut, SubscriptionClaimOut
from auth.eligibility.service import EligibilityService
from auth.members.errors import NotAllowed
from auth.organizations.errors import OrganizationNotFound
from auth.sign_ins.errors import AccountSuspended, StepUpNeeded
from kit.http.app import part
from kit.http.caller import Caller, PersonalCaller, TokenRefused, permitted_by_rows
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

mine = APIRouter(prefix="/v1/me", tags=["subscriptions"], responses=problems(TokenRefused))
claims = APIRouter(
    prefix="/v1/organizations/{organization_id}/subscription-claims",
    tags=["subscriptions"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed, AccountSuspended),
)

Service = Annotated[EligibilityService, Depends(part(EligibilityService))]
Payer = Annotated[Caller, Depends(permitted_by_rows("billing.manage"))]


@mine.get("/subscription-eligibility")
async def read_subscription_eligibility(caller: PersonalCaller, service: Service) -> EligibilityOut:
    """Whether I may start or link a subscription, for which organization, and if not, why."""
    return EligibilityOut.of(await service.mine(caller))


@claims.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(CodeMalformed, AddressNotVerified, StepUpNeeded, SubscribedAlready, ClaimPending, CodeTaken),
)
async def claim_subscription(
    organization_id: UUID, body: ClaimSubscription, caller: Payer, service: Service
) -> SubscriptionClaimOut:
    """Claim a subscription that was bought before signing up; the same code again is the same claim."""
    made = await service.claim(organization_id, body.code.get_secret_value(), caller)
    return SubscriptionClaimOut.model_validate(made)


@claims.get("", responses=problems(BadCursor))
async def list_subscription_claims(
    organization_id: UUID, caller: Payer, service: Service, page: Paging
) -> Page[SubscriptionClaimOut]:
    """What was claimed, oldest first."""
    found, cursor = await service.page(organization_id, caller, page)
    return Page(items=[SubscriptionClaimOut.model_validate(each) for each in found], next_cursor=cursor)


@claims.delete("/{claim_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ClaimNotFound, ClaimSettled))
async def withdraw_subscription_claim(organization_id: UUID, claim_id: UUID, caller: Payer, service: Service) -> None:
    """Take a claim back, as for a code that was mistyped."""
    await service.withdraw(organization_id, claim_id, caller)
