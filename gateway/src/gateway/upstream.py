"""Connections to one service: a pool of HTTP/1.1 connections on httptools, one exchange at a time on each."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import httptools

from gateway.deadlines import NEVER, Sweep
from gateway.problems import BAD_UPSTREAM, UPSTREAM_AWAY, UPSTREAM_SLOW, Header, Problem

_BUFFER = 64 * 1024
_Protocol = TypeVar("_Protocol", bound=asyncio.Protocol)
_BODILESS = frozenset({204, 304})


class UpstreamFailed(Exception):
    """The exchange cannot be completed; says what to answer and whether another try is harmless."""

    def __init__(self, problem: Problem, reason: str, *, sent: bool = True, received: bool = False) -> None:
        super().__init__(reason)
        self.problem = problem
        self.reason = reason
        self.sent = sent
        self.received = received


@dataclass(frozen=True, slots=True)
class PoolBounds:
    """How many connections, how long an idle one is trusted, and how large an answer's head may be."""

    connections: int = 512
    waiting: int = 512
    wait_seconds: float = 1.0
    idle_seconds: float = 30.0
    fresh_seconds: float = 2.0
    """An idle connection older than this carries only requests that may be repeated."""
    head: int = 64 * 1024


OnHead = Callable[["Connection"], None]
"""Hears, once, that the head of an answer has come, and perhaps all of it, or that none will; it raises nothing."""


class Connection(asyncio.Protocol):
    """One connection: `send`, then `head`, then `take` and `change` until it is `complete`, then `release`."""

    def __init__(self, pool: "Upstream") -> None:
        self._pool = pool
        self._loop = pool.loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.deadline = NEVER
        self.idle_since = 0.0
        self.reused = False
        self._waiter: asyncio.Future[None] | None = None
        self._on_head: OnHead | None = None
        self._drained: asyncio.Future[None] | None = None
        self._write_paused = False
        self.busy = False
        self._dead = False
        self._begin(b"GET")

    def _begin(self, method: bytes) -> None:
        self._method = method
        self.status = 0
        self.headers: list[Header] = []
        self.complete = False
        self.started = False
        self.received = False
        self.failure: UpstreamFailed | None = None
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._trailer_bytes = 0
        self._raw_head = 0
        self._until_close = False
        self._reusable = True
        self._read_paused = False

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is up."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport, by create_connection
        self._pool.opened(self)

    def pause_writing(self) -> None:
        """The service takes no more just now."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The service takes more again."""
        self._write_paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, which for an answer of unknown length is its proper end."""
        self._dead = True
        self._pool.lost(self)
        if self.busy and not self.complete and self.failure is None:
            if self._until_close and exc is None:
                self.complete = True
            else:
                self._fail("connection lost")
        self._wake()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """A piece of the answer; what nobody asked for ends the connection."""
        if not self.busy or self.complete:
            self.abort()
            return
        self.received = True
        if not self.started:
            self._raw_head += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._spoil()
        if not self.started and self._raw_head > 4 * self._pool.bounds.head:
            self._fail("head without end")
        self._wake()

    def expire(self) -> None:
        """The service let a deadline pass."""
        if self.busy:
            self._fail("no answer in time" if not self.started else "answer stalled", UPSTREAM_SLOW)
            self._wake()
        else:
            self.abort()

    # httptools

    def on_message_begin(self) -> None:
        """An answer begins."""
        if self.complete:
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; trailers are dropped."""
        if not self.started:
            self.headers.append((name.lower(), value))
            return
        self._trailer_bytes += len(name) + len(value) + 4
        if self._trailer_bytes > self._pool.bounds.head:
            raise ValueError("trailers too large")

    def on_headers_complete(self) -> None:
        """The head is there; interim answers are passed over."""
        status = self._parser.get_status_code()
        if self.complete:
            raise ValueError("an answer nobody asked for")
        if self._raw_head > self._pool.bounds.head and self._head_size() > self._pool.bounds.head:
            raise ValueError("head too large")
        if 100 <= status < 200 and status != 101:
            self.headers = []
            return
        if not 200 <= status < 600:
            raise ValueError("status out of range")
        self.status = status
        self._find_frame(status)
        self._reusable = not self._until_close and self._parser.should_keep_alive() and self._method != b"HEAD"
        self.started = True
        if self._method == b"HEAD":
            self.complete = True

    def _head_size(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _find_frame(self, status: int) -> None:
        """How the end of the body will be known: by its length, by chunks, or only by the end of the connection."""
        codings = 0
        framed = status in _BODILESS or self._method == b"HEAD"
        for name, value in self.headers:
            if name == b"content-length":
                framed = True
            elif name == b"transfer-encoding":
                framed = True
                codings += 1 if value.strip().lower() == b"chunked" else 2
        if codings > 1:
            raise ValueError("unknown transfer coding")
        self._until_close = not framed

    def on_body(self, body: bytes) -> None:
        """A piece of the body; the service waits while the client is slower."""
        if self.complete:
            return
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > _BUFFER and not self._read_paused and self._transport is not None:
            self._read_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self.started:
            self.complete = True

    # The exchange

    def send(self, method: bytes, data: bytes, first_byte: float, on_head: OnHead | None = None) -> None:
        """Begin an exchange with the request's head (and body, if it is at hand).

        Who does not wait for the head says who is to hear of it.
        """
        self._begin(method)
        self._on_head = on_head
        self.busy = True
        self.deadline = self._loop.time() + first_byte
        self.write(data)

    def write(self, data: bytes) -> None:
        """Send on; see `drain`."""
        if self._transport is not None and not self._dead:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait while the service takes no more."""
        if self._write_paused and not self._dead:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await self._drained

    async def head(self) -> None:
        """Wait for the answer's status and headers.

        Raises:
            UpstreamFailed: when they do not come, late or not valid.
        """
        while not self.started:
            await self._changed()

    def is_whole(self) -> bool:
        """Whether nothing of the answer is outstanding."""
        return self.complete

    async def change(self) -> None:
        """Wait for more of the body, or its end.

        Raises:
            UpstreamFailed: when the body breaks off.
        """
        if not self._chunks and not self.complete:
            await self._changed()

    def take(self) -> bytes:
        """What has arrived of the body so far."""
        chunks = self._chunks
        if not chunks:
            return b""
        taken = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = []
        self._buffered = 0
        if self._read_paused:
            self._read_paused = False
            if self._transport is not None and not self._dead:
                self._transport.resume_reading()
        return taken

    async def _changed(self) -> None:
        self._raise_failure()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if not self._chunks:
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _wake(self) -> None:
        on_head = self._on_head
        if on_head is not None:
            if self.started or self.failure is not None:
                self._on_head = None
                on_head(self)
            return
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _spoil(self) -> None:
        """The parser gave up: a failure, unless the answer was whole before."""
        if self.complete:
            self._reusable = False
        else:
            self._fail("malformed answer")

    def _fail(self, reason: str, problem: Problem = BAD_UPSTREAM) -> None:
        if self.failure is None:
            self.failure = UpstreamFailed(problem, reason, received=self.received)
        self._reusable = False
        if self._transport is not None:
            self._transport.abort()

    def cancel(self) -> None:
        """Nobody wants the answer any more."""
        if self.busy and not self.complete:
            self._fail("cancelled")
        self._wake()

    @property
    def usable(self) -> bool:
        """Whether the connection can carry a request."""
        return not self._dead and self._transport is not None and not self._transport.is_closing()

    def release(self, *, whole_request: bool = True) -> None:
        """The exchange is over; the connection is kept only if both sides have said everything."""
        self.deadline = NEVER
        self.busy = False
        if (
            self.complete
            and self._reusable
            and whole_request
            and self.usable
            and not (self._write_paused or self._read_paused)
        ):
            self._pool.keep(self)
        else:
            self.abort()

    def abort(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()


class Upstream:
    """The connections to one service."""

    def __init__(self, name: str, url: str, sweep: Sweep, bounds: PoolBounds | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an address of a service: {name}")
        self.name = name
        self.sweep = sweep
        self.bounds = bounds or PoolBounds()
        self.loop = asyncio.get_running_loop()
        self._host = parts.hostname
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self.authority = parts.netloc.rpartition("@")[2].encode()
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._connecting = 0
        self._queue: deque[asyncio.Future[Connection | None]] = deque()

    @property
    def open_connections(self) -> int:
        """How many connections there are, idle ones included."""
        return len(self._open)

    def idle(self, *, repeatable: bool) -> Connection | None:
        """An idle connection, the one used last; an old one only for a request that may be repeated."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.usable:
                continue
            if not repeatable and self.loop.time() - connection.idle_since > self.bounds.fresh_seconds:
                self._idle.append(connection)
                return None
            connection.deadline = NEVER
            connection.reused = True
            return connection
        return None

    async def connect(self, within: float) -> Connection:
        """A new connection, or one that becomes free while there are as many as there may be.

        Raises:
            UpstreamFailed: when there is none to be had; nothing was sent then.
        """
        if len(self._open) + self._connecting >= self.bounds.connections:
            freed = await self._turn()
            if freed is not None and freed.usable:
                return freed
        self._connecting += 1
        try:
            async with asyncio.timeout(within):
                _, connection = await self.loop.create_connection(
                    lambda: Connection(self), self._host, self._port, ssl=self._tls or None
                )
        except (OSError, TimeoutError) as trouble:
            raise UpstreamFailed(UPSTREAM_AWAY, f"not connected: {type(trouble).__name__}", sent=False) from trouble
        finally:
            self._connecting -= 1
            self._next()
        return connection

    async def open(self, protocol: Callable[[], _Protocol]) -> _Protocol:
        """A connection beside the pool, for what is not an exchange of messages.

        Raises:
            OSError: when there is none to be had.
        """
        _, opened = await self.loop.create_connection(protocol, self._host, self._port, ssl=self._tls or None)
        return opened

    async def _turn(self) -> Connection | None:
        """Wait for room, or for a connection that another exchange gives back."""
        if self._idle:
            self._idle.pop(0).abort()
            return None
        if len(self._queue) >= self.bounds.waiting:
            raise UpstreamFailed(UPSTREAM_AWAY, "too many wait for a connection", sent=False)
        turn: asyncio.Future[Connection | None] = self.loop.create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self.bounds.wait_seconds):
                return await turn
        except BaseException as gave_up:
            if not turn.cancelled() and turn.done():  # it came in the very moment in which we gave up
                self._give_back(turn.result())
            if isinstance(gave_up, TimeoutError):
                raise UpstreamFailed(UPSTREAM_AWAY, "no connection became free", sent=False) from gave_up
            raise

    def _give_back(self, connection: "Connection | None") -> None:
        if connection is None:
            self._next()
        elif connection.usable:
            self.keep(connection)

    def opened(self, connection: Connection) -> None:
        """A connection has come up."""
        self._open.add(connection)
        self.sweep.watch(connection)

    def keep(self, connection: Connection) -> None:
        """Take back a connection whose exchange is over; whoever waits for one gets it."""
        connection.idle_since = self.loop.time()
        if not self._hand_over(connection):
            connection.deadline = connection.idle_since + self.bounds.idle_seconds
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """A connection has ended."""
        self._open.discard(connection)
        self.sweep.forget(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._next()

    def _next(self) -> None:
        if len(self._open) + self._connecting < self.bounds.connections:
            self._hand_over(None)

    def _hand_over(self, connection: Connection | None) -> bool:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    def close(self) -> None:
        """End all connections."""
        for connection in list(self._open):
            connection.abort()
