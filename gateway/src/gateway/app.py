"""The gateway's path of every request, as raw ASGI: recognise, admit, forward, record."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from gateway import access
from gateway.access import AccessLog
from gateway.addresses import Addresses, limited_as
from gateway.cache.cache import Cache
from gateway.events.door import EventsDoor
from gateway.headers import SECURITY, STRICT_TRANSPORT, Cors, Head, read_head
from gateway.health import Health
from gateway.limits import Limiter
from gateway.problems import (
    INVALID_TOKEN,
    ORIGIN_REFUSED,
    OVERLOADED,
    REVOKED,
    TOO_LARGE,
    TOO_MANY,
    UNAUTHENTICATED,
    UPGRADE_NEEDED,
    UPGRADE_REFUSED,
    Problem,
    Refused,
    retry_after,
)
from gateway.revocations import Revocations
from gateway.routes import Route, RouteTable, checked_path
from gateway.stays import Stays
from gateway.tally import Tally, Verdict, Whose
from gateway.tokens import CHALLENGE, CHALLENGE_INVALID, Session, Verifier, bearer
from gateway.tunnel import tunnel
from gateway.upgrade import Handshake, handshake, token_of_subprotocol
from gateway.upstream import Upstream
from gateway.visit import CLIENT_GONE, ClientGone, Receive, Scope, Send, Visit
from kit.ids import new_request_id
from kit.telemetry import tracing

log = structlog.get_logger(__name__)

_UUID7 = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_BUG = Problem(500, "internal", "Something went wrong on our side.")
_REJECTED = frozenset({INVALID_TOKEN.code, UNAUTHENTICATED.code})


def _shown(head: Head) -> bytes:
    """The one token that a request shows."""
    if head.authorizations != 1:
        raise Refused(UNAUTHENTICATED, [CHALLENGE])
    return bearer(head.authorization)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the gateway is made of."""

    routes: RouteTable
    upstreams: Mapping[str, Upstream]
    verifier: Verifier
    limiter: Limiter
    revocations: Revocations
    addresses: Addresses
    cors: Cors
    log: AccessLog
    health: Health
    stays: Stays
    events: EventsDoor
    cache: Cache
    secure: bool = False
    """Whether everything is reached over TLS, so that browsers may be told to insist on it."""
    max_in_flight: int = 1024
    trace_sample: float = 0.01


class Gateway:
    """The ASGI application."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._in_flight = 0
        access.IN_FLIGHT.set_function(lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever comes."""
        visit = Visit(scope, receive, send, read_head(scope["headers"]), [])
        trusted = self._recognise(visit)
        self._in_flight += 1
        try:
            if self._is_traced(visit, trusted=trusted):
                await self._traced(visit)
            else:
                await self._answered(visit)
        finally:
            self._in_flight -= 1
            self._parts.log.record(visit)

    def _is_traced(self, visit: Visit, *, trusted: bool) -> bool:
        """Go on with the caller's trace, or begin one; a stranger cannot make us record more than our share."""
        given = visit.head.traceparent.decode("latin-1").strip() if visit.head.traceparent else ""
        context = tracing.parse(given) if given else None
        if context is None:
            visit.traceparent = tracing.unrecorded() or ""
            return not visit.traceparent
        visit.traceparent = given
        if context.sampled and not trusted and random.random() >= self._parts.trace_sample:
            visit.traceparent = f"{given[:53]}00"
            return False
        return context.sampled

    async def _traced(self, visit: Visit) -> None:
        given = visit.traceparent
        scope = tracing.continued(given, visit.method, kind="server") if given else tracing.recorded(visit.method)
        with scope as span:
            visit.traceparent = tracing.current_traceparent() or ""
            await self._answered(visit)
            if visit.route is not None:
                span.rename(f"{visit.method} {visit.route.prefix}")
            span.set("http.response.status_code", visit.status)
            if visit.status >= 500:
                span.fail(visit.outcome)

    async def _answered(self, visit: Visit) -> None:
        try:
            await self._admit(visit)
        except Refused as refusal:
            await self._refuse(visit, refusal)
        except ClientGone:
            visit.outcome = "client-gone"
            visit.status = visit.status or CLIENT_GONE
            visit.edge.abort()
        except Exception:
            log.exception("gateway.bug", request_id=visit.request_id)
            await self._refuse(visit, Refused(_BUG))

    async def _refuse(self, visit: Visit, refusal: Refused) -> None:
        if visit.started:
            visit.break_off(refusal.problem.code)
            return
        if refusal.problem.status >= 502 and visit.route is not None and refusal.problem is not OVERLOADED:
            access.UPSTREAM_ERRORS.labels(visit.route.upstream, refusal.problem.code).inc()
        await visit.refuse(refusal)

    # Recognise

    def _recognise(self, visit: Visit) -> bool:
        """Give the request its name and its sender, and begin the headers of its answer; says whether to trust it."""
        parts, head = self._parts, visit.head
        client = visit.scope["client"]
        peer: str = client[0] if client else ""
        trusted = parts.addresses.is_trusted(peer)
        visit.address = parts.addresses.client(peer, head.forwarded_for)
        if trusted and _UUID7.fullmatch(head.request_id):
            visit.request_id = head.request_id.decode()
        else:
            visit.request_id = new_request_id()
        if not trusted or head.forwarded_proto not in (b"http", b"https"):
            head.forwarded_proto = visit.scope["scheme"].encode()
        visit.headers = [(b"x-request-id", visit.request_id.encode()), *SECURITY]
        if parts.secure or head.forwarded_proto == b"https":
            visit.headers.append(STRICT_TRANSPORT)
        visit.headers += parts.cors.headers(head.origin)
        return trusted

    # Admit

    async def _admit(self, visit: Visit) -> None:
        """Everything that can be said without a service; then the service."""
        parts = self._parts
        path = checked_path(visit.path, visit.scope["raw_path"])
        if path in ("/livez", "/readyz"):
            await self._tell_health(visit, path)
            return
        if self._in_flight > parts.max_in_flight:
            raise Refused(OVERLOADED, [retry_after(1)])
        if visit.head.preflight and visit.method == "OPTIONS" and visit.head.origin:
            await self._answer_preflight(visit)
            return
        route = visit.route = parts.routes.match(visit.method, path)
        shake = self._handshake(visit, route)
        session = await self._limited(visit, route)
        if visit.head.content_length > route.body_limit:
            raise Refused(TOO_LARGE)
        if shake is None and route.upstream != "gateway":
            await parts.cache.serve(visit, route, parts.upstreams[route.upstream], session)
            return
        self._in_flight -= 1  # it may last for hours, and is counted among the long connections
        try:
            if route.upstream == "gateway":
                await parts.events.serve(visit, session, shake)
            elif shake is not None:
                await tunnel(visit, route, parts.upstreams[route.upstream], shake, stays=parts.stays, session=session)
        finally:
            self._in_flight += 1

    def _handshake(self, visit: Visit, route: Route) -> Handshake | None:
        """The WebSocket handshake, on a route that takes one."""
        ours = route.upstream == "gateway"
        if not visit.head.upgrade:
            if ours and route.websocket:
                raise Refused(UPGRADE_NEEDED, [(b"upgrade", b"websocket")])
            return None
        if not route.websocket:
            raise Refused(UPGRADE_REFUSED, [(b"connection", b"close")])
        shake = handshake(visit, self._parts.cors, ours=ours)
        token_of_subprotocol(visit.head)
        return shake

    async def _tell_health(self, visit: Visit, path: str) -> None:
        alive = path == "/livez" or self._parts.health.ready
        content = b'{"status":"ok"}' if alive else b'{"status":"unready"}'
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await visit.answer(200 if alive else 503, headers, content)

    async def _answer_preflight(self, visit: Visit) -> None:
        cors, origin = self._parts.cors, visit.head.origin
        if not cors.allows(origin):
            raise Refused(ORIGIN_REFUSED)
        visit.headers = [
            header for header in visit.headers if not header[0].startswith((b"access-control-", b"vary"))
        ]
        await visit.answer(204, cors.preflight(origin))

    async def _limited(self, visit: Visit, route: Route) -> Session | None:
        """Find out who calls and whether they may call just now; a rejected token costs its sender, too."""
        parts = self._parts
        limiter = parts.limiter
        whose = Whose(limited_as(visit.address))
        known = limiter.known(route, whose)
        if known is not None:
            raise self._too_many(*known)
        session, rejected = (None, None) if route.public else await self._caller(visit.head)
        if session is not None:
            whose = Whose(whose.address, session.user_id, session.organization, session.session_id)
        question = limiter.question(route, whose)
        visit.look = parts.cache.look(visit, route, session)  # it leaves with the question of the limits
        verdict = await limiter.check(question)
        if verdict.local:
            access.FALLBACK.inc()
        if verdict.retry_after:
            raise self._too_many(verdict, question.tally)
        visit.headers += verdict.headers(question.tally.policies)
        if rejected is not None:
            raise rejected
        if session is not None and self._has_ended(session, verdict.epoch, revoked=verdict.session_revoked):
            raise Refused(REVOKED, [CHALLENGE_INVALID])
        return session

    def _too_many(self, verdict: Verdict, tally: Tally) -> Refused:
        access.LIMITED.labels(verdict.limit.name.decode()).inc()
        return Refused(TOO_MANY, [retry_after(verdict.retry_after), *verdict.headers(tally.policies)])

    def _has_ended(self, session: Session, epoch: int | None, *, revoked: bool) -> bool:
        return revoked or (epoch is not None and session.epoch < epoch) or self._parts.revocations.cover(session)

    async def _caller(self, head: Head) -> tuple[Session | None, Refused | None]:
        """Whose token it is, or why that cannot be said."""
        verifier = self._parts.verifier
        try:
            token = _shown(head)
            return verifier.known(token) or await verifier.session(token), None
        except Refused as refusal:
            if refusal.problem.code not in _REJECTED:
                raise
            return None, refusal
