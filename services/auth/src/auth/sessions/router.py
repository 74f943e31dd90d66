from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, status

from auth.accounts.address import AddressInvalid
from auth.accounts.phone import NumberInvalid
from auth.organizations.errors import OrganizationIsSuspended, OrganizationNotFound
from auth.passwords.errors import TooManyPasswords
from auth.sessions.errors import (
    RefreshTokenForged,
    RefreshTokenReused,
    SessionEnded,
    SessionNotFound,
    TooManyAttempts,
    WrongCredentials,
)
from auth.sessions.overview import SessionOverview
from auth.sessions.schemas import (
    CurrentSessionOut,
    FactorNeededOut,
    Refresh,
    RevocationOut,
    RevocationsOut,
    Seen,
    SeenOut,
    SessionOut,
    SessionStatisticsOut,
    SignIn,
    TokensOut,
    Unlock,
)
from auth.sessions.service import SessionService
from auth.sign_ins.answering import CurrentVisitor, answered, factor_needed, given, refresh_token
from auth.sign_ins.cookies import in_cookie_mode, take_away
from auth.sign_ins.errors import AccountSuspended, StepUpNeeded
from auth.sign_ins.model import Wish
from auth.throttle.errors import UnlockLinkForged, UnlockLinkUsed
from auth.throttle.service import Throttle
from kit.http.app import part
from kit.http.caller import OpenToAnybody, PersonalCaller, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.peer import CallingService
from kit.http.problem import problems

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
internal = APIRouter(prefix="/internal", include_in_schema=False)

Sessions = Annotated[SessionService, Depends(part(SessionService))]
Overview = Annotated[SessionOverview, Depends(part(SessionOverview))]
Throttles = Annotated[Throttle, Depends(part(Throttle))]


async def never_kept(response: Response) -> None:
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
        NumberInvalid,
        OrganizationNotFound,
        OrganizationIsSuspended,
        AccountSuspended,
        TooManyAttempts,
        TooManyPasswords,
    ),
)
async def sign_in(
    body: SignIn, sessions: Sessions, visitor: CurrentVisitor, response: Response
) -> TokensOut | FactorNeededOut:
    """Sign in with mail address or phone number, and password; 202 when a second factor is owed."""
    wish = Wish(visitor, body.organization_id)
    return answered(await sessions.sign_in(body.email, body.phone, body.password.get_secret_value(), wish), response)


@router.post(
    "/refresh",
    dependencies=[Depends(never_kept), OpenToAnybody],
    responses=problems(
        RefreshTokenForged, RefreshTokenReused, SessionEnded, OrganizationNotFound, OrganizationIsSuspended
    ),
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


@router.get("", responses=problems(TokenRefused, BadCursor))
async def list_sessions(caller: PersonalCaller, overview: Overview, page: Paging) -> Page[SessionOut]:
    """My sessions that go on, the newest first."""
    held, cursor = await overview.mine(caller, page)
    return Page(items=[SessionOut.model_validate(each) for each in held], next_cursor=cursor)


@router.get("/current", dependencies=[Depends(never_kept)], responses=problems(TokenRefused, SessionEnded))
async def read_current_session(caller: PersonalCaller, overview: Overview, request: Request) -> CurrentSessionOut:
    """Who is signed in and for how long, for a page that was loaded anew; in cookie mode with the CSRF token."""
    told = CurrentSessionOut.model_validate(await overview.current(caller))
    return told if in_cookie_mode(request) else told.model_copy(update={"csrf_token": None})


@router.get("/statistics", responses=problems(TokenRefused))
async def read_session_statistics(caller: PersonalCaller, overview: Overview) -> SessionStatisticsOut:
    """What I did and what was tried on my account within the last thirty days, by day."""
    return SessionStatisticsOut.of(await overview.statistics(caller))


@router.delete("/current", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TokenRefused))
async def sign_out(caller: PersonalCaller, sessions: Sessions, request: Request, response: Response) -> None:
    """End this session; cookies with its tokens are taken away."""
    take_away(request, response)
    await sessions.sign_out(caller)


@router.delete(
    "/others", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TokenRefused, StepUpNeeded, SessionEnded)
)
async def end_other_sessions(caller: PersonalCaller, overview: Overview) -> None:
    """End all my sessions but this one. Its access token is void, too: refresh."""
    await overview.end_others(caller)


@router.delete(
    "", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TokenRefused, StepUpNeeded, SessionEnded)
)
async def sign_out_everywhere(
    caller: PersonalCaller, overview: Overview, request: Request, response: Response
) -> None:
    """End all my sessions, this one included."""
    take_away(request, response)
    await overview.end_all(caller)


@router.delete(
    "/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(TokenRefused, StepUpNeeded, SessionEnded, SessionNotFound),
)
async def end_session(session_id: UUID, caller: PersonalCaller, overview: Overview) -> None:
    """End one of my sessions; its access token is refused everywhere within seconds."""
    await overview.end(session_id, caller)


@internal.post("/sessions/seen")
async def note_seen(body: Seen, overview: Overview, _service: CallingService) -> SeenOut:
    """Sessions that a gateway saw within the last minute."""
    return SeenOut(people=await overview.seen(body.session_ids))


@internal.get("/revocations")
async def read_revocations(sessions: Sessions) -> RevocationsOut:
    """What ended within the last 15 minutes, for gateways that start or were cut off."""
    now, found, keys = await sessions.revoked_lately()
    revocations = [RevocationOut.model_validate(each) for each in found]
    return RevocationsOut(now=now, revocations=revocations, removed_keys=keys)
