"""The doors for people: what a program asks, the decision, and the programs that may act for one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.oauth.authorizing import Authorizing
from auth.oauth.errors import AppNotAuthorized, ConsentIncomplete, RequestOver
from auth.oauth.repository import MOST_APPS
from auth.oauth.schemas import (
    AuthorizationRequestOut,
    AuthorizedAppOut,
    AuthorizedAppsOut,
    Decide,
    DecidedOut,
)
from auth.oauth.tokens import ProgramTokens
from auth.sessions.router import never_kept
from auth.sign_ins.errors import SecondFactorRequired, StepUpNeeded
from kit.http.app import part
from kit.http.caller import Caller, PersonalCaller, TokenRefused
from kit.http.problem import problems

router = APIRouter(tags=["OAuth"], responses=problems(TokenRefused))

Asking = Annotated[Authorizing, Depends(part(Authorizing))]


@router.get(
    "/v1/oauth/authorization-requests/{token}",
    dependencies=[Depends(never_kept)],
    responses=problems(RequestOver),
)
async def read_authorization_request(
    token: str, caller: PersonalCaller, authorizing: Asking
) -> AuthorizationRequestOut:
    """What a program asks me for; the token stands in the address that the authorization endpoint redirects to."""
    return AuthorizationRequestOut.of(await authorizing.show(token, caller))


@router.post(
    "/v1/oauth/authorization-requests/{token}",
    dependencies=[Depends(never_kept)],
    responses=problems(RequestOver, StepUpNeeded, ConsentIncomplete, SecondFactorRequired),
)
async def decide_authorization_request(
    token: str, body: Decide, caller: PersonalCaller, authorizing: Asking
) -> DecidedOut:
    """Grant or deny what a program asks for; then send the browser where the answer says."""
    return DecidedOut(redirect_to=await decided(authorizing, token, body, caller))


@router.get("/v1/me/authorized-apps")
async def list_authorized_apps(
    caller: PersonalCaller, tokens: Annotated[ProgramTokens, Depends(part(ProgramTokens))]
) -> AuthorizedAppsOut:
    """The programs that may act for me."""
    found = await tokens.apps(caller.user_id, MOST_APPS)
    return AuthorizedAppsOut(items=[AuthorizedAppOut(**each) for each in found])


@router.delete(
    "/v1/me/authorized-apps/{client_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(AppNotAuthorized),
)
async def withdraw_authorization(
    client_id: UUID, caller: PersonalCaller, tokens: Annotated[ProgramTokens, Depends(part(ProgramTokens))]
) -> None:
    """Let a program act for me no more: its tokens are refused within seconds."""
    if not await tokens.withdraw(caller.user_id, client_id):
        raise AppNotAuthorized


async def decided(authorizing: Authorizing, token: str, body: Decide, caller: Caller) -> str:
    """Carry out a decision; where to send the browser.

    Raises:
        ConsentIncomplete: it names no organization.
    """
    if body.decision == "deny":
        return await authorizing.deny(token, caller)
    if body.organization_id is None:
        raise ConsentIncomplete
    return await authorizing.grant(token, body.organization_id, caller)
