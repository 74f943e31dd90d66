"""An OpenID provider: the page where people sign in, the token endpoint, keys and userinfo."""

import hmac
import html
import time
from abc import ABC, abstractmethod
from base64 import b64decode
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.consent.page import is_registered
from sandbox.json import Object, write
from sandbox.openid.grants import Code, Grants
from sandbox.openid.id_tokens import profile, written
from sandbox.openid.keys import Keys
from sandbox.openid.world import Person, World


class Refusal(Exception):
    """The provider says no: a status and a body."""

    def __init__(self, status: int, body: Object, headers: dict[str, str] | None = None) -> None:
        super().__init__(self.__doc__)
        self.status, self.body, self.headers = status, body, headers or {}

    def answer(self) -> Response:
        """The refusal as a response."""
        return Response(write(self.body), self.status, self.headers, media_type="application/json")


class Provider(ABC):
    """One provider, or one tenant of it; subclasses say where things are and how errors are worded."""

    title = "OpenID provider (sandbox)"
    code_prefix = ""
    token_prefix = ""

    def __init__(self, name: str, world: World) -> None:
        self.world = world
        self.keys = Keys(name)
        self.grants = Grants()

    @abstractmethod
    def discovery(self, here: str, browser: str) -> Object:
        """The discovery document, at the address the caller used and the one for browsers."""

    @abstractmethod
    def issuer(self, here: str) -> str:
        """The issuer, as met at this address."""

    @abstractmethod
    def refusal(self, error: str, detail: str) -> Refusal:
        """An error of the token endpoint."""

    def told_besides(self, person: Person, scopes: tuple[str, ...]) -> dict[str, str]:
        """What else the browser brings back."""
        _ = person, scopes
        return {}

    def reset(self) -> None:
        """As at the start; codes, tokens and keys are gone."""
        self.world.begin()
        self.grants.clear()
        self.keys.clear()

    def authorize(self, request: Request) -> Response:
        """The page; with `approve=<sub>` or `deny=1` the answer of the person it shows."""
        asked = request.query_params
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != self.world.app.client_id:
            return self._page_error(401, "invalid_client", "The OAuth client was not found.")
        if not is_registered(self.world.app, redirect_uri):
            return self._page_error(400, "redirect_uri_mismatch", "The redirect URI is not registered.")
        trouble = self._trouble(request)
        if trouble:
            return self._back(request, error=trouble)
        if asked.get("deny"):
            return self._back(request, error="access_denied")
        person = self.world.people.get(asked.get("approve") or self.world.app.approves or "")
        return self._page(request) if person is None else self._approved(request, person)

    async def token(self, request: Request) -> Response:
        """Give tokens for a code."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        self._authenticate(request, form)
        if form.get("grant_type") != "authorization_code":
            raise self.refusal("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        code = self.grants.redeem(form.get("code", ""))
        if code is None:
            raise self.refusal("invalid_grant", "Malformed auth code.")
        if code.redirect_uri != form.get("redirect_uri"):
            raise self.refusal("redirect_uri_mismatch", "Bad Request")
        if not code.is_opened_by(form.get("code_verifier", "")):
            raise self.refusal("invalid_grant", "Invalid code verifier.")
        return self._tokens(request, code)

    def certs(self, _request: Request) -> Response:
        """The key set."""
        body = write({"keys": self.world and self.keys.shown(self.world.app.algorithm)})
        return Response(body, media_type="application/json", headers={"cache-control": "public, max-age=3600"})

    def userinfo(self, request: Request) -> Response:
        """Who the bearer of a token is."""
        access = self.grants.holder(request.headers.get("authorization", ""))
        person = None if access is None else self.world.people.get(access.subject)
        if person is None:
            raise Refusal(
                401,
                {"error": "invalid_request", "error_description": "Invalid Credentials"},
                {"www-authenticate": 'Bearer realm="sandbox", error="invalid_request"'},
            )
        return Response(write(profile(person)), media_type="application/json")

    def _trouble(self, request: Request) -> str:
        asked = request.query_params
        if asked.get("response_type") != "code":
            return "unsupported_response_type"
        if "openid" not in asked.get("scope", "").split():
            return "invalid_scope"
        challenge, method = asked.get("code_challenge", ""), asked.get("code_challenge_method", "plain")
        if method not in {"plain", "S256"} or (self.world.app.requires_pkce and not challenge):
            return "invalid_request"
        return ""

    def _approved(self, request: Request, person: Person) -> Response:
        asked = request.query_params
        code = Code(
            subject=person.sub,
            scopes=tuple(asked.get("scope", "").split()),
            redirect_uri=asked["redirect_uri"],
            nonce=asked.get("nonce"),
            challenge=asked.get("code_challenge", ""),
            method=asked.get("code_challenge_method", "plain"),
            until=time.time() + self.world.app.code_seconds,
        )
        return self._back(
            request, code=self.grants.add(code, self.code_prefix), **self.told_besides(person, code.scopes)
        )

    def _back(self, request: Request, **answer: str) -> Response:
        """Send the browser back, with the state it came with."""
        state, redirect_uri = request.query_params.get("state"), request.query_params["redirect_uri"]
        parameters = {} if state is None else {"state": state}
        if self.world.has("wrong_state"):
            parameters["state"] = "another-state"
        if self.world.app.sends_iss:
            parameters["iss"] = self.issuer(origin(request))
        if self.world.has("foreign_iss"):
            parameters["iss"] = "https://another.example"
        joined = "&" if urlsplit(redirect_uri).query else "?"
        return RedirectResponse(f"{redirect_uri}{joined}{urlencode(parameters | answer)}", 302)

    def _authenticate(self, request: Request, form: dict[str, str]) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        way = "client_secret_basic" if scheme.lower() == "basic" else "client_secret_post"
        if way == "client_secret_basic":
            client_id, secret = _basic(given)
        else:
            client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        app = self.world.app
        if client_id != app.client_id:
            raise self.refusal("invalid_client", "The OAuth client was not found.")
        right = hmac.compare_digest(secret.encode(), app.client_secret.encode())
        if not right or app.authenticates_by not in {way, "either"}:
            raise self.refusal("invalid_client", "Unauthorized")

    def _tokens(self, request: Request, code: Code) -> Response:
        person = self.world.people.get(code.subject)
        if person is None:
            raise self.refusal("invalid_grant", "Bad Request")
        access = self.grants.issue(code, self.world.app, self.token_prefix)
        body: Object = {
            "access_token": access.value,
            "expires_in": int(self.world.app.access_token_seconds),
            "scope": " ".join(code.scopes),
            "token_type": "Bearer",
        }
        if not self.world.has("no_id_token"):
            issuer = self.issuer(origin(request))
            body["id_token"] = written(self.world, self.keys, issuer, person, code, access)
        return Response(write(body), media_type="application/json", headers={"cache-control": "no-store"})

    def _page(self, request: Request) -> Response:
        def link(text: str, **answer: str) -> str:
            address = html.escape(str(request.url.include_query_params(**answer)))
            return f'<li><a href="{address}">{html.escape(text)}</a>'

        people = "".join(link(f"Continue as {one.name}", approve=one.sub) for one in self.world.people.all()[:100])
        heading = f"<!doctype html><title>{html.escape(self.title)}</title><h1>Sign in to the sandbox app</h1>"
        return HTMLResponse(f"{heading}<ul>{people}{link('Cancel', deny='1')}</ul>")

    def _page_error(self, status: int, error: str, detail: str) -> Response:
        page = (
            f"<!doctype html><title>{html.escape(self.title)}</title><h1>Error {status}: {error}</h1><p>{detail}</p>"
        )
        return HTMLResponse(page, status)


def origin(request: Request) -> str:
    """The address at which the caller meets the sandbox."""
    return f"{request.url.scheme}://{request.url.netloc}"


def _basic(given: str) -> tuple[str, str]:
    """Client id and secret of a Basic header, each form-encoded first (RFC 6749, section 2.3.1)."""
    try:
        client_id, _, secret = b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)
