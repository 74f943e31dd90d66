"""LinkedIn's OAuth 2.0: the consent page and the token endpoint.

LinkedIn offers PKCE only to native clients, at another address and on request; an application with a secret gets the
plain authorization code flow, and a `code_challenge` sent here means nothing, as there.
"""

import hmac
import html
import time
from base64 import b64decode
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.json import write
from sandbox.linkedin import errors
from sandbox.linkedin.tokens import AccessToken, Tokens
from sandbox.linkedin.world import CLIENT_ID, CLIENT_SECRET, World

DOT = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
DENIALS = {
    "login": ("user_cancelled_login", "The user cancelled LinkedIn login"),
    "authorize": ("user_cancelled_authorize", "The user cancelled the authorization"),
}


class OAuth:
    """Asks members for their consent and gives tokens for it."""

    def __init__(self, world: World, tokens: Tokens) -> None:
        self._world = world
        self._tokens = tokens

    async def authorize(self, request: Request) -> Response:
        """The consent page; with `approve=<person>` or `deny=login|authorize` the answer of the person it shows."""
        asked = request.query_params
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != CLIENT_ID:
            return _refused("We can't verify the identity of the app: the passed in client_id is invalid.")
        if not self._is_registered(redirect_uri):
            return _refused("The redirect_uri does not match the registered value.")
        if asked.get("response_type") != "code":
            trouble = "The passed in request is invalid. Invalid response_type."
            return _back(redirect_uri, asked.get("state"), error="invalid_request", error_description=trouble)
        scopes = tuple(asked.get("scope", "").split())
        foreign = next((scope for scope in scopes or ("",) if scope not in self._world.app.scopes), None)
        if foreign is not None:
            trouble = f'Scope "{foreign}" is not authorized for your application'
            return _back(
                redirect_uri, asked.get("state"), error="unauthorized_scope_error", error_description=trouble
            )
        return self._answered(request, redirect_uri, scopes)

    def _answered(self, request: Request, redirect_uri: str, scopes: tuple[str, ...]) -> Response:
        state = request.query_params.get("state")
        if denial := DENIALS.get(request.query_params.get("deny", "")):
            return _back(redirect_uri, state, error=denial[0], error_description=denial[1])
        person = self._world.people.get(request.query_params.get("approve") or self._world.app.approves or "")
        if person is None:
            return self._consent_page(request, scopes)
        return _back(redirect_uri, state, code=self._tokens.new_code(person.id, scopes, redirect_uri))

    async def access_token(self, request: Request) -> Response:
        """Give tokens for a code or a refresh token."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        for name in ("grant_type", "client_id", "client_secret"):
            _need(form, name)
        right = form["client_id"] == CLIENT_ID and hmac.compare_digest(
            form["client_secret"].encode(), CLIENT_SECRET.encode()
        )
        if not right:
            raise errors.oauth_error(401, "invalid_client", "Client authentication failed")
        return self._tokens_out(self._granted(form))

    async def picture(self, request: Request) -> Response:
        """A member's picture: a dot."""
        if self._world.people.get(request.path_params["person"]) is None:
            return Response(b"", 404)
        return Response(DOT, media_type="image/png")

    def _granted(self, form: dict[str, str]) -> AccessToken:
        if form["grant_type"] == "authorization_code":
            return self._tokens.redeem(_need(form, "code"), _need(form, "redirect_uri"))
        if form["grant_type"] == "refresh_token":
            return self._tokens.refresh(_need(form, "refresh_token"))
        raise errors.oauth_error(400, "unsupported_grant_type", "The grant type is not supported")

    def _tokens_out(self, token: AccessToken) -> Response:
        body: dict[str, object] = {
            "access_token": token.value,
            "expires_in": max(0, round(token.until - time.time())),
            "scope": ",".join(token.grant.scopes),
            "token_type": "Bearer",
        }
        if self._world.app.refresh_tokens:
            body["refresh_token"] = token.grant.refresh_token
            body["refresh_token_expires_in"] = max(0, round(token.grant.refresh_until - time.time()))
        return Response(write(body), media_type="application/json", headers={"cache-control": "no-store"})

    def _is_registered(self, redirect_uri: str) -> bool:
        if self._world.app.redirect_uris:
            return redirect_uri in self._world.app.redirect_uris
        try:
            parts = urlsplit(redirect_uri)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK and not parts.fragment

    def _consent_page(self, request: Request, scopes: tuple[str, ...]) -> Response:
        def link(text: str, **answer: str) -> str:
            address = html.escape(str(request.url.include_query_params(**answer)))
            return f'<li><a href="{address}">{html.escape(text)}</a>'

        shown = self._world.people.all()[:100]
        people = "".join(link(f"Allow as {person.name}", approve=person.id) for person in shown)
        denials = link("Cancel", deny="authorize") + link("Cancel the sign-in", deny="login")
        asked = html.escape(", ".join(scopes))
        page = f"<!doctype html><title>LinkedIn (sandbox)</title><h1>Sandbox app would like to: {asked}</h1>"
        return HTMLResponse(f"{page}<ul>{people}{denials}</ul>")


def _need(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise errors.oauth_error(400, "invalid_request", f'A required parameter "{name}" is missing')
    return form[name]


def _refused(trouble: str) -> Response:
    page = f"<!doctype html><title>LinkedIn (sandbox)</title><h1>Bummer, something went wrong.</h1><p>{trouble}</p>"
    return HTMLResponse(page, 400)


def _back(redirect_uri: str, state: str | None, **answer: str) -> Response:
    parameters = answer if state is None else {**answer, "state": state}
    joined = "&" if urlsplit(redirect_uri).query else "?"
    return RedirectResponse(f"{redirect_uri}{joined}{urlencode(parameters)}", 302)
