"""What Facebook, Instagram and Threads are made of, each for itself."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.meta.gate import Gate
from sandbox.meta.published import Published
from sandbox.meta.refusals import answering
from sandbox.meta.telling import RETRIES, Telling
from sandbox.meta.tokens import Tokens
from sandbox.meta.watching import Told, Watching
from sandbox.meta.world import World
from sandbox.received import Received
from sandbox.webhooks import WebhookSender

Endpoints = Iterable[tuple[str, Callable[[Request], Awaitable[Response]], list[str]]]


class MetaMember:
    """One of Meta's platforms: its people, tokens, posts and webhooks, and the paths below its control."""

    name: str
    door: Door = "http"
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self._world = World()
        self._tokens = Tokens(self._world)
        self._published = Published()
        self._telling = Telling()
        self.webhooks = WebhookSender(self._telling.sign, self.faults, retries=RETRIES)
        self._telling.use(self.webhooks)
        self._gate = Gate(self._world, self._tokens)

    def reset(self) -> None:
        """As at the start: Ann and Bob, no token, nothing published."""
        self._world.begin()
        self._tokens.clear()
        self._published.clear()
        self._telling.reset()

    def _routed(self, endpoints: Endpoints, comment_told: Told) -> APIRouter:
        routes = APIRouter()
        watching = Watching(self._world, self._tokens, self._published, self._telling, comment_told=comment_told)
        routes.include_router(watching.routes(self.name))
        for path, endpoint, methods in endpoints:
            routes.add_route(path, answering(endpoint), methods=methods)
        return routes
