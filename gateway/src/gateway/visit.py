"""One request from its arrival to the last byte of its answer: what is known of it and how it is answered."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from gateway.deadlines import NEVER
from gateway.edge import EdgeConnection
from gateway.headers import Head
from gateway.problems import TOO_LARGE, TOO_SLOW, Header, Refused
from gateway.routes import Route, Timeouts

if TYPE_CHECKING:
    from gateway.cache.reading import Look

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CLIENT_GONE = 499
_PROBLEM_TYPE = (b"content-type", b"application/problem+json")
_NO_STORE = (b"cache-control", b"no-store")


class ClientGone(Exception):
    """Nobody waits for this answer any more."""


class Visit:
    """The state of one request."""

    __slots__ = (
        "_loop",
        "_receive",
        "_send",
        "address",
        "body_ends",
        "body_failure",
        "bytes_in",
        "bytes_out",
        "edge",
        "head",
        "headers",
        "lasting",
        "look",
        "method",
        "outcome",
        "path",
        "request_id",
        "route",
        "scope",
        "started",
        "started_at",
        "status",
        "traceparent",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, head: Head, base: list[Header]) -> None:
        self._receive = receive
        self._send = send
        self.scope = scope
        self.edge: EdgeConnection = scope["extensions"]["edge"]
        self._loop: asyncio.AbstractEventLoop = self.edge.loop
        self.head = head
        self.headers = base
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.address = ""
        self.request_id = ""
        self.traceparent = ""
        self.route: Route | None = None
        self.status = 0
        self.outcome = "answered"
        self.lasting = False
        self.look: Look | None = None
        self.started = False
        self.started_at: float = self._loop.time()
        self.bytes_in = 0
        self.bytes_out = 0
        self.body_ends = NEVER
        self.body_failure: Exception | None = None

    def now(self) -> float:
        """The loop's time."""
        return self._loop.time()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return self._loop.time() - self.started_at

    def insist(self) -> None:
        """Go on only if somebody waits for the answer.

        Raises:
            ClientGone: when nobody does.
        """
        if self.edge.lost:
            raise ClientGone

    # The request's body

    async def read_body(self, limit: int, timeouts: Timeouts) -> tuple[bytes, bool]:
        """The next piece of the body, and whether more will follow.

        Raises:
            Refused: when the body is too large or too slow.
            ClientGone: when the client has left.
        """
        now = self._loop.time()
        if self.body_ends == NEVER:
            self.body_ends = now + timeouts.body_total
        edge = self.edge
        edge.deadline = min(now + timeouts.body_idle, self.body_ends)
        message = await self._receive()
        edge.deadline = NEVER
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        self.bytes_in += len(piece)
        if self.bytes_in > limit:
            raise Refused(TOO_LARGE)
        if edge.expired:
            raise Refused(TOO_SLOW, [(b"connection", b"close")])
        return piece, bool(message.get("more_body", False))

    # The answer

    async def start(self, status: int, headers: list[Header]) -> None:
        """Send the status and the headers: those given and those that stand on every answer."""
        self.status = status
        self.started = True
        await self._sent({"type": "http.response.start", "status": status, "headers": headers + self.headers})

    async def whole(self, status: int, headers: list[Header], content: bytes) -> None:
        """Send an answer that is complete."""
        if self.edge.respond(status, headers + self.headers, content):
            self.status, self.started = status, True
            self.bytes_out += len(content)
            return
        await self.start(status, headers)
        await self.body(content, more=False)

    async def body(self, piece: bytes, *, more: bool) -> None:
        """Send a piece of the body; waits while the client takes no more.

        Raises:
            ClientGone: when the client has left.
        """
        self.bytes_out += len(piece)
        await self._sent({"type": "http.response.body", "body": piece, "more_body": more})

    async def _sent(self, message: MutableMapping[str, Any]) -> None:
        edge = self.edge
        if edge.flow.write_paused:
            edge.deadline = self._loop.time() + edge.write_seconds
            await self._send(message)
            edge.deadline = NEVER
        else:
            await self._send(message)
        if edge.transport.is_closing() and message.get("more_body", False):
            raise ClientGone

    async def refuse(self, refusal: Refused) -> None:
        """Answer with a problem document."""
        problem = refusal.problem
        content = problem.document(self.request_id)
        headers = [_PROBLEM_TYPE, (b"content-length", b"%d" % len(content)), _NO_STORE, *refusal.headers]
        if self.head.expects and self.bytes_in == 0:
            headers.append((b"connection", b"close"))
        self.outcome = problem.code
        await self.start(problem.status, headers)
        await self.body(content, more=False)

    async def answer(self, status: int, headers: list[Header], content: bytes = b"") -> None:
        """Answer at once and whole."""
        if status != 204:
            headers = [*headers, (b"content-length", b"%d" % len(content))]
        await self.whole(status, headers, content)

    def break_off(self, outcome: str) -> None:
        """End the connection in the middle of the answer, so that half of it is not taken for the whole."""
        self.outcome = outcome
        self.edge.abort()
