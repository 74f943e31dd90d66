from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from auth.accounts.address import AddressInvalid
from auth.organizations.errors import OrganizationNotFound
from auth.passwords.errors import TooManyPasswords
from auth.sessions.errors import (
    RefreshTokenForged,
    RefreshTokenReused,
    SessionEnded,
    TooManyAttempts,
    WrongCredentials,
)
from auth.sessions.schemas import FactorNeededOut, Refresh, RevocationOut, RevocationsOut, SignIn, TokensOut, Unlock
from auth.sessions.service import SessionService
from auth.sign_ins.answering import CurrentVisitor, answered, factor_needed, given, refresh_token
from auth.sign_ins.errors import AccountSuspended
from auth.sign_ins.model import Wish
from auth.throttle.errors import UnlockLinkForged, UnlockLinkUsed
from auth.throttle.service import Throttle
from kit.http.app import part
from kit.http.caller import OpenToAnybody, PersonalCaller, TokenRefused
from kit.http.problem import problems

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
internal = APIRouter(prefix="/internal", include_in_schema=False)

Sessions = Annotated[SessionService, Depends(part(SessionService))]
Throttles = Annotated[Throttle, Depends(part(Throttle))]


def never_kept(response: Response) -> None:
    """Tokens are kept by nobody on the way (RFC 6749, section 5.1)."""
    response.headers["cache-control"] = "no-store"


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept), OpenToAnybody],
    responses=factor_needed
    | problems(
        WrongCredentials,
        AddressInvalid,
        OrganizationNotFound,
        AccountSuspended,
        TooManyAttempts,
        TooManyPasswords,
    ),
)
async def sign_in(
    body: SignIn, sessions: Sessions, visitor: CurrentVisitor, response: Response
) -> TokensOut | FactorNeededOut:
    """Sign in with e-mail address and password; 202 when a second factor is owed."""
    wish = Wish(visitor, body.organization_id)
    return answered(await sessions.sign_in(body.email, body.password.get_secret_value(), wish), response)


@router.post(
    "/refresh",
    dependencies=[Depends(never_kept), OpenToAnybody],
    responses=problems(RefreshTokenForged, RefreshTokenReused, SessionEnded, OrganizationNotFound),
)
async def refresh_session(
    body: Refresh, request: Request, sessions: Sessions, visitor: CurrentVisitor, response: Response
) -> TokensOut:
    """Exchange the refresh token for the next one and a new access token.

    Within ten seconds of an exchange the token and its parent give the same successor again, so tabs that refresh
    together stay signed in; an older token ends the session. In cookie mode the token is taken from its cookie.
    """
    shown = refresh_token(body.refresh_token, request)
    return given(await sessions.refresh(shown, body.organization_id, visitor), response)


@router.post(
    "/unlock",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(UnlockLinkForged, UnlockLinkUsed),
)
async def unlock(body: Unlock, throttle: Throttles) -> None:
    """Let unknown devices try again after too many wrong passwords, with the link of the mail that told of it."""
    await throttle.unlock(body.token)


@router.delete("/current", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TokenRefused))
async def sign_out(caller: PersonalCaller, sessions: Sessions) -> None:
    """End this session."""
    await sessions.sign_out(caller)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TokenRefused))
async def sign_out_everywhere(caller: PersonalCaller, sessions: Sessions) -> None:
    """End all my sessions, this one included."""
    await sessions.sign_out_everywhere(caller)


@internal.get("/revocations")
async def read_revocations(sessions: Sessions) -> RevocationsOut:
    """What ended within the last 15 minutes, for gateways that start or were cut off."""
    now, found = await sessions.revoked_lately()
    return RevocationsOut(now=now, revocations=[RevocationOut.model_validate(each) for each in found])
