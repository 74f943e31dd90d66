"""TikTok's OAuth 2.0: `client_key` in place of `client_id`, scopes by comma, refresh tokens that are good once."""

import hmac
import time

from starlette.requests import Request
from starlette.responses import Response

from sandbox.consent.page import consent_page, error_page, is_registered, read_form, send_back
from sandbox.consent.tokens import AccessToken, Challenge, Tokens
from sandbox.json import Object
from sandbox.refusals import json_answer
from sandbox.tiktok import errors
from sandbox.tiktok.notifications import BY_DEVELOPER, Notifier
from sandbox.tiktok.world import CLIENT_KEY, CLIENT_SECRET, SCOPES, World


class OAuth:
    """Asks creators for their consent and gives tokens for it."""

    def __init__(self, world: World, tokens: Tokens, notifier: Notifier) -> None:
        self._world, self._tokens, self._notifier = world, tokens, notifier

    async def authorize(self, request: Request) -> Response:
        """The consent page; with `approve=<open id>` or `deny=1` the answer of the person it shows."""
        asked = request.query_params
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_key") != CLIENT_KEY or not is_registered(self._world.app, redirect_uri):
            return error_page("TikTok", "We couldn't log in with TikTok. This may be due to specific app settings.")
        scopes = tuple(asked.get("scope", "").split(","))
        if asked.get("response_type") != "code" or not set(scopes) <= SCOPES:
            trouble = {"error": "invalid_scope", "error_description": "The scope is invalid", "errCode": "10004"}
            return send_back(request, redirect_uri, trouble)
        if asked.get("deny"):
            trouble = {"error": "access_denied", "error_description": "User cancelled", "errCode": "-2"}
            return send_back(request, redirect_uri, trouble)
        person = self._world.people.get(asked.get("approve") or self._world.app.approves or "")
        if person is None:
            people = [(one.id, one.name) for one in self._world.people.all()]
            return consent_page(request, "Log in with TikTok", scopes, people)
        code = self._tokens.new_code(person.id, scopes, redirect_uri, Challenge())
        return send_back(request, redirect_uri, {"code": code, "scopes": ",".join(scopes)})

    async def token(self, request: Request) -> Response:
        """Give tokens for a code or a refresh token, which is spent by that."""
        form = await read_form(request)
        _authenticate(form)
        if form.get("grant_type") == "authorization_code":
            token = self._tokens.redeem(form.get("code", ""), form.get("redirect_uri", ""), "")
            wrong = "Authorization code is expired."
        elif form.get("grant_type") == "refresh_token":
            token = self._tokens.refresh(form.get("refresh_token", ""))
            wrong = "Refresh token is invalid or expired."
        else:
            raise errors.oauth("unsupported_grant_type", "The grant type is not supported.")
        if token is None:
            raise errors.oauth("invalid_grant", wrong)
        return json_answer(_out(token))

    async def revoke(self, request: Request) -> Response:
        """Take a permission back."""
        form = await read_form(request)
        _authenticate(form)
        person = self._tokens.end_grant(form.get("token", ""))
        if person is not None:
            self._notifier.tell_removed(person, BY_DEVELOPER)
        return json_answer({})


def _authenticate(form: dict[str, str]) -> None:
    secret = form.get("client_secret", "").encode()
    if form.get("client_key") != CLIENT_KEY or not hmac.compare_digest(secret, CLIENT_SECRET.encode()):
        raise errors.oauth("invalid_client", "Client key or secret is incorrect.")


def _out(token: AccessToken) -> Object:
    now = time.time()
    return {
        "open_id": token.grant.person_id,
        "scope": ",".join(token.grant.scopes),
        "access_token": token.value,
        "expires_in": max(0, round(token.until - now)),
        "refresh_token": token.grant.refresh_token,
        "refresh_expires_in": max(0, round(token.grant.refresh_until - now)),
        "token_type": "Bearer",
    }
