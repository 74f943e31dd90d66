"""What every call to X's API must bring."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.consent.page import bearer
from sandbox.consent.tokens import AccessToken, Tokens
from sandbox.json import Object, read_object
from sandbox.refusals import Endpoint, Refusal
from sandbox.x import errors
from sandbox.x.limits import Limits
from sandbox.x.world import APP_BEARER, Person, World


@dataclass(frozen=True, slots=True)
class Caller:
    """The user on whose behalf a call is made, and the token."""

    person: Person
    token: AccessToken


class Gate:
    """Lets calls in, or not."""

    def __init__(self, world: World, tokens: Tokens, limits: Limits) -> None:
        self._world, self._tokens, self._limits = world, tokens, limits

    def enter(self, request: Request, endpoint: str, *scopes: str) -> Caller:
        """The caller with these scopes, within the limits of the endpoint."""
        value = bearer(request)
        if value == APP_BEARER:
            raise errors.app_only()
        token = self._tokens.holder(value)
        if token is None or token.state != "live":
            raise errors.unauthorized()
        person = self._world.people.get(token.grant.person_id)
        if person is None:
            raise errors.unauthorized()
        if not set(scopes) <= set(token.grant.scopes):
            raise errors.not_in_scope()
        request.state.limits = self._limits.count(self._world.app, endpoint, person.id)
        return Caller(person, token)

    def enter_as_app(self, request: Request) -> None:
        """Only with the application's own bearer token."""
        if bearer(request) != APP_BEARER:
            raise errors.app_only() if self._tokens.holder(bearer(request)) else errors.unauthorized()


async def read_body(request: Request) -> Object:
    """The JSON object of a body; refused where it is none."""
    document = read_object(await request.body())
    if document is None:
        raise errors.invalid("body", "The request body is not valid JSON")
    return document


def answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with refusals in X's words and with what is left of the limit."""

    async def answer(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except Refusal as refusal:
            response = refusal.answer()
        for name, value in getattr(request.state, "limits", {}).items():
            response.headers.setdefault(name, value)
        return response

    return answer
