"""WebSockets to a service: the handshake is carried over, then bytes both ways, neither side running ahead."""

import asyncio
from collections.abc import Callable

import httptools
from websockets.utils import accept_key

from gateway.deadlines import NEVER
from gateway.forward import request_head
from gateway.headers import answer_headers, lines_of
from gateway.problems import BAD_UPSTREAM, UPSTREAM_AWAY, UPSTREAM_SLOW, Header, Refused, retry_after
from gateway.routes import Route
from gateway.stays import Stay, Stays
from gateway.tokens import Session
from gateway.upgrade import Handshake
from gateway.upstream import Upstream
from gateway.visit import ClientGone, Visit

_LARGEST_REFUSAL = 64 * 1024


class _Far(asyncio.Protocol):
    """The connection to the service: first its answer to the handshake, then raw bytes."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[Header] = []
        self.body = b""
        self.rest = b""
        self.lost = False
        self.broken = False
        self.answered = asyncio.Event()
        self.on_data: Callable[[bytes], None] | None = None
        self.on_lost: Callable[[], None] = lambda: None
        self.on_paused: Callable[[bool], None] = lambda _paused: None
        self._parser = httptools.HttpResponseParser(self)
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream transport, by create_connection

    def data_received(self, data: bytes) -> None:
        if self.on_data is not None:
            self.on_data(data)
            return
        if self.answered.is_set():
            self.rest += data
            return
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.status = self._parser.get_status_code()
            self.rest = data[upgrade.args[0] :]
            self.answered.set()
        except httptools.HttpParserError:
            self._break()
        if self._size > _LARGEST_REFUSAL and not self.rest:
            self._break()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if self.status != 101:
            self.answered.set()

    def _break(self) -> None:
        self.broken = True
        self.answered.set()

    def pause_writing(self) -> None:
        self.on_paused(True)

    def resume_writing(self) -> None:
        self.on_paused(False)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self.lost = True
        self.answered.set()
        self.on_lost()


async def tunnel(
    visit: Visit, route: Route, upstream: Upstream, shake: Handshake, *, stays: Stays, session: Session | None
) -> None:
    """Carry a WebSocket to the service behind a route, until either side ends it or it must end.

    Raises:
        Refused: when the service cannot be reached or does not answer the handshake properly.
        ClientGone: when the client has left meanwhile.
    """
    stay = stays.admit(session)
    visit.lasting = True
    far: _Far | None = None
    try:
        far = await _connected(upstream, route)
        await _shaken(visit, route, upstream, far)
        if far.status != 101:
            _refused(visit, far)
            return
        if _header(far, b"sec-websocket-accept") != accept_key(shake.key).encode():
            raise Refused(BAD_UPSTREAM)
        await _Pipe(visit, route, far, stay).run()
    finally:
        visit.edge.on_gone = None
        if far is not None:
            far.transport.close()
        stays.leave(stay)


async def _connected(upstream: Upstream, route: Route) -> _Far:
    try:
        async with asyncio.timeout(route.timeouts.connect):
            return await upstream.open(_Far)
    except (OSError, TimeoutError) as trouble:
        raise Refused(UPSTREAM_AWAY, [retry_after(1)]) from trouble


async def _shaken(visit: Visit, route: Route, upstream: Upstream, far: _Far) -> None:
    """Ask for the upgrade in the client's words, and wait for the answer."""
    head = request_head(visit, upstream)
    far.transport.write(head + b"connection: Upgrade\r\nupgrade: websocket\r\n\r\n")
    visit.edge.on_gone = far.answered.set
    try:
        async with asyncio.timeout(route.timeouts.first_byte):
            await far.answered.wait()
    except TimeoutError as late:
        raise Refused(UPSTREAM_SLOW) from late
    visit.insist()
    if far.broken or not far.status or (far.lost and far.status == 101):
        raise Refused(BAD_UPSTREAM)


def _refused(visit: Visit, far: _Far) -> None:
    """The service says no in its own words."""
    headers = [header for header in answer_headers(far.headers, bodiless=False) if header[0] != b"content-length"]
    visit.answer(far.status, headers, far.body)


def _header(far: _Far, wanted: bytes) -> bytes:
    return next((value for name, value in far.headers if name == wanted), b"")


class _Pipe:
    """Bytes both ways; while one side takes no more, the other is not read."""

    def __init__(self, visit: Visit, route: Route, far: _Far, stay: Stay) -> None:
        self._visit = visit
        self._edge = visit.edge
        self._far = far
        self._out = far.transport
        self._stay = stay
        self._idle = route.timeouts.idle
        self._loop = asyncio.get_running_loop()
        self._moved_at = self._loop.time()
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Until it is over."""
        visit, edge, far = self._visit, self._edge, self._far
        visit.started, visit.status = True, 101
        edge.on_gone = far.on_lost = self._stay.on_end = self._over.set
        edge.on_writable = self._near_writable
        far.on_paused = self._far_paused
        told = answer_headers(far.headers, bodiless=True)
        lines = lines_of(told) + b"".join(visit.lines)
        switched = b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n%b\r\n" % lines
        edge.switch(switched, self._to_far)
        far.on_data = self._to_near
        rest, far.rest = far.rest, b""
        if rest:
            self._to_near(rest)
        try:
            await self._until_over()
        finally:
            edge.on_writable = None
            edge.hang_up()

    async def _until_over(self) -> None:
        while not self._over.is_set() and not self._stay.ending and not self._edge.lost and not self._far.lost:
            quiet = self._loop.time() - self._moved_at
            if quiet >= self._idle:
                self._visit.outcome = "idle"
                return
            try:
                async with asyncio.timeout(self._idle - quiet):
                    await self._over.wait()
            except TimeoutError:
                continue
        if self._stay.ending:
            self._visit.outcome = self._stay.ending
        elif self._edge.lost:
            raise ClientGone

    def _to_far(self, data: bytes) -> None:
        self._moved_at = self._loop.time()
        self._visit.bytes_in += len(data)
        if not self._out.is_closing():
            self._out.write(data)

    def _to_near(self, data: bytes) -> None:
        self._moved_at = self._loop.time()
        self._visit.bytes_out += len(data)
        if self._edge.lost:
            return
        self._edge.transport.write(data)
        if self._edge.write_paused:
            self._edge.deadline = self._loop.time() + self._edge.write_seconds
            if not self._out.is_closing():
                self._out.pause_reading()

    def _near_writable(self) -> None:
        self._edge.deadline = NEVER
        if not self._out.is_closing():
            self._out.resume_reading()

    def _far_paused(self, paused: bool) -> None:
        if self._edge.lost:
            return
        if paused:
            self._edge.pause_reading()
        else:
            self._edge.resume_reading()
