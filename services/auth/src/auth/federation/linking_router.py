from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, status

from auth.federation.errors import (
    FederationOver,
    IdentityNotFound,
    IdentityTaken,
    LastWayIn,
    ProviderSwitchedOff,
    RedirectNotAllowed,
    TooManyIdentities,
)
from auth.federation.linking import LinkedAccounts
from auth.federation.model import Chosen, ProviderKind
from auth.federation.router import Travels, keep_in_cookie, request_token
from auth.federation.schemas import BeginLinking, BegunOut, CompleteFederated, IdentitiesOut, IdentityOut
from auth.openid.errors import ProviderRefused
from auth.sessions.router import never_kept
from auth.sign_ins.errors import StepUpNeeded
from kit.http.app import part
from kit.http.caller import PersonalCaller, TokenRefused
from kit.http.problem import problems

router = APIRouter(prefix="/v1/me/identities", tags=["federation"], responses=problems(TokenRefused))

Linked = Annotated[LinkedAccounts, Depends(part(LinkedAccounts))]


@router.get("")
async def list_identities(caller: PersonalCaller, linked: Linked) -> IdentitiesOut:
    """My accounts at providers that open my account here."""
    return IdentitiesOut(items=[IdentityOut.model_validate(each) for each in await linked.list(caller)])


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(ProviderSwitchedOff, RedirectNotAllowed, StepUpNeeded),
)
async def begin_linking(
    body: BeginLinking, caller: PersonalCaller, linked: Linked, request: Request, response: Response
) -> BegunOut:
    """Begin to link an account at a provider; needs a fresh proof that it is me."""
    begun = await linked.begin(Chosen(ProviderKind(body.provider)), body.redirect, caller)
    keep_in_cookie(request, response, begun)
    return BegunOut.model_validate(begun)


@router.post(
    "/complete",
    status_code=status.HTTP_201_CREATED,
    responses=problems(FederationOver, ProviderRefused, IdentityTaken, TooManyIdentities),
)
async def complete_linking(
    body: CompleteFederated, caller: PersonalCaller, linked: Linked, travel: Travels, request: Request
) -> IdentityOut:
    """Complete it with what the browser came back with, in the session that began."""
    kept = request_token(request, body, travel)
    return IdentityOut.model_validate(await linked.complete(body.code.get_secret_value(), kept, caller))


@router.delete(
    "/{identity_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(IdentityNotFound, LastWayIn, StepUpNeeded),
)
async def unlink_identity(identity_id: UUID, caller: PersonalCaller, linked: Linked) -> None:
    """Unlink one; refused when I could not sign in any more."""
    await linked.unlink(identity_id, caller)
