"""The client's connection: uvicorn's HTTP/1.1 protocol with the guards that an open door needs.

uvicorn bounds neither the size of a request's head nor the time it may take, takes trailers for headers, and answers
malformed input in plain text. This keeps its parser (the only one) and closes those gaps.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway import problems
from gateway.addresses import canonical, limited_as
from gateway.deadlines import NEVER, Sweep
from gateway.problems import Header, Problem
from kit.ids import new_id

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FRAMING_BYTES = 64 * 1024
_FRAMING_PER_BYTE = 9  # a chunk of one byte comes with five, and some have extensions
_HOST = re.compile(rb"[A-Za-z0-9.\-_~:\[\]%]{1,255}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much and how slowly a client may speak; seconds and bytes."""

    head_seconds: float = 10.0
    write_seconds: float = 30.0
    linger_seconds: float = 3.0
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
    bounds: Bounds = field(default_factory=Bounds)
    headers: list[Header] = field(default_factory=list)
    """Put on every answer that is given before the application is asked."""
    on_refused: Callable[[Problem], None] = lambda _problem: None
    is_proxy: Callable[[str], bool] = lambda _peer: False
    """Whether a peer stands for many clients, so that its connections are not counted."""
    held: Counter[str] = field(default_factory=Counter)


class EdgeConnection(HttpToolsProtocol):
    """One client's connection."""

    def __init__(self, *args: Any, door: Door, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._door = door
        self._bounds = door.bounds
        self.write_seconds = door.bounds.write_seconds
        self.deadline = NEVER
        self.on_gone: Callable[[], None] | None = None
        self.on_writable: Callable[[], None] | None = None
        self._on_data: Callable[[bytes], None] | None = None
        self._holder = ""
        self.switching = False
        """Whether the parser has met an upgrade: what follows is no HTTP any more."""
        self._early = b""
        self.expired = False
        self._resting = False
        """Whether the deadline is that of a connection on which nothing is under way."""
        self._reading_head = False
        self._is_chunked = False
        self._fed = 0
        self._allowed: float = NEVER
        """How many bytes may be fed for the present part of a message; a body's own bytes add to it.

        The parser gathers an unfinished header, or trailer, without telling us, hence this count of raw bytes.
        """
        self._refusal: Problem | None = None
        self._head_bytes = 0
        self._body_done = True
        self._lingered = 0

    # The connection

    def connection_made(self, transport: Any) -> None:
        """Take the client in, unless the house is full."""
        super().connection_made(transport)
        self._door.sweep.watch(self)
        self.deadline = self.loop.time() + self._bounds.head_seconds
        if len(self.connections) > self._bounds.connections or not self._count_address():
            self._answer(problems.OVERLOADED)

    def _count_address(self) -> bool:
        """Whether this address may hold one more."""
        peer = self.client[0] if self.client else ""
        if self._door.is_proxy(peer):
            return True
        self._holder = limited_as(canonical(peer))
        self._door.held[self._holder] += 1
        return self._door.held[self._holder] <= self._bounds.per_address

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever works for this client that nobody is waiting any more."""
        self._door.sweep.forget(self)
        holder, self._holder = self._holder, ""
        if holder:
            self._door.held[holder] -= 1
            if not self._door.held[holder]:
                del self._door.held[holder]
        super().connection_lost(exc)
        gone, self.on_gone = self.on_gone, None
        if gone is not None:
            gone()

    @property
    def lost(self) -> bool:
        """Whether nobody is there to answer."""
        return self.transport.is_closing()

    @property
    def _busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def abort(self) -> None:
        """Break off at once, so that nobody takes half an answer for a whole one."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.abort()

    def expire(self) -> None:
        """A deadline has passed: of the head, of the body, or of the client taking its answer."""
        cycle = self.cycle
        if not self._busy:
            if self.transport.get_write_buffer_size():
                self.abort()
            elif self._reading_head and self._head_bytes:
                self._answer(problems.TOO_SLOW)
            else:
                self.transport.close()
        elif cycle.response_started or self.flow.write_paused:
            self.abort()
        else:
            self.expired = True
            cycle.message_event.set()

    # The request's head

    def data_received(self, data: bytes) -> None:
        """Feed the parser; the time for a head runs from its first byte, even if that is an empty line."""
        if self._refusal is not None:
            return
        if self.switching:
            self._take_raw(data)
            return
        if self._resting or (self.deadline == NEVER and not self._busy):
            self._resting = False
            self.deadline = self.loop.time() + self._bounds.head_seconds
        self._fed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.send_400_response("")
        except httptools.HttpParserUpgrade as upgrade:
            self.switching = True
            self._early = data[upgrade.args[0] :]
            return
        if self._fed > self._allowed:
            self._refusal = problems.HEAD_TOO_LARGE if self._reading_head else problems.MALFORMED
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A new request begins."""
        super().on_message_begin()
        self._reading_head = True
        self._head_bytes = 0
        self._fed = 0
        self._allowed = self._bounds.head + self._bounds.url
        if not self._busy:
            self.deadline = min(self.deadline, self.loop.time() + self._bounds.head_seconds)

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        self._head_bytes += len(url)
        if self._head_bytes > self._bounds.url:
            self._refuse(problems.URL_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; after the head it is a trailer, and trailers are dropped."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._bounds.head or len(self.headers) >= self._bounds.headers:
            self._refuse(problems.HEAD_TOO_LARGE)
        if self._reading_head:
            name = name.lower()
            if name == b"expect":
                self.expect_100_continue = value.lower() == b"100-continue"
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there: refuse what could be read in two ways, then let the application begin."""
        version = self.parser.get_http_version()
        if version != "1.1":
            self._refuse(problems.OLD_HTTP)
        if self.parser.get_method().decode("ascii") not in METHODS:
            self._refuse(problems.METHOD_UNKNOWN)
        self._check_headers()
        self._reading_head = False
        self._fed = 0
        self._allowed = NEVER if not self._is_chunked else _FRAMING_BYTES
        self._body_done = False
        self._lingered = 0
        if not self._busy:
            self.deadline = NEVER
            self.expired = False
        self.scope["extensions"] = {"edge": self}  # type: ignore[dict-item]  # read by our application only
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def _check_headers(self) -> None:
        hosts = codings = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1 if _HOST.fullmatch(value) else 2
            elif name == b"transfer-encoding":
                codings += 1 if value.strip().lower() == b"chunked" else 2
        if hosts != 1:
            self._refuse(problems.HOSTLESS)
        self._is_chunked = codings == 1
        if codings > 1:
            self._refuse(problems.MALFORMED)

    def _refuse(self, problem: Problem) -> None:
        """Stop the parser; what it raises ends in `send_400_response`."""
        self._refusal = problem
        raise ValueError(problem.code)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's text is not ours
        """Answer what the parser refused, unless an answer is already under way."""
        problem = self._refusal = self._refusal or problems.MALFORMED
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or self.pipeline:
                self.abort()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self._answer(problem)
        gone, self.on_gone = self.on_gone, None
        if gone is not None:
            gone()

    def _answer(self, problem: Problem) -> None:
        """Say no without the application, and close."""
        self._refusal = problem
        self._door.on_refused(problem)
        request_id = str(new_id())
        body = problem.document(request_id)
        headers = [
            *self._door.headers,
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        lines = [name + b": " + value + b"\r\n" for name, value in headers]
        self.transport.write(b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body]))
        self.transport.close()

    def respond(self, status: int, headers: list[Header], body: bytes) -> bool:
        """Write a whole answer at once; False when only uvicorn's slower way can do it.

        It spares a system call and the checking of headers that the parser has let in or that are our own.
        """
        cycle = self.cycle
        if self.pipeline or cycle.response_started or cycle.disconnected or self.flow.write_paused:
            return False
        parts = [STATUS_LINE[status]]
        for name, value in cycle.default_headers:
            parts += (name, b": ", value, b"\r\n")
        bodiless = cycle.scope["method"] == "HEAD"
        measured = status in (204, 304) or bodiless
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
            measured = measured or name == b"content-length"
        if not measured:
            parts.append(b"content-length: %d\r\n" % len(body))
        parts += (b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n", b"" if bodiless else body)
        self.transport.write(b"".join(parts))
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

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
        self.cycle.response_started = True
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
            self.flow.resume_reading()  # else the end of the client's side is never seen
        self.cycle.response_complete = True
        self.cycle.message_event.set()
        self.deadline = self.loop.time() + self._bounds.linger_seconds
        self.transport.close()

    def resume_writing(self) -> None:
        """The client takes more again."""
        super().resume_writing()
        if self.on_writable is not None:
            self.on_writable()

    # The body, and what is left of it when the answer was early

    def on_body(self, body: bytes) -> None:
        """A piece of the body; after an early answer the rest is read away, up to a bound, so that it arrives."""
        self._allowed += _FRAMING_PER_BYTE * len(body)
        if self.cycle.response_complete:
            self._lingered += len(body)
            if self._lingered > self._bounds.linger_bytes:
                self.transport.close()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is complete."""
        super().on_message_complete()
        self._body_done = True
        self._allowed = NEVER
        if self.cycle.response_complete:
            self.deadline = self.loop.time() + self.timeout_keep_alive

    def on_response_complete(self) -> None:
        """The answer is out: wait for the rest of the request's body, for the client to take it, or for the next one.

        It stands in for uvicorn's, which arms and disarms a timer for every request.
        """
        self.server_state.total_requests += 1
        self.on_gone = None
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if not self._body_done:
            self.deadline = self.loop.time() + self._bounds.linger_seconds
        elif self.transport.get_write_buffer_size():
            self.deadline = self.loop.time() + self._bounds.write_seconds
        elif self._busy:
            self.deadline = NEVER
        else:
            self.deadline = self.loop.time() + self.timeout_keep_alive
            self._resting = True

    def _unsupported_upgrade_warning(self) -> None:
        """The application answers upgrades."""


def make_config(app: Any, door: Door, *, drain: int = 20) -> uvicorn.Config:
    """uvicorn, configured for this door."""

    def connection(*args: Any, **kwargs: Any) -> EdgeConnection:
        return EdgeConnection(*args, door=door, **kwargs)

    return uvicorn.Config(
        app,
        http=connection,  # type: ignore[arg-type]  # uvicorn calls it, a class or not
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=drain,
        backlog=2048,
    )
