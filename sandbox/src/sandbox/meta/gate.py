"""What each call to the Graph API must bring: a version that there is, a token that lives, a proof that fits."""

import hashlib
import hmac
import re
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox.meta.refusals import no_token, refuse, unknown_path
from sandbox.meta.tokens import Token, Tokens
from sandbox.meta.world import CLIENT_SECRET, World

_VERSION = re.compile(r"v[1-9][0-9]?\.[0-9]")


class Gate:
    """Lets calls in."""

    def __init__(self, world: World, tokens: Tokens) -> None:
        self._world = world
        self._tokens = tokens

    async def enter(self, request: Request) -> tuple[Token, dict[str, str]]:
        """The token of a call and its parameters, of query and form.

        Raises:
            Refusal: the version, the token or the proof is not good.
        """
        if not _VERSION.fullmatch(request.path_params.get("version", "v1.0")):
            raise unknown_path(request.url.path)
        if self._world.app.sunset:
            raise refuse(
                2635, "You are calling a deprecated version of the API. Please update to the latest version."
            )
        params = await read_params(request)
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "oauth") or not value:
            value = params.get("access_token", "")
        if not value:
            raise no_token()
        token = self._tokens.holder(value)
        proof = params.get("appsecret_proof")
        right = hmac.new(CLIENT_SECRET.encode(), value.encode(), hashlib.sha256).hexdigest()
        if proof is not None and not hmac.compare_digest(proof, right):
            raise refuse(100, "Invalid appsecret_proof provided in the API argument")
        return token, params


async def read_params(request: Request) -> dict[str, str]:
    """All parameters of a call, of its query and of its form."""
    body = (await request.body()).decode("utf-8", "replace")
    form = dict(parse_qsl(body, keep_blank_values=True)) if request.method == "POST" else {}
    return {**dict(request.query_params), **form}
