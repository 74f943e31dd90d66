"""One request under way: what is known of it and how it is answered."""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote

from gateway.deadlines import NEVER
from gateway.headers import Head
from gateway.problems import TOO_LARGE, TOO_SLOW, Header, Refused
from gateway.routes import Route, Timeouts

if TYPE_CHECKING:
    from gateway.cache.reading import Look
    from gateway.edge import EdgeConnection

CLIENT_GONE = 499
_PROBLEM_TYPE = (b"content-type", b"application/problem+json")
_NO_STORE = (b"cache-control", b"no-store")
_BODILESS = frozenset({204, 304})


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode())


STATUS_LINES = {status: _status_line(status) for status in range(100, 600)}


class ClientGone(Exception):
    """Nobody waits for this answer any more."""


class Visit:
    """The state of one request."""

    # What is the same for most requests stands here and is set where it differs.
    address = ""
    request_id = ""
    traceparent = ""
    route: Route | None = None
    look: "Look | None" = None
    keep_alive = True
    status = 0
    outcome = "answered"
    lasting = False
    ended_at = 0.0
    abandoned = False
    bytes_in = 0
    body_ends = NEVER
    body_failure: Exception | None = None
    started = False
    complete = False
    bytes_out = 0
    _more = True
    _waiter: asyncio.Future[None] | None = None
    _chunked = False
    _left = 0

    def __init__(
        self, edge: "EdgeConnection", method: str, target: tuple[bytes, bytes], head: Head, given: list[Header]
    ) -> None:
        self.edge = edge
        self._loop = edge.loop
        self.method = method
        self.raw_path, self.query = target
        path = self.raw_path.decode()
        self.path = unquote(path) if "%" in path else path
        self.head = head
        self.given = given
        """All headers of the request, as they were given."""
        self.lines: list[bytes] = []
        """What stands on every answer: header lines with their ends."""
        self.started_at = edge.loop.time()
        self._arrived: list[bytes] = []

    def now(self) -> float:
        """The loop's time."""
        return self._loop.time()

    @property
    def target(self) -> bytes:
        """Path and query as they were asked for."""
        return self.raw_path + b"?" + self.query if self.query else self.raw_path

    def insist(self) -> None:
        """Go on only if somebody waits for the answer.

        Raises:
            ClientGone: when nobody does.
        """
        if self.edge.transport.is_closing():
            raise ClientGone

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""
        self.abandoned = True
        self.wake()

    # The request's body

    def feed(self, piece: bytes) -> int:
        """Take a piece of the body; says how much of it waits to be read."""
        self._arrived.append(piece)
        self.wake()
        return sum(map(len, self._arrived))

    def feed_end(self) -> None:
        """The body is complete."""
        self._more = False
        if self._waiter is not None:
            self.wake()

    def wake(self) -> None:
        """Let whoever waits for the body look again."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

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
        await self._arrival()
        edge.deadline = NEVER
        if self.abandoned or self.complete:
            raise ClientGone
        arrived, self._arrived = self._arrived, []
        piece = b"".join(arrived)
        self.bytes_in += len(piece)
        if self.bytes_in > limit:
            raise Refused(TOO_LARGE)
        if edge.expired:
            raise Refused(TOO_SLOW, [(b"connection", b"close")])
        return piece, self._more

    async def _arrival(self) -> None:
        """Wait for a piece of the body, for its end, or for the end of all waiting."""
        edge = self.edge
        if self.head.continues and not edge.lost:
            edge.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.head.continues = False
        edge.resume_reading()
        while not self._arrived and self._more and not (self.abandoned or self.complete or edge.expired):
            self._waiter = self._loop.create_future()
            await self._waiter

    # The answer

    def say(self, name: bytes, value: bytes) -> None:
        """Put a header on the answer, whatever it will be."""
        self.lines.append(b"%b: %b\r\n" % (name, value))

    def whole(self, status: int, headers: list[Header], content: bytes) -> None:
        """Send an answer that is complete."""
        parts = self._begun(status, headers)
        if self._chunked:
            self._chunked = False
            self._left = len(content)
            parts.append(b"content-length: %d\r\n" % len(content))
        if self._left != len(content) and self.method != "HEAD":
            raise RuntimeError("an answer of another length than it says")
        self.bytes_out += len(content)
        parts.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        if self.method != "HEAD":
            parts.append(content)
        edge = self.edge
        if not edge.transport.is_closing():
            edge.transport.write(b"".join(parts))
        self._finish()

    def start(self, status: int, headers: list[Header]) -> None:
        """Send the status and the headers: those given and those that stand on every answer."""
        parts = self._begun(status, headers)
        if self._chunked:
            parts.append(b"transfer-encoding: chunked\r\n")
        parts.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        self._write(b"".join(parts))

    def _begun(self, status: int, headers: list[Header]) -> list[bytes]:
        """The head as far as it does not depend on how the body is framed, which is found out on the way."""
        self.status = status
        self.started = True
        self.head.continues = False
        self._chunked = self.method != "HEAD" and status not in _BODILESS
        parts = [STATUS_LINES[status], *self.lines]
        for name, value in headers:
            if name == b"content-length":
                self._left, self._chunked = int(value), False
            elif name == b"connection":
                self.keep_alive = False
                continue
            parts += (name, b": ", value, b"\r\n")
        return parts

    async def body(self, piece: bytes, *, more: bool) -> None:
        """Send a piece of the body; waits while the client takes no more.

        Raises:
            ClientGone: when the client has left.
        """
        self.bytes_out += len(piece)
        await self.edge.drained()
        if self.edge.lost:
            if more:
                raise ClientGone
            return
        self._write(self._framed(piece, more=more))
        if not more:
            self._finish()

    def _framed(self, piece: bytes, *, more: bool) -> bytes:
        if self.method == "HEAD":
            return b""
        if not self._chunked:
            self._left -= len(piece)
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("an answer of another length than it says")
            return piece
        framed = b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
        return framed if more else framed + b"0\r\n\r\n"

    def _write(self, data: bytes) -> None:
        if data and not self.edge.lost:
            self.edge.transport.write(data)

    def _finish(self) -> None:
        self.complete = True
        if self.edge.visit is self:
            self.edge.finished(self)

    def refuse(self, refusal: Refused) -> None:
        """Answer with a problem document."""
        problem = refusal.problem
        content = problem.document(self.request_id)
        headers = [_PROBLEM_TYPE, (b"content-length", b"%d" % len(content)), _NO_STORE, *refusal.headers]
        if self.head.expects and self.bytes_in == 0:
            headers.append((b"connection", b"close"))
        self.outcome = problem.code
        self.whole(problem.status, headers, content)

    def answer(self, status: int, headers: list[Header], content: bytes = b"") -> None:
        """Answer at once and whole."""
        if status != 204:
            headers = [*headers, (b"content-length", b"%d" % len(content))]
        self.whole(status, headers, content)

    def break_off(self, outcome: str) -> None:
        """End the connection in the middle of the answer, so that half of it is not taken for the whole."""
        self.outcome = outcome
        self.edge.abort()
