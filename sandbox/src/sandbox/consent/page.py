"""The consent page, and how a browser goes back from it."""

import html
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Protocol
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_SHOWN = 100
DENIALS: Mapping[str, str] = {"Cancel": "1"}


class Registered(Protocol):
    """An application and the addresses to which it may have browsers sent."""

    redirect_uris: list[str]


def is_registered(app: Registered, redirect_uri: str) -> bool:
    """Whether a browser may be sent there: an address that was registered, or else a loopback address."""
    if app.redirect_uris:
        return redirect_uri in app.redirect_uris
    try:
        parts = urlsplit(redirect_uri)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK and not parts.fragment


def consent_page(
    request: Request,
    title: str,
    asked: Iterable[str],
    people: Iterable[tuple[str, str]],
    denials: Mapping[str, str] = DENIALS,
) -> Response:
    """Who asks for what, with a link for each answer: `approve=<person>`, or `deny=` by one of these words."""

    def link(text: str, **answer: str) -> str:
        address = html.escape(str(request.url.include_query_params(**answer)))
        return f'<li><a href="{address}">{html.escape(text)}</a>'

    shown = "".join(link(f"Allow as {name}", approve=key) for key, name in list(people)[:MOST_SHOWN])
    heading = f"<!doctype html><title>{html.escape(title)} (sandbox)</title><h1>{html.escape(title)}</h1>"
    wanted = html.escape(", ".join(asked))
    cancel = "".join(link(text, deny=answer) for text, answer in denials.items())
    return HTMLResponse(f"{heading}<p>Sandbox app would like to: {wanted}</p><ul>{shown}{cancel}</ul>")


def error_page(title: str, trouble: str) -> Response:
    """Who cannot be trusted is not sent on."""
    shown = html.escape(title)
    return HTMLResponse(f"<!doctype html><title>{shown} (sandbox)</title><h1>{html.escape(trouble)}</h1>", 400)


def send_back(request: Request, redirect_uri: str, answer: Mapping[str, str]) -> Response:
    """Send the browser back, with the state it came with."""
    state = request.query_params.get("state")
    parameters = {**answer} if state is None else {**answer, "state": state}
    joined = "&" if urlsplit(redirect_uri).query else "?"
    return RedirectResponse(f"{redirect_uri}{joined}{urlencode(parameters)}", 302)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def basic(request: Request) -> tuple[str, str] | None:
    """Client id and secret of a Basic header, each form-encoded first (RFC 6749, section 2.3.1); None without one."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def bearer(request: Request) -> str:
    """The bearer token of a call; empty where there is none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""
