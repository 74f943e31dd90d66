"""Google's OAuth 2.0 for an application that acts for a channel.

A refresh token comes only with `access_type=offline`, and the second time only with `prompt=consent`; renewing gives
no new one. Signing in with Google is another member.
"""

import hmac
import time

from starlette.requests import Request
from starlette.responses import Response

from sandbox.consent.page import basic, consent_page, error_page, is_registered, read_form, send_back
from sandbox.consent.tokens import AccessToken, Challenge, Tokens
from sandbox.json import Object
from sandbox.refusals import json_answer
from sandbox.youtube import errors
from sandbox.youtube.world import CLIENT_ID, CLIENT_SECRET, SCOPES, World


class OAuth:
    """Asks people for their consent and gives tokens for it."""

    def __init__(self, world: World, tokens: Tokens) -> None:
        self._world, self._tokens = world, tokens
        self._known: set[str] = set()

    async def authorize(self, request: Request) -> Response:
        """The consent page; with `approve=<person>` or `deny=1` the answer of the person it shows."""
        asked = request.query_params
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != CLIENT_ID:
            return error_page("Sign in - Google Accounts", "Error 401: invalid_client")
        if not is_registered(self._world.app, redirect_uri):
            return error_page("Sign in - Google Accounts", "Error 400: redirect_uri_mismatch")
        scopes = tuple(asked.get("scope", "").split())
        if asked.get("response_type") != "code" or not scopes or not set(scopes) <= SCOPES:
            return error_page("Sign in - Google Accounts", "Error 400: invalid_request")
        if asked.get("deny"):
            return send_back(request, redirect_uri, {"error": "access_denied"})
        person = self._world.people.get(asked.get("approve") or self._world.app.approves or "")
        if person is None:
            people = [(one.id, one.name) for one in self._world.people.all()]
            return consent_page(request, "Sign in - Google Accounts", scopes, people)
        challenge = Challenge(asked.get("code_challenge", ""), asked.get("code_challenge_method", "plain"))
        offline = asked.get("access_type") == "offline" and (
            asked.get("prompt") == "consent" or person.id not in self._known
        )
        self._known.add(person.id)
        code = self._tokens.new_code(person.id, scopes, redirect_uri, challenge, offline=offline)
        return send_back(request, redirect_uri, {"code": code, "scope": " ".join(scopes)})

    async def token(self, request: Request) -> Response:
        """Give tokens for a code or a refresh token."""
        form = await read_form(request)
        _authenticate(request, form)
        if form.get("grant_type") == "authorization_code":
            token = self._tokens.redeem(
                form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier", "")
            )
            return json_answer(_out(token, first=True)) if token else _refuse("Malformed auth code.")
        if form.get("grant_type") == "refresh_token":
            token = self._tokens.refresh(form.get("refresh_token", ""))
            return json_answer(_out(token, first=False)) if token else _refuse("Token has been expired or revoked.")
        raise errors.oauth(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")

    async def revoke(self, request: Request) -> Response:
        """Take a permission back."""
        token = (await read_form(request)).get("token") or request.query_params.get("token", "")
        if self._tokens.end_grant(token) is None:
            raise errors.oauth(400, "invalid_token", "Token expired or revoked")
        return json_answer({})

    def clear(self) -> None:
        """Nobody has consented yet."""
        self._known.clear()


def _refuse(description: str) -> Response:
    raise errors.oauth(400, "invalid_grant", description)


def _authenticate(request: Request, form: dict[str, str]) -> None:
    client_id, secret = basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
    if client_id != CLIENT_ID:
        raise errors.oauth(401, "invalid_client", "The OAuth client was not found.")
    if not hmac.compare_digest(secret.encode(), CLIENT_SECRET.encode()):
        raise errors.oauth(401, "invalid_client", "Unauthorized")


def _out(token: AccessToken, *, first: bool) -> Object:
    body: Object = {
        "access_token": token.value,
        "expires_in": max(0, round(token.until - time.time())),
        "scope": " ".join(token.grant.scopes),
        "token_type": "Bearer",
    }
    if first and token.grant.refresh_token:
        body["refresh_token"] = token.grant.refresh_token
    return body
