"""The client's connection: HTTP/1.1 on httptools, with the guards that an open door needs.

Each connection answers one request at a time; those that come meanwhile wait their turn, and nothing more is read.
A head is bounded in size, number and time; what could be read in two ways is refused; trailers are dropped; an answer
that is not taken, a body that stalls and an idle connection end by the sweep.
"""

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import httptools

from gateway import problems
from gateway.addresses import canonical, limited_as
from gateway.deadlines import NEVER, Sweep
from gateway.headers import read_head
from gateway.problems import Problem
from gateway.visit import STATUS_LINES, Visit
from kit.ids import new_id

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
_FRAMING_BYTES = 64 * 1024
_FRAMING_PER_BYTE = 9  # a chunk of one byte comes with five, and some have extensions
_MOST_UNREAD = 64 * 1024
_HOST = re.compile(rb"[A-Za-z0-9.\-_~:\[\]%]{1,255}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much and how slowly a client may speak; seconds and bytes."""

    head_seconds: float = 10.0
    write_seconds: float = 30.0
    linger_seconds: float = 3.0
    rest_seconds: float = 75.0
    """How long a connection may stay open between two requests."""
    linger_bytes: int = 4 * 1024 * 1024
    url: int = 8 * 1024
    head: int = 32 * 1024
    headers: int = 100
    connections: int = 4096
    per_address: int = 1024


@dataclass(slots=True)
class Door:
    """What all connections of this process have in common."""

    sweep: Sweep
    serve: Callable[[Visit], None]
    """Begins to answer a request; it raises nothing."""
    bounds: Bounds = field(default_factory=Bounds)
    lines: bytes = b""
    """Headers on every answer that is given before the application is asked."""
    on_refused: Callable[[Problem], None] = lambda _problem: None
    is_proxy: Callable[[str], bool] = lambda _peer: False
    """Whether a peer is trusted to stand for many clients, so that its connections are not counted."""
    held: Counter[str] = field(default_factory=Counter)
    connections: "set[EdgeConnection]" = field(default_factory=set)


class EdgeConnection(asyncio.Protocol):
    """One client's connection."""

    transport: asyncio.Transport

    def __init__(self, door: Door) -> None:
        self._door = door
        self._bounds = door.bounds
        self.loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)
        # What follows a request that asks for the end is passed over, as the connection ends after its answer.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.peer = self.address = ""
        """The address at the other end, as it is told and in its usual spelling."""
        self.is_proxy = False
        """Whether that stands for many clients."""
        self._holder = ""
        # What it carries
        self.visit: Visit | None = None
        """The request that is being answered."""
        self._parsed: Visit | None = None
        """The request whose head came last; what comes of a body is its."""
        self._queue: deque[Visit] = deque()
        self._turning = False
        self._first_of_piece = False
        self.switching = False
        """Whether the parser has met an upgrade: what follows is no HTTP any more."""
        self._early = b""
        self._on_data: Callable[[bytes], None] | None = None
        self.on_gone: Callable[[], None] | None = None
        self.on_writable: Callable[[], None] | None = None
        # Time and flow
        self.deadline = NEVER
        self.write_seconds = door.bounds.write_seconds
        self.expired = False
        self._resting = False
        """Whether the deadline is that of a connection on which nothing is under way."""
        self.write_paused = False
        self._read_paused = False
        self._drained: asyncio.Future[None] | None = None
        # The message that is being read
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._reading_head = False
        self._piece = self._first = 0
        self._fed = 0
        self._allowed: float = NEVER
        """How many bytes may be fed for the present part of a message; a body's own bytes add to it.

        The parser gathers an unfinished header, or trailer, without telling us, hence this count of raw bytes. It
        leaves out the piece in which a part begins, of which some may belong to the part before; so a head is
        measured when it is there, if with that first piece it may be too large.
        """
        self._body_done = True
        self._lingered = 0
        self._refusal: Problem | None = None

    # The connection

    def connection_made(self, transport: Any) -> None:
        """Take the client in, unless the house is full."""
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        self.address = canonical(self.peer)
        self.is_proxy = self._door.is_proxy(self.peer)
        self._door.connections.add(self)
        self._door.sweep.watch(self)
        self.deadline = self.loop.time() + self._bounds.head_seconds
        if len(self._door.connections) > self._bounds.connections or not self._count_address():
            self._answer(problems.OVERLOADED)

    def _count_address(self) -> bool:
        """Whether this address may hold one more."""
        if self.is_proxy:
            return True
        self._holder = limited_as(self.address)
        self._door.held[self._holder] += 1
        return self._door.held[self._holder] <= self._bounds.per_address

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        """Tell whoever works for this client that nobody is waiting any more."""
        self._door.connections.discard(self)
        self._door.sweep.forget(self)
        self._leave_address()
        self._parser = self._parsed = None  # they refer to this connection
        self._queue.clear()
        self.resume_writing()
        self._give_up()

    def _leave_address(self) -> None:
        holder, self._holder = self._holder, ""
        if holder:
            self._door.held[holder] -= 1
            if not self._door.held[holder]:
                del self._door.held[holder]

    def _give_up(self) -> None:
        """Nobody waits for the request that is being answered."""
        visit, self.visit = self.visit, None
        if visit is not None:
            visit.abandon()
        gone, self.on_gone = self.on_gone, None
        if gone is not None:
            gone()

    @property
    def lost(self) -> bool:
        """Whether nobody is there to answer."""
        return self.transport.is_closing()

    def abort(self) -> None:
        """Break off at once, so that nobody takes half an answer for a whole one."""
        if self.visit is not None:
            self.visit.abandon()
        self.transport.abort()

    def leave(self) -> None:
        """The process is about to end: close, after what is under way is answered."""
        last = self._queue[-1] if self._queue else self.visit
        if last is None:
            self.transport.close()
        else:
            last.keep_alive = False

    def expire(self) -> None:
        """A deadline has passed: of the head, of the body, or of the client taking its answer."""
        visit = self.visit
        if visit is None:
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            elif self._reading_head:
                self._answer(problems.TOO_SLOW)
            else:
                self.transport.close()
        elif visit.started or self.write_paused:
            self.abort()
        else:
            self.expired = True
            visit.wake()

    # Flow

    def pause_reading(self) -> None:
        """Let the client wait."""
        if not self._read_paused:
            self._read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Let the client go on."""
        if self._read_paused and not self.lost:
            self._read_paused = False
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        """The client takes no more just now."""
        self.write_paused = True

    def resume_writing(self) -> None:
        """The client takes more again."""
        self.write_paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)
        if self.on_writable is not None:
            self.on_writable()
        if self._queue:
            self._soon()

    async def drained(self) -> None:
        """Wait while the client takes no more; one that takes nothing for too long is cut off."""
        if self.write_paused and not self.lost:
            self.deadline = self.loop.time() + self.write_seconds
            if self._drained is None:
                self._drained = self.loop.create_future()
            await self._drained
            self.deadline = NEVER

    # The request's head

    def data_received(self, data: bytes) -> None:
        """Feed the parser; the time for a head runs from its first byte, even if that is an empty line."""
        if self._refusal is not None:
            return
        if self.switching:
            self._take_raw(data)
            return
        if self._resting or (self.deadline == NEVER and self.visit is None):
            self._resting = False
            self.deadline = self.loop.time() + self._bounds.head_seconds
        self._first_of_piece = True
        self._piece = len(data)
        self._fed += self._piece
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._reject()
        except httptools.HttpParserUpgrade as upgrade:
            self.switching = True
            self._early = data[upgrade.args[0] :]
            return
        if self._fed > self._allowed:
            self._refusal = problems.HEAD_TOO_LARGE if self._reading_head else problems.MALFORMED
            self._reject()

    def on_url(self, url: bytes) -> None:
        """A piece of the request target; with the first, a request begins."""
        if self._reading_head:
            url = self._url + url
        else:
            self._reading_head = True
            self._headers = []
            self._fed, self._first = 0, self._piece
            self._allowed = self._bounds.head + self._bounds.url
            if self._resting:  # in one piece with the end of the request before
                self._resting = False
                self.deadline = self.loop.time() + self._bounds.head_seconds
        if len(url) > self._bounds.url:
            self._refuse(problems.URL_TOO_LONG)
        self._url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; after the head it is a trailer, and trailers are dropped."""
        if self._reading_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is there: refuse what could be read in two ways, then let the request have its turn."""
        visit = self._parsed = self._read()
        self._reading_head = False
        self._fed = 0
        self._allowed = _FRAMING_BYTES if visit.head.codings else NEVER
        self._body_done = False
        self._lingered = 0
        if self.transport.is_closing():
            return  # the connection ends with the answer before
        if self._first_of_piece and self.visit is None and not self._queue and not self.write_paused:
            self._first_of_piece = False
            self._begin(visit)
        else:
            self._queue.append(visit)
            self.pause_reading()
            self._soon()

    def _read(self) -> Visit:
        """The request, by its head."""
        parser, headers = self._parser, self._headers
        if parser.get_http_version() != "1.1":
            self._refuse(problems.OLD_HTTP)
        method = _METHODS.get(parser.get_method())
        if method is None:
            self._refuse(problems.METHOD_UNKNOWN)
        if len(headers) > self._bounds.headers or (self._fed + self._first > self._bounds.head and self._is_large()):
            self._refuse(problems.HEAD_TOO_LARGE)
        head = read_head(headers)
        if head.hosts != 1 or not _HOST.fullmatch(head.host):
            self._refuse(problems.HOSTLESS)
        if head.codings > 1:
            self._refuse(problems.MALFORMED)
        visit = Visit(self, method, self._target(), head, headers)
        if not parser.should_keep_alive() or (head.upgrade and parser.should_upgrade()):
            visit.keep_alive = False
        return visit

    def _is_large(self) -> bool:
        return len(self._url) + sum(len(name) + len(value) + 4 for name, value in self._headers) > self._bounds.head

    def _target(self) -> tuple[bytes, bytes]:
        """The path and the query that are asked for, whatever form that has."""
        url = self._url
        if url[:1] == b"/" and b"#" not in url and url.isascii():
            path, _, query = url.partition(b"?")
            return path, query
        parsed = httptools.parse_url(url)
        if not parsed.path or not url.isascii():
            self._refuse(problems.MALFORMED)
        return parsed.path, parsed.query or b""

    def _refuse(self, problem: Problem) -> NoReturn:
        """Stop the parser; what it raises ends in `_reject`."""
        self._refusal = problem
        raise ValueError(problem.code)

    def _reject(self) -> None:
        """Answer what the parser refused, unless an answer is already under way."""
        problem = self._refusal = self._refusal or problems.MALFORMED
        if self.visit is not None and (self.visit.started or self._queue):
            self.abort()
            return
        self._answer(problem)
        self._give_up()

    def _answer(self, problem: Problem) -> None:
        """Say no without the application, and close."""
        self._refusal = problem
        self._door.on_refused(problem)
        request_id = str(new_id())
        body = problem.document(request_id)
        head = (
            b"%b%b%bcontent-type: application/problem+json\r\ncontent-length: %d\r\n"
            b"x-request-id: %b\r\nconnection: close\r\n\r\n"
        )
        told = (STATUS_LINES[problem.status], self.date, self._door.lines, len(body), request_id.encode())
        self.transport.write(head % told + body)
        self.deadline = self.loop.time() + self.write_seconds
        self.transport.close()

    # The turn

    @property
    def date(self) -> bytes:
        """The line that says what time it is."""
        return self._door.sweep.date

    def _begin(self, visit: Visit) -> None:
        self.visit = visit
        self.deadline = NEVER
        self.expired = False
        self._door.serve(visit)

    def _soon(self) -> None:
        """Let the next one that waits have its turn: one in a turn of the loop, so that others come between."""
        if not self._turning:
            self._turning = True
            self.loop.call_soon(self._next)

    def _next(self) -> None:
        self._turning = False
        if self._queue and self.visit is None and not self.write_paused and not self.lost:
            visit = self._queue.popleft()
            if not self._queue:
                self.resume_reading()
            self._begin(visit)

    def finished(self, visit: Visit) -> None:
        """The answer is out: wait for the rest of the body, for the client to take it, or for the next request."""
        self.visit = None
        self.on_gone = None
        now = self.loop.time()
        transport = self.transport
        if not visit.keep_alive:
            transport.close()
        if transport.is_closing():
            self.deadline = now + self.write_seconds
        elif visit is self._parsed and not self._body_done:
            self.resume_reading()
            self.deadline = now + self._bounds.linger_seconds
        elif self.write_paused:
            self.deadline = now + self.write_seconds
        else:
            self.deadline = now + self._bounds.rest_seconds
            self._resting = True
        if self._queue:
            self._soon()
        elif self._read_paused:
            self.resume_reading()

    # Another protocol

    def _take_raw(self, data: bytes) -> None:
        """Bytes after the head of an upgrade; until it is answered, few are expected."""
        if self._on_data is not None:
            self._on_data(data)
            return
        self._early += data
        if len(self._early) > self._bounds.head:
            self.abort()

    def switch(self, head: bytes, on_data: Callable[[bytes], None]) -> None:
        """Answer the upgrade; from now on the connection carries another protocol, until `hang_up`."""
        self.deadline = NEVER
        self.transport.write(head)
        self._on_data = on_data
        early, self._early = self._early, b""
        if early:
            on_data(early)

    def hang_up(self) -> None:
        """End a connection that was switched, as soon as the client has taken what was written."""
        self._on_data = lambda _data: None
        if not self.lost:
            self.resume_reading()  # else the end of the client's side is never seen
        self.visit = None
        self.deadline = self.loop.time() + self._bounds.linger_seconds
        self.transport.close()

    # The body, and what is left of it when the answer was early

    def on_body(self, body: bytes) -> None:
        """A piece of the body; after an early answer the rest is read away, up to a bound, so that it arrives."""
        self._allowed += _FRAMING_PER_BYTE * len(body)
        visit = self._parsed
        if visit is None or visit.complete:
            self._lingered += len(body)
            if self._lingered > self._bounds.linger_bytes:
                self.transport.close()
        elif visit.feed(body) > _MOST_UNREAD:
            self.pause_reading()

    def on_message_complete(self) -> None:
        """The body is complete."""
        self._body_done = True
        self._allowed = NEVER
        visit, self._parsed = self._parsed, None
        if visit is None or visit.complete:
            if self.visit is None and not self.lost:
                self.deadline = self.loop.time() + self._bounds.rest_seconds
                self._resting = True
        else:
            visit.feed_end()
