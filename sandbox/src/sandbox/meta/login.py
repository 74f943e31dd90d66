"""Facebook Login's tokens and what they open first: who somebody is, and their pages."""

import time

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, write
from sandbox.meta.consent import check_client
from sandbox.meta.gate import Gate, read_params
from sandbox.meta.paging import only, page
from sandbox.meta.refusals import no_object, wrong_parameter
from sandbox.meta.tokens import Token, Tokens
from sandbox.meta.world import World


class Login:
    """The token endpoint, `/me` and `/me/accounts`."""

    def __init__(self, world: World, tokens: Tokens, gate: Gate) -> None:
        self._world, self._tokens, self._gate = world, tokens, gate

    async def access_token(self, request: Request) -> Response:
        """A token for a code, or a long one for one that lives."""
        params = await read_params(request)
        check_client(params)
        if params.get("grant_type") == "fb_exchange_token":
            return token_out(self._tokens.longer(params.get("fb_exchange_token", "")))
        if not params.get("code"):
            raise wrong_parameter("Missing authorization code")
        return token_out(self._tokens.redeem(params["code"], params.get("redirect_uri", "")))

    async def me(self, request: Request) -> Response:
        """Whoever the token is."""
        token, _ = await self._gate.enter(request)
        found = self._world.people.get(token.person_id)
        node: Object = {"id": token.page_id or token.person_id, "name": found.name if found else ""}
        return _json(only(request, node))

    async def accounts(self, request: Request) -> Response:
        """The pages of a person, with the token of each."""
        token, _ = await self._gate.enter(request)
        if token.page_id:
            raise no_object("get", "accounts")
        pages: list[Object] = []
        for each in self._world.pages_of(token.person_id):
            node: Object = {
                "id": each.id,
                "name": each.name,
                "access_token": self._tokens.of_page(token, each.id).value,
                "tasks": ["ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"],
            }
            if each.instagram is not None:
                node["instagram_business_account"] = each.instagram.model_dump()
            pages.append(node)
        return _json(page(request, pages))

    async def subscribed_apps(self, request: Request) -> Response:
        """Let the webhooks of a page, and of the account that belongs to it, come to the application, or not."""
        token, _ = await self._gate.enter(request)
        if not token.page_id:
            raise no_object(request.method, "me/subscribed_apps")
        return _json({"success": True})


def token_out(token: Token, *, user_id: bool = False) -> Response:
    """A token as it is answered."""
    body: Object = {"access_token": token.value, "token_type": "bearer"}
    if user_id:
        body["user_id"] = token.person_id
    else:
        body["expires_in"] = max(0, round(token.until - time.time()))
    return Response(write(body), media_type="application/json", headers={"cache-control": "no-store"})


def _json(document: Object) -> Response:
    return Response(write(document), media_type="application/json; charset=UTF-8")
