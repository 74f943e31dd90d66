"""X's OAuth 2.0: the consent page, codes with PKCE, refresh tokens that are good once."""

import hmac
import time

from starlette.requests import Request
from starlette.responses import Response

from sandbox.consent.page import basic, consent_page, error_page, is_registered, read_form, send_back
from sandbox.consent.tokens import AccessToken, Challenge, Tokens
from sandbox.json import Object
from sandbox.refusals import json_answer
from sandbox.x import errors
from sandbox.x.notifications import Notifier
from sandbox.x.world import CLIENT_ID, CLIENT_SECRET, SCOPES, World


class OAuth:
    """Asks users for their consent and gives tokens for it."""

    def __init__(self, world: World, tokens: Tokens, notifier: Notifier) -> None:
        self._world, self._tokens, self._notifier = world, tokens, notifier

    async def authorize(self, request: Request) -> Response:
        """The consent page; with `approve=<user id>` or `deny=1` the answer of the person it shows."""
        asked = request.query_params
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != CLIENT_ID or not is_registered(self._world.app, redirect_uri):
            return error_page("X", "Something went wrong. You weren't able to give access to the App.")
        challenge = Challenge(asked.get("code_challenge", ""), asked.get("code_challenge_method", "plain"))
        scopes = tuple(asked.get("scope", "").split())
        well = asked.get("response_type") == "code" and challenge.text and challenge.method in {"plain", "S256"}
        if not well or not asked.get("state"):
            return send_back(request, redirect_uri, {"error": "invalid_request"})
        if not scopes or not set(scopes) <= SCOPES:
            return send_back(request, redirect_uri, {"error": "invalid_scope"})
        if asked.get("deny"):
            return send_back(request, redirect_uri, {"error": "access_denied"})
        person = self._world.people.get(asked.get("approve") or self._world.app.approves or "")
        if person is None:
            return consent_page(request, "X", scopes, [(one.id, one.name) for one in self._world.people.all()])
        offline = "offline.access" in scopes
        code = self._tokens.new_code(person.id, scopes, redirect_uri, challenge, offline=offline)
        return send_back(request, redirect_uri, {"code": code})

    async def token(self, request: Request) -> Response:
        """Give tokens for a code or a refresh token, which is spent by that."""
        form = await read_form(request)
        _authenticate(request)
        if form.get("grant_type") == "authorization_code":
            token = self._tokens.redeem(
                form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier", "")
            )
            wrong = errors.WRONG_CODE
        elif form.get("grant_type") == "refresh_token":
            token, wrong = self._tokens.refresh(form.get("refresh_token", "")), errors.WRONG_TOKEN
        else:
            raise errors.oauth(400, "invalid_request", "Missing required parameter [grant_type].")
        if token is None:
            raise errors.oauth(400, "invalid_request", wrong)
        return json_answer(_out(token))

    async def revoke(self, request: Request) -> Response:
        """Take a permission back."""
        _authenticate(request)
        person = self._tokens.end_grant((await read_form(request)).get("token", ""))
        if person is not None:
            self._notifier.tell_revoked(person)
        return json_answer({"revoked": True})


def _authenticate(request: Request) -> None:
    given = basic(request)
    if given is None:
        raise errors.oauth(401, "unauthorized_client", "Missing valid authorization header")
    right = given[0] == CLIENT_ID and hmac.compare_digest(given[1].encode(), CLIENT_SECRET.encode())
    if not right:
        raise errors.oauth(401, "unauthorized_client", "Missing valid authorization header")


def _out(token: AccessToken) -> Object:
    body: Object = {
        "token_type": "bearer",
        "expires_in": max(0, round(token.until - time.time())),
        "access_token": token.value,
        "scope": " ".join(token.grant.scopes),
    }
    if token.grant.refresh_token:
        body["refresh_token"] = token.grant.refresh_token
    return body
