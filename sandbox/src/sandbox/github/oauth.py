"""GitHub's OAuth for web applications: no OpenID Connect, and errors of the token endpoint come with status 200."""

import hmac
import html
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.github.world import CLIENT_ID, CLIENT_SECRET, World
from sandbox.json import Object, read_object, write
from sandbox.openid.grants import Code, Grants
from sandbox.openid.world import App as TokenLives

DOCS = "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors"
DENIAL_DOCS = "https://docs.github.com/apps/troubleshooting-authorization-request-errors"
TROUBLE = {
    "incorrect_client_credentials": "The client_id and/or client_secret passed are incorrect.",
    "redirect_uri_mismatch": "The redirect_uri MUST match the registered callback URL for this application.",
    "bad_verification_code": "The code passed is incorrect or expired.",
}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
FOR_EVER = TokenLives(access_token_seconds=10 * 365 * 86_400)


class OAuth:
    """Asks people for their consent and gives tokens for it."""

    def __init__(self, world: World, grants: Grants) -> None:
        self._world, self._grants = world, grants

    def authorize(self, request: Request) -> Response:
        """The consent page; with `approve=<id>` or `deny=1` the answer of the person it shows."""
        asked = request.query_params
        if asked.get("client_id") != CLIENT_ID:
            return HTMLResponse("<!doctype html><title>Page not found</title><h1>404</h1>", 404)
        redirect_uri = asked.get("redirect_uri") or self._world.app.callback_url
        if not self._is_registered(redirect_uri):
            return self._mismatched()
        if asked.get("deny"):
            trouble = "The user has denied your application access."
            return _back(
                request, redirect_uri, error="access_denied", error_description=trouble, error_uri=DENIAL_DOCS
            )
        chosen = asked.get("approve", "") or str(self._world.app.approves or "")
        person = self._world.people.get(int(chosen)) if chosen.isascii() and chosen.isdigit() else None
        if person is None:
            return self._page(request)
        return _back(request, redirect_uri, code=self._code(request, str(person.id), redirect_uri))

    async def access_token(self, request: Request) -> Response:
        """Give a token for a code; the form of the answer is that of the Accept header, else form-encoded."""
        body = await request.body()
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if "json" in request.headers.get("content-type", ""):
            form = {name: str(value) for name, value in (read_object(body) or {}).items()}
        if form.get("client_id") != CLIENT_ID:
            return Response(b"Not Found", 404, media_type="text/plain")
        return _said(request, self._granted(form))

    def _granted(self, form: dict[str, str]) -> Object:
        if not hmac.compare_digest(form.get("client_secret", "").encode(), CLIENT_SECRET.encode()):
            return _trouble("incorrect_client_credentials")
        code = self._grants.redeem(form.get("code", ""))
        if code is None:
            return _trouble("bad_verification_code")
        if form.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            return _trouble("redirect_uri_mismatch")
        if code.challenge and not code.is_opened_by(form.get("code_verifier", "")):
            return _trouble("bad_verification_code")
        access = self._grants.issue(code, FOR_EVER, "gho_")
        return {"access_token": access.value, "scope": ",".join(code.scopes), "token_type": "bearer"}

    def _code(self, request: Request, subject: str, redirect_uri: str) -> str:
        asked, app = request.query_params, self._world.app
        scopes = asked.get("scope", "").replace(",", " ").split()
        return self._grants.add(
            Code(
                subject=subject,
                scopes=tuple(scope for scope in scopes if app.grants is None or scope in app.grants),
                redirect_uri=redirect_uri,
                nonce=None,
                challenge=asked.get("code_challenge", ""),
                method=asked.get("code_challenge_method", "S256"),
                until=time.time() + app.code_seconds,
            )
        )

    def _is_registered(self, redirect_uri: str) -> bool:
        """GitHub takes the registered address and paths below it, and for loopback addresses any port."""
        if self._world.app.callback_url:
            registered = self._world.app.callback_url.rstrip("/")
            return redirect_uri == registered or redirect_uri.startswith(f"{registered}/")
        try:
            parts = urlsplit(redirect_uri)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK

    def _mismatched(self) -> Response:
        """The browser comes back to the registered address, where there is one."""
        if not self._world.app.callback_url:
            return HTMLResponse("<!doctype html><title>Error</title><h1>Be careful!</h1>", 400)
        told = urlencode({"error": "redirect_uri_mismatch", "error_description": TROUBLE["redirect_uri_mismatch"]})
        return RedirectResponse(f"{self._world.app.callback_url}?{told}", 302)

    def _page(self, request: Request) -> Response:
        def link(text: str, **answer: str) -> str:
            address = html.escape(str(request.url.include_query_params(**answer)))
            return f'<li><a href="{address}">{html.escape(text)}</a>'

        shown = self._world.people.all()[:100]
        people = "".join(link(f"Authorize as {one.login}", approve=str(one.id)) for one in shown)
        scopes = html.escape(request.query_params.get("scope", ""))
        heading = f"<!doctype html><title>GitHub (sandbox)</title><h1>Authorize the sandbox app: {scopes}</h1>"
        return HTMLResponse(f"{heading}<ul>{people}{link('Cancel', deny='1')}</ul>")


def _back(request: Request, redirect_uri: str, **answer: str) -> Response:
    state = request.query_params.get("state")
    parameters = answer if state is None else {**answer, "state": state}
    joined = "&" if urlsplit(redirect_uri).query else "?"
    return RedirectResponse(f"{redirect_uri}{joined}{urlencode(parameters)}", 302)


def _trouble(error: str) -> Object:
    return {"error": error, "error_description": TROUBLE[error], "error_uri": DOCS}


def _said(request: Request, body: Object) -> Response:
    accept = request.headers.get("accept", "")
    if "json" in accept:
        return Response(write(body), media_type="application/json; charset=utf-8")
    if "xml" in accept:
        inner = "".join(f"<{name}>{html.escape(str(value))}</{name}>" for name, value in body.items())
        return Response(f"<OAuth>{inner}</OAuth>", media_type="application/xml; charset=utf-8")
    return Response(urlencode(body), media_type="application/x-www-form-urlencoded; charset=utf-8")
