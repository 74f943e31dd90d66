"""Carries one request to a service and its answer back, piece by piece, neither side running ahead of the other."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.deadlines import NEVER
from gateway.headers import answer_headers
from gateway.problems import UPSTREAM_AWAY, UPSTREAM_SLOW, Header, Refused, retry_after
from gateway.routes import Route
from gateway.upstream import Connection, Upstream, UpstreamFailed
from gateway.visit import ClientGone, Visit

REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

Deliver = Callable[[Visit, Route, Connection], Awaitable[None]]
"""Brings an answer, of which the head is there, to the client."""


async def forward(
    visit: Visit,
    route: Route,
    upstream: Upstream,
    *,
    settled: Callable[[], Awaitable[None]] | None = None,
    deliver: Deliver | None = None,
    anew: bool = False,
) -> None:
    """Answer a request by asking the service behind its route.

    `settled` is awaited once the service has answered or will not, before the client hears of it. `anew` takes a new
    connection, after one that was kept has failed.

    Raises:
        Refused: when the service does not answer, or the request's body is too large or too slow.
        ClientGone: when the client left before the end.
    """
    first, more = b"", False
    if visit.head.has_body:
        first, more = await visit.read_body(route.body_limit, route.timeouts)
    request = whole_request(visit, upstream, first, more=more)
    try:
        try:
            connection, pump = await _asked(visit, route, upstream, request, more=more, anew=anew)
        finally:
            if settled is not None:
                await settled()
    except UpstreamFailed as failed:
        raise refusal_of(visit, failed) from failed
    await deliver_on(visit, route, connection, deliver or relay, pump)


async def deliver_on(
    visit: Visit,
    route: Route,
    connection: Connection,
    deliver: "Deliver",
    pump: "asyncio.Task[None] | None" = None,
) -> None:
    """Bring an answer, of which the head is there, to the client, and give the connection back.

    Raises:
        Refused: when it breaks off before the client has heard anything.
        ClientGone: when the client left before the end.
    """
    try:
        await deliver(visit, route, connection)
    except UpstreamFailed as failed:
        if visit.edge.lost or not visit.started:
            raise refusal_of(visit, failed) from failed
        visit.break_off("upstream-broke-off")
    finally:
        whole = pump is None or (pump.done() and not pump.cancelled() and visit.body_failure is None)
        if pump is not None and not pump.done():
            pump.cancel()
        visit.edge.on_gone = None
        connection.release(whole_request=whole)


def refusal_of(visit: Visit, failed: UpstreamFailed) -> Exception:
    """What a failed exchange is to the client."""
    if visit.body_failure is not None:
        return visit.body_failure
    if visit.edge.lost:
        return ClientGone()
    visit.outcome = failed.reason
    wait = [retry_after(1)] if failed.problem is UPSTREAM_AWAY else []
    return Refused(failed.problem, wait)


def whole_request(visit: Visit, upstream: Upstream, first: bytes = b"", *, more: bool = False) -> bytes:
    """The request as the service sees it, with its body if that is at hand."""
    head = visit.head
    parts = [request_head(visit, upstream)]
    if more:
        chunked = head.content_length < 0
        parts.append(
            b"transfer-encoding: chunked\r\n" if chunked else b"content-length: %d\r\n" % head.content_length
        )
        parts += (b"\r\n", _framed(first, chunked=chunked))
    else:
        if first or visit.method in _WITH_BODY or head.has_body:
            parts.append(b"content-length: %d\r\n" % len(first))
        parts += (b"\r\n", first)
    return b"".join(parts)


def request_head(visit: Visit, upstream: Upstream) -> bytes:
    """The head of the request, written anew from what was parsed; framing and the empty line are still to come."""
    head = visit.head
    proto = "https" if head.forwarded_proto == b"https" else "http"
    told = (
        f"x-request-id: {visit.request_id}\r\ntraceparent: {visit.traceparent}\r\n"
        f"x-forwarded-for: {visit.address}\r\nx-forwarded-proto: {proto}\r\nx-forwarded-host: "
    )
    parts = [visit.method.encode(), b" ", visit.target, b" HTTP/1.1\r\nhost: ", upstream.authority, b"\r\n"]
    parts += head.passed
    if visit.route is not None and visit.route.foreign and head.origin:
        parts += (b"origin: ", head.origin, b"\r\n")
    if head.authorization:
        parts += (b"authorization: ", head.authorization, b"\r\n")
    parts += (told.encode(), head.host, b"\r\n")
    return b"".join(parts)


def _framed(piece: bytes, *, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece


async def _asked(
    visit: Visit, route: Route, upstream: Upstream, request: bytes, *, more: bool, anew: bool
) -> tuple[Connection, "asyncio.Task[None] | None"]:
    """Send the request and wait for the head of the answer.

    A connection that was kept may have been closed by the service in the same moment; then a request that may be
    repeated, of which no byte was answered, is sent once more on a new connection. Nothing else is ever repeated.
    """
    repeatable = visit.method in REPEATABLE and not more
    connection = None if anew else upstream.idle(repeatable=repeatable)
    if connection is not None and repeatable:
        try:
            return await _ask(visit, route, connection, request, more=more)
        except UpstreamFailed as failed:
            if not may_repeat(visit, failed):
                raise
            connection = None
    if connection is None:
        connection = await upstream.connect(route.timeouts.connect)
    return await _ask(visit, route, connection, request, more=more)


def may_repeat(visit: Visit, failed: UpstreamFailed) -> bool:
    """Whether a repeatable request is sent once more, after this on a connection that was kept."""
    return not (failed.received or failed.problem is UPSTREAM_SLOW or visit.edge.lost)


async def _ask(
    visit: Visit, route: Route, connection: Connection, request: bytes, *, more: bool
) -> tuple[Connection, "asyncio.Task[None] | None"]:
    pump: asyncio.Task[None] | None = None
    visit.edge.on_gone = connection.cancel
    try:
        visit.insist()
        connection.send(visit.method.encode(), request, route.timeouts.first_byte)
        if more:
            connection.deadline = NEVER
            pump = asyncio.create_task(_pump(visit, route, connection))
        await connection.head()
    except BaseException:
        visit.edge.on_gone = None
        if pump is not None:
            pump.cancel()
        connection.release(whole_request=False)
        raise
    return connection, pump


async def _pump(visit: Visit, route: Route, connection: Connection) -> None:
    """Send the rest of the request's body on, as fast as the service takes it and the client gives it."""
    chunked = visit.head.content_length < 0
    more = True
    try:
        while more:
            if not connection.started:
                connection.deadline = visit.now() + route.timeouts.idle
            await connection.drain()
            if not connection.started:
                connection.deadline = NEVER
            piece, more = await visit.read_body(route.body_limit, route.timeouts)
            connection.write(_framed(piece, chunked=chunked))
        if chunked:
            connection.write(b"0\r\n\r\n")
        if not connection.started:
            connection.deadline = visit.now() + route.timeouts.first_byte
    except (Refused, ClientGone) as failure:
        visit.body_failure = failure
        connection.cancel()


async def gathered(visit: Visit, route: Route, connection: Connection, at_most: int) -> tuple[bytes, bool]:
    """The body, and whether that is all of it; about as much as there may be, where it is longer.

    Raises:
        UpstreamFailed: when it breaks off.
    """
    body = connection.take()
    while not connection.complete and len(body) <= at_most:
        connection.deadline = visit.now() + route.timeouts.idle
        await connection.change()
        body += connection.take()
    connection.deadline = NEVER
    return body, connection.complete and len(body) <= at_most


async def relay(visit: Visit, route: Route, connection: Connection, first: bytes = b"") -> None:
    """Bring the answer to the client, each piece as it comes, after the first that was taken before."""
    connection.deadline = NEVER
    if connection.is_whole():
        visit.whole(connection.status, answered(route, connection), first + connection.take())
        return
    visit.start(connection.status, answered(route, connection))
    if first:
        await visit.body(first, more=True)
    while True:
        piece = connection.take()
        if connection.complete:
            await visit.body(piece + connection.take(), more=False)
            return
        if piece:
            await visit.body(piece, more=True)
            continue
        connection.deadline = visit.now() + route.timeouts.idle
        await connection.change()
        connection.deadline = NEVER


def answered(route: Route, connection: Connection) -> list[Header]:
    """The headers that reach the client; not to be stored, unless the service or the route says otherwise."""
    bodiless = connection.status in (204, 304)
    return answer_headers(connection.headers, bodiless=bodiless, store=route.cacheable, foreign=route.foreign)
