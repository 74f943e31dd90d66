"""Browser mode: the tokens lie in cookies that no script can read and no other host can set (RFC 6265bis).

A page asks for it with `Session-Mode: cookie`, a header that a page of a foreign origin cannot send without the
gateway's leave. The refresh token is sent for requests of our own pages only (Strict); the others also when somebody
follows a link to us (Lax), since a sign-in at another provider and a partner's consent page end in such a one.
"""

from datetime import timedelta
from typing import Final, Literal

from fastapi import Request, Response

from auth.devices.model import KEPT_FOR
from auth.sessions.model import Tokens

MODE_HEADER: Final = "session-mode"
COOKIE_MODE: Final = "cookie"
DEVICE_HEADER: Final = "device-token"

ACCESS: Final = "__Host-rostrum-access"
REFRESH: Final = "__Host-rostrum-refresh"
DEVICE: Final = "__Host-rostrum-device"


def wants_cookies(request: Request) -> bool:
    """Whether a browser asks for its tokens in cookies."""
    return request.headers.get(MODE_HEADER, "").strip().lower() == COOKIE_MODE


def in_cookie_mode(request: Request) -> bool:
    """Whether a browser has its tokens in cookies, or asks for it."""
    return wants_cookies(request) or REFRESH in request.cookies


def give(response: Response, tokens: Tokens) -> None:
    """Put the tokens into cookies, each for as long as it can be good."""
    _set(response, ACCESS, tokens.access_token, timedelta(seconds=tokens.expires_in), "lax")
    _set(response, REFRESH, tokens.refresh_token, tokens.refresh_life, "strict")
    if tokens.device_token is not None:
        _set(response, DEVICE, tokens.device_token, KEPT_FOR, "lax")


def take_away(request: Request, response: Response) -> None:
    """Let a browser forget its tokens, if it has them in cookies; the device stays known."""
    for name in (ACCESS, REFRESH) if in_cookie_mode(request) else ():
        response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def _set(response: Response, name: str, value: str, life: timedelta, same_site: Literal["lax", "strict"]) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(life.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite=same_site,
    )
