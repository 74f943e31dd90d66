"""What every call to the YouTube Data API must bring."""

from starlette.requests import Request

from sandbox.consent.page import bearer
from sandbox.consent.tokens import Tokens
from sandbox.json import Object, read_object
from sandbox.youtube import errors
from sandbox.youtube.quota import Quota
from sandbox.youtube.world import Person, World


class Gate:
    """Lets calls in, or not."""

    def __init__(self, world: World, tokens: Tokens, quota: Quota) -> None:
        self._world, self._tokens, self._quota = world, tokens, quota

    def enter(self, request: Request, method: str, *scopes: str) -> Person:
        """Whose call it is, with one of these scopes and the units paid."""
        token = self._tokens.holder(bearer(request))
        person = None if token is None or token.state != "live" else self._world.people.get(token.grant.person_id)
        if token is None or person is None:
            raise errors.unauthorized()
        if not set(scopes) & set(token.grant.scopes):
            raise errors.not_in_scope()
        self._quota.spend(self._world.app, method)
        if not request.query_params.get("part") and not method.endswith((".delete", ".set")):
            raise errors.bad("missingRequiredParameter", "No filter selected. Required parameter: part")
        return person


async def read_body(request: Request) -> Object:
    """The JSON object of a body; refused where it is none."""
    document = read_object(await request.body())
    if document is None:
        raise errors.error(400, "parseError", "Parse Error", "global")
    return document
