"""LinkedIn's OAuth 2.0: the consent page and the token endpoint.

LinkedIn offers PKCE only to native clients, at another address and on request; an application with a secret gets the
plain authorization code flow, and a `code_challenge` sent here means nothing, as there.
"""

import hmac
import time
from base64 import b64decode

from starlette.requests import Request
from starlette.responses import Response

from sandbox.consent.page import consent_page, error_page, is_registered, read_form, send_back
from sandbox.consent.tokens import AccessToken, Challenge, Tokens
from sandbox.json import write
from sandbox.linkedin import errors
from sandbox.linkedin.world import CLIENT_ID, CLIENT_SECRET, World

DOT = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")
DENIALS = {
    "login": ("user_cancelled_login", "The user cancelled LinkedIn login"),
    "authorize": ("user_cancelled_authorize", "The user cancelled the authorization"),
}
CANCELS = {"Cancel": "authorize", "Cancel the sign-in": "login"}
WRONG_CODE = (
    "Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. "
    "Or authorization code expired. Or external member binding exists"
)
WRONG_REFRESH_TOKEN = "The provided authorization grant or refresh token is invalid, expired or revoked"  # noqa: S105


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
            return error_page("LinkedIn", "We can't verify the identity of the app: the client_id is invalid.")
        if not is_registered(self._world.app, redirect_uri):
            return error_page("LinkedIn", "The redirect_uri does not match the registered value.")
        scopes = tuple(asked.get("scope", "").split())
        trouble = self._trouble(asked.get("response_type"), scopes) or DENIALS.get(asked.get("deny", ""))
        if trouble is not None:
            return send_back(request, redirect_uri, {"error": trouble[0], "error_description": trouble[1]})
        person = self._world.people.get(asked.get("approve") or self._world.app.approves or "")
        if person is None:
            people = [(one.id, one.name) for one in self._world.people.all()]
            return consent_page(request, "LinkedIn", scopes, people, CANCELS)
        code = self._tokens.new_code(person.id, scopes, redirect_uri, Challenge())
        return send_back(request, redirect_uri, {"code": code})

    async def access_token(self, request: Request) -> Response:
        """Give tokens for a code or a refresh token."""
        form = await read_form(request)
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
            token = self._tokens.redeem(_need(form, "code"), _need(form, "redirect_uri"), "")
            if token is None:
                raise errors.oauth_error(400, "invalid_request", WRONG_CODE)
            self._revoke_others(token)
            return token
        if form["grant_type"] == "refresh_token":
            token = self._tokens.refresh(_need(form, "refresh_token"))
            if token is None:
                raise errors.oauth_error(400, "invalid_grant", WRONG_REFRESH_TOKEN)
            return token
        raise errors.oauth_error(400, "unsupported_grant_type", "The grant type is not supported")

    def _revoke_others(self, token: AccessToken) -> None:
        """Asking for other scopes than before ends all that the member's older tokens could do."""
        for older in self._tokens.issued.all(lambda one: one.grant.person_id == token.grant.person_id):
            older.revoked = older.revoked or set(older.grant.scopes) != set(token.grant.scopes)

    def _trouble(self, response_type: str | None, scopes: tuple[str, ...]) -> tuple[str, str] | None:
        if response_type != "code":
            return "invalid_request", "The passed in request is invalid. Invalid response_type."
        foreign = next((scope for scope in scopes or ("",) if scope not in self._world.app.scopes), None)
        if foreign is None:
            return None
        return "unauthorized_scope_error", f'Scope "{foreign}" is not authorized for your application'

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


def _need(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise errors.oauth_error(400, "invalid_request", f'A required parameter "{name}" is missing')
    return form[name]
