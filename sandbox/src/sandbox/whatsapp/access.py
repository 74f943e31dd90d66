import re

from starlette.requests import Request

from sandbox.whatsapp import errors
from sandbox.whatsapp.world import World

_VERSION = re.compile(r"v[1-9][0-9]?\.[0-9]")


class Access:
    """What each call must bring: a version that there is, and a token that is good."""

    def __init__(self, world: World) -> None:
        self._world = world

    def enter(self, request: Request) -> None:
        """Refuse a call with a wrong version or token."""
        if not _VERSION.fullmatch(request.path_params.get("version", "v23.0")):
            raise errors.unknown_path(request.url.path)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "oauth") or not token:
            token = request.query_params.get("access_token", "")
        if not token:
            raise errors.no_token()
        if token not in self._world.app.access_tokens:
            raise errors.unknown_token()
        if self._world.app.tokens_are != "live":
            raise errors.dead_token(self._world.app.tokens_are)
