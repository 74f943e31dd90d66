"""A transport of our own for who sends very much: HTTP/1.1 on httptools, kept connections, one exchange on each.

An exchange costs a fifth of the processor that pyreqwest takes, whose threads wait for the interpreter at every turn.
What is proven and what is not is told exactly alike (`kit.http.transport`).
"""

import asyncio
import re
import ssl
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

import httptools

from kit.http.transport import Answer, AnswerTooLarge, NotSent, Outgoing, Unanswered, Unsendable

CONNECTIONS: Final = 800
"""To one origin at once; whoever comes beyond waits for one as long as for a connection."""

_HEAD: Final = 64 * 1024
_IDLE: Final = 30.0
_FRESH: Final = 4.0
"""Seconds for which an idle connection carries what must not be repeated: the other side may be closing it."""
_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})
_BODILESS: Final = frozenset({204, 304})
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_TARGET: Final = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*")


class Origin(NamedTuple):
    """Where connections go: the name that certificates and the host field carry, and the address if it is pinned."""

    tls: bool
    host: str
    port: int
    address: str


class Http1Transport:
    """Carries requests over kept connections: no proxies of the environment, no redirects, no cookies, no referer."""

    def __init__(self, *, connect: float = 3.0, read: float = 10.0, user_agent: str = "rostrum") -> None:
        self._connect, self._read, self._user_agent = connect, read, user_agent
        self._origins: dict[Origin, _Connections] = {}
        self._tls: ssl.SSLContext | None = None

    async def exchange(self, request: Outgoing, *, within: float, at_most: int) -> Answer:
        """Send a request and read the whole answer, in at most `within` seconds and `at_most` bytes."""
        origin, data = self._written(request)
        pool = self._origins.get(origin)
        if pool is None:
            pool = self._origins[origin] = _Connections(origin, await self._context() if origin.tls else None)
        loop = asyncio.get_running_loop()
        ends = loop.time() + within
        connection = await pool.take(min(self._connect, within), repeatable=request.method in _REPEATABLE)
        try:
            return await connection.ask(request.method, data, at_most, self._read, ends)
        finally:
            pool.put(connection)

    async def warm(self) -> None:
        """Make ready, so that the first request leaves at once."""
        await self._context()

    async def close(self) -> None:
        """Let go of all connections."""
        pools, self._origins = list(self._origins.values()), {}
        for pool in pools:
            pool.close()

    async def _context(self) -> ssl.SSLContext:
        """Reading the certificates takes long, so it is done in a thread."""
        if self._tls is None:
            context = await asyncio.to_thread(ssl.create_default_context)
            context.set_alpn_protocols(["http/1.1"])
            self._tls = context
        return self._tls

    def _written(self, request: Outgoing) -> tuple[Origin, bytes]:
        """Where it goes, and its bytes.

        Raises:
            Unsendable: its address or a field of its head cannot be written.
        """
        origin, target, authority = _addressed(request.url)
        if request.pinned is not None:
            origin = Origin(origin.tls, origin.host, request.pinned[2], request.pinned[1])
        lines, named, body = [f"{request.method} {target} HTTP/1.1\r\nhost: {authority}"], False, request.body
        for name, value in request.headers:
            known = name.lower()
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or known in _OURS:
                raise Unsendable("the request cannot be made")
            named = named or known == "user-agent"
            lines.append(f"{name}: {value}")
        if not named:
            lines.append(f"user-agent: {self._user_agent}")
        if body is not None or request.method not in _REPEATABLE:
            lines.append(f"content-length: {len(body or b'')}")
        try:
            head = "\r\n".join(lines).encode("latin-1")
        except UnicodeEncodeError as error:
            raise Unsendable("the request cannot be made") from error
        return origin, b"%s\r\n\r\n%s" % (head, body or b"")


@lru_cache(maxsize=1024)
def _addressed(url: str) -> tuple[Origin, str, str]:
    """Where an address leads, what is asked for there, and how the host is named.

    Raises:
        Unsendable: it is no address of HTTP.
    """
    try:
        parts = urlsplit(url)
        host, tls = (parts.hostname or "").encode("idna").decode(), parts.scheme == "https"
        usual = 443 if tls else 80
        port = parts.port or usual
    except ValueError as error:
        raise Unsendable("the request cannot be made") from error
    if not host or parts.scheme not in ("http", "https"):
        raise Unsendable("the request cannot be made")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.fullmatch(target):
        target = quote(target, safe="!$%&'()*+,-./:;=?@[]_~")
    named = f"[{host}]" if ":" in host else host
    return Origin(tls, host, port, host), target, named if port == usual else f"{named}:{port}"


@dataclass(slots=True)
class _Connections:
    """The connections to one origin; those that rest wait with the last used at the end."""

    origin: Origin
    tls: ssl.SSLContext | None
    resting: deque["_Connection"] = field(default_factory=deque)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS))

    async def take(self, within: float, *, repeatable: bool) -> "_Connection":
        """A connection that is ours until it is put back.

        Raises:
            NotSent: there is none to be had in this time.
        """
        if not self.places.locked():
            await self.places.acquire()
        else:
            try:
                async with asyncio.timeout(within):
                    await self.places.acquire()
            except TimeoutError as error:
                raise NotSent("no connection became free") from error
        try:
            return self._rested(_IDLE if repeatable else _FRESH) or await self._new(within)
        except BaseException:
            self.places.release()
            raise

    def put(self, connection: "_Connection") -> None:
        """Take it back; it is kept if both sides have said everything and mean to go on."""
        self.places.release()
        if connection.reusable:
            connection.rests_since = connection.loop.time()
            self.resting.append(connection)
            if self.resting[0].rests_since < connection.rests_since - _IDLE:
                self.resting.popleft().abort()
        else:
            connection.abort()

    def close(self) -> None:
        """End those that rest; the others end with their exchange."""
        while self.resting:
            self.resting.pop().abort()

    def _rested(self, trusted: float) -> "_Connection | None":
        while self.resting:
            connection = self.resting.pop()
            if connection.usable and connection.loop.time() - connection.rests_since <= trusted:
                return connection
            connection.abort()
        return None

    async def _new(self, within: float) -> "_Connection":
        loop, origin = asyncio.get_running_loop(), self.origin
        named = origin.host if self.tls is not None else None
        try:
            async with asyncio.timeout(within):
                _, connection = await loop.create_connection(
                    lambda: _Connection(loop), origin.address, origin.port, ssl=self.tls, server_hostname=named
                )
        except (OSError, UnicodeError) as error:  # a time-out and a certificate that is none, too
            raise NotSent("no connection") from error
        return connection


class _Connection(asyncio.Protocol):
    """One connection; `ask` is one exchange."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.rests_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Answer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._method = ""
        self._kept = self._to_the_end = False

    async def ask(self, method: str, data: bytes, at_most: int, read: float, ends: float) -> Answer:
        """Send these bytes and wait for the whole answer.

        Raises:
            Unanswered: it did not come whole, or not in time.
        """
        if self._method == "HEAD":  # the parser still waits for the body that does not come
            self._parser = httptools.HttpResponseParser(self)
        self._method, self._at_most, self._read, self._ends = method, at_most, read, ends
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._size = self._head_size = self._status = 0
        self._kept = self._to_the_end = False
        self._heard = self.loop.time()
        self._answer = self.loop.create_future()
        self._timer = self.loop.call_at(min(ends, self._heard + read), self._late)
        try:
            if self._transport is None or self._transport.is_closing():
                raise Unanswered("the connection was lost")
            self._transport.write(data)
            return await self._answer
        finally:
            self._timer.cancel()
            self._answer = None

    @property
    def usable(self) -> bool:
        """Whether it can carry a request."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether the exchange has ended so that another one may follow."""
        return self._kept and self.usable

    def abort(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is up."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport, by create_connection

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, which for an answer of unknown length is its proper end."""
        if self._to_the_end and exc is None:
            self._done()
        else:
            self._fail(Unanswered("the connection was lost"))
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """A piece of the answer; what nobody asked for ends the connection."""
        if self._answer is None or self._answer.done():
            self._kept = False
            self.abort()
            return
        self._heard = self.loop.time()
        if not self._status:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(Unanswered("the answer is malformed"))
        if not self._status and self._head_size > _HEAD:
            self._fail(Unanswered("the head of the answer does not end"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; those behind the body are dropped."""
        if not self._status:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is there; interim answers are passed over."""
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = {}
            return
        self._status = status
        length, coding = self._headers.get("content-length"), self._headers.get("transfer-encoding")
        if length is not None and length.isdecimal() and int(length[:19]) > self._at_most and self._method != "HEAD":
            self._fail(AnswerTooLarge(f"more than {self._at_most} bytes"))
        bodiless = self._method == "HEAD" or status in _BODILESS
        self._to_the_end = length is None and coding is None and not bodiless
        self._kept = self._parser.should_keep_alive() and not self._to_the_end
        if self._method == "HEAD":
            self._done()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._size += len(body)
        if self._size > self._at_most:
            self._fail(AnswerTooLarge(f"more than {self._at_most} bytes"))
        else:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one."""
        if self._status:
            self._done()

    def _done(self) -> None:
        if self._answer is not None and not self._answer.done():
            body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            self._answer.set_result(Answer(self._status, self._headers, body))

    def _fail(self, trouble: Unanswered) -> None:
        if self._answer is not None and not self._answer.done():
            self._kept = False
            self._answer.set_exception(trouble)
            self.abort()

    def _late(self) -> None:
        """Nothing came for too long, or not all of it in time; else look again later."""
        until = min(self._ends, self._heard + self._read)
        if until > self.loop.time():
            self._timer = self.loop.call_at(until, self._late)
        else:
            self._fail(Unanswered("no answer in time"))
