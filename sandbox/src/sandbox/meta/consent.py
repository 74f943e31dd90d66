"""The page on which a person allows the application something, and the way back from it."""

import hmac
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from sandbox.consent.page import consent_page, error_page, is_registered, send_back
from sandbox.meta.refusals import refuse
from sandbox.meta.tokens import Tokens
from sandbox.meta.world import CLIENT_ID, CLIENT_SECRET, World


class Consent:
    """Asks people for their consent."""

    def __init__(self, world: World, tokens: Tokens, name: str) -> None:
        self._world, self._tokens, self._name = world, tokens, name

    async def authorize(self, request: Request) -> Response:
        """The consent page; with `approve=<person>` or `deny=1` the answer of the person it shows."""
        asked = request.query_params
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != CLIENT_ID:
            return error_page(self._name, "Invalid App ID")
        if not is_registered(self._world.app, redirect_uri):
            return error_page(self._name, "URL blocked: the redirect URI is not in the app's settings")
        if asked.get("deny"):
            denied = {"error": "access_denied", "error_reason": "user_denied", "error_code": "200"}
            return send_back(request, redirect_uri, {**denied, "error_description": "Permissions error"})
        person = self._world.people.get(asked.get("approve") or self._world.app.approves or "")
        if person is None:
            people = [(one.id, one.name) for one in self._world.people.all()]
            return consent_page(request, self._name, asked.get("scope", "").split(","), people)
        return send_back(request, redirect_uri, {"code": self._tokens.new_code(person.id, redirect_uri)})


def check_client(params: Mapping[str, str], *, with_id: bool = True) -> None:
    """Refuse who is not our application.

    Raises:
        Refusal: id or secret is not right.
    """
    secret = hmac.compare_digest(params.get("client_secret", "").encode(), CLIENT_SECRET.encode())
    if not secret or (with_id and params.get("client_id") != CLIENT_ID):
        raise refuse(1, "Error validating client secret.")
