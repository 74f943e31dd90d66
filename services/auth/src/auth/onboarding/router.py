from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from auth.members.errors import MemberNotFound, NotAllowed
from auth.onboarding.errors import OnboardingOver, TemplateMissing
from auth.onboarding.schemas import ChoicesOut, CompleteOnboarding, MoveOn, OnboardingOut
from auth.onboarding.service import OnboardingService
from auth.organizations.errors import OrganizationNotFound
from auth.sign_ins.errors import AccountSuspended
from kit.http.app import part
from kit.http.caller import Caller, OpenToAnybody, TokenRefused, permitted_by_rows
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/organizations/{organization_id}/onboarding",
    tags=["onboarding"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed, MemberNotFound, AccountSuspended),
)
choices = APIRouter(prefix="/v1/onboarding", tags=["onboarding"], dependencies=[OpenToAnybody])

Onboarding = Annotated[OnboardingService, Depends(part(OnboardingService))]
Newcomer = Annotated[Caller, Depends(permitted_by_rows("onboarding.complete"))]


@choices.get("/choices")
async def list_choices(response: Response) -> ChoicesOut:
    """The six steps, the five goals and the six templates."""
    response.headers["cache-control"] = "public, max-age=3600"
    return ChoicesOut.all()


@router.get("")
async def read_onboarding(
    organization_id: UUID, caller: Newcomer, onboarding: Onboarding, versions: Versioned
) -> OnboardingOut:
    """How far I have come in this organization, and where to go on."""
    progress = await onboarding.read(organization_id, caller)
    versions.tag(progress.version)
    return OnboardingOut.of(progress)


@router.patch("", responses=problems(OnboardingOver, Changed, ConditionMissing))
async def move_on(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    body: MoveOn,
    caller: Newcomer,
    onboarding: Onboarding,
    expected: Expected,
    versions: Versioned,
) -> OnboardingOut:
    """Do, skip or take up steps, and choose."""
    progress = await onboarding.move(organization_id, body.moves(), caller, expected)
    versions.tag(progress.version)
    return OnboardingOut.of(progress)


@router.post("/completion", responses=problems(TemplateMissing, Changed, ConditionMissing))
async def complete_onboarding(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    body: CompleteOnboarding,
    caller: Newcomer,
    onboarding: Onboarding,
    expected: Expected,
    versions: Versioned,
) -> OnboardingOut:
    """Complete the first steps, whatever is still open; a first draft is written. Doing it again changes nothing."""
    progress = await onboarding.complete(organization_id, body.moves(), caller, expected)
    versions.tag(progress.version)
    return OnboardingOut.of(progress)
