"""Two doors: a person asks to connect an account, and their browser comes back from the platform."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from kit.http.app import part
from kit.http.caller import NoOrganization, OpenToAnybody, RoleMissing, TokenRefused
from kit.http.problem import problems
from postrules.limits import Platform
from publisher.connections.errors import AccountKindNotOffered, PlatformSwitchedOff
from publisher.connections.model import CONSENT_WITHIN, Came, Return, cookie_of
from publisher.connections.schemas import ConnectAccount, ConnectionOut
from publisher.connections.service import ConnectionService
from publisher.doors import AccountManager

CALLBACK = "/v1/oauth/{platform}/callback"

router = APIRouter(tags=["connected accounts"])

Connections = Annotated[ConnectionService, Depends(part(ConnectionService))]
Given = Annotated[str, Query(max_length=4096)]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where browsers are sent, and whether they come over TLS."""

    console_url: str
    secure: bool

    def after(self, came: Came) -> str:
        """Where the browser goes: nothing in it was chosen by whoever came."""
        told = [("connected", str(account_id)) for account_id in came.connected]
        if came.problem or not told:
            told.append(("problem", came.problem))
        return f"{self.console_url}?{urlencode(told)}"


Places = Annotated[Addresses, Depends(part(Addresses))]


@router.post(
    "/v1/connected-accounts",
    status_code=status.HTTP_201_CREATED,
    responses=problems(TokenRefused, NoOrganization, RoleMissing, PlatformSwitchedOff, AccountKindNotOffered),
)
async def connect_account(
    body: ConnectAccount, caller: AccountManager, connections: Connections, places: Places, response: Response
) -> ConnectionOut:
    """Begin to connect an account: send the browser to `authorization_url`, with the cookie that this answer sets."""
    asked = await connections.begin(caller, body.platform, body.what)
    response.set_cookie(
        cookie_of(asked.id),
        asked.browser_secret,
        max_age=int(CONSENT_WITHIN.total_seconds()),
        path=CALLBACK.format(platform=body.platform),
        secure=places.secure,
        httponly=True,
        samesite="lax",
    )
    return ConnectionOut.model_validate(asked)


@router.get(
    CALLBACK,
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
)
async def come_back_from_platform(
    platform: Platform,
    request: Request,
    connections: Connections,
    places: Places,
    *,
    state: Given = "",
    code: Given = "",
    error: Given = "",
) -> Response:
    """Where the platform sends the browser; it goes on to the console with `connected` or `problem`."""
    came = await connections.finish(Return(platform, state, code, error, request.cookies))
    response = RedirectResponse(places.after(came), status.HTTP_303_SEE_OTHER)
    response.headers["cache-control"] = "no-store"
    response.headers["referrer-policy"] = "no-referrer"
    if came.connection_id is not None:
        response.delete_cookie(cookie_of(came.connection_id), path=CALLBACK.format(platform=platform))
    return response
