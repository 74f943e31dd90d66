"""The gateway's path of every request: recognise, admit, forward, record."""

import asyncio
import random
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog

from gateway import access, cookies
from gateway.access import AccessLog
from gateway.addresses import Addresses, limited_as
from gateway.api_keys import ApiKeys, Held
from gateway.cache.cache import Cache
from gateway.events.door import EventsDoor
from gateway.events.presence import PATH as PRESENCE
from gateway.events.presence import PresenceDoor
from gateway.headers import FOREIGN_SECURITY, FOREIGN_STRICT_SECURITY, SECURITY, STRICT_SECURITY, Cors, Head
from gateway.health import Health
from gateway.limits import Limiter, Question
from gateway.maintenance import Maintenance
from gateway.passage import Passage
from gateway.problems import (
    ADDRESS_REFUSED,
    INVALID_API_KEY,
    INVALID_TOKEN,
    NO_ROUTE,
    NOT_WHILE_IMPERSONATING,
    ORIGIN_REFUSED,
    OVERLOADED,
    REVOKED,
    SCOPE_MISSING,
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
from gateway.seen import Seen
from gateway.stays import Stays
from gateway.tally import Tally, Verdict, Whose
from gateway.tokens import CHALLENGE, CHALLENGE_INVALID, Session, Verifier, bearer
from gateway.tunnel import tunnel
from gateway.upgrade import Handshake, handshake, token_of_subprotocol
from gateway.upstream import Upstream
from gateway.visit import CLIENT_GONE, ClientGone, Visit
from kit.http.api_keys import is_meant
from kit.http.tokens import scope_of
from kit.ids import new_request_id
from kit.telemetry import tracing

log = structlog.get_logger(__name__)

_UUID7 = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_BUG = Problem(500, "internal", "Something went wrong on our side.")
_REJECTED = frozenset({INVALID_TOKEN.code, UNAUTHENTICATED.code, INVALID_API_KEY.code, ADDRESS_REFUSED.code})
_KEY = slice(7, 10)
"""Where the three letters stand by which an API key is known, after `Bearer ` as after `ApiKey `."""
_MEANT = b"rk_"


def _shown(head: Head) -> bytes:
    """The one token that a request shows."""
    if head.authorizations != 1:
        raise Refused(UNAUTHENTICATED, [CHALLENGE])
    if head.authorization.startswith(b"ApiKey "):
        return _api_key(head.authorization[7:].strip())
    return bearer(head.authorization)


def _api_key(token: bytes) -> bytes:
    """What stands where only an API key may stand."""
    if not is_meant(token):
        raise Refused(INVALID_API_KEY, [CHALLENGE_INVALID])
    return token


@dataclass(frozen=True, slots=True)
class Parts:
    """What the gateway is made of."""

    routes: RouteTable
    upstreams: Mapping[str, Upstream]
    verifier: Verifier
    staff_verifier: Verifier
    api_keys: ApiKeys
    seen: Seen
    limiter: Limiter
    revocations: Revocations
    addresses: Addresses
    cors: Cors
    log: AccessLog
    health: Health
    stays: Stays
    events: EventsDoor
    presence: PresenceDoor
    cache: Cache
    maintenance: Maintenance
    staff_addresses: Addresses | None = None
    """Knows from where staff may come; without it, from anywhere."""
    secure: bool = False
    """Whether everything is reached over TLS, so that browsers may be told to insist on it."""
    max_in_flight: int = 1024
    trace_sample: float = 0.01


class Gateway:
    """Answers requests: what can be said at once is said, the rest is carried on by callbacks or by a task."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._in_flight = 0
        self._secure = parts.secure
        self._security = STRICT_SECURITY if parts.secure else SECURITY
        access.IN_FLIGHT.set_function(lambda: self._in_flight)

    def serve(self, visit: Visit) -> None:
        """Answer one request, whatever comes."""
        self._in_flight += 1
        try:
            if self._recognise(visit):
                self.spawn(visit, self._traced(visit))
            else:
                self._admit(visit)
        except Exception as failure:  # noqa: BLE001 - it is answered and, unless it is a refusal, logged
            self.end(visit, failure)

    def spawn(self, visit: Visit, work: Coroutine[Any, Any, None]) -> None:
        """Let a task carry a request to its end."""
        task = self._loop.create_task(self._carried(visit, work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _carried(self, visit: Visit, work: Coroutine[Any, Any, None]) -> None:
        failure: Exception | None = None
        try:
            await work
        except Exception as trouble:  # noqa: BLE001 - it is answered and, unless it is a refusal, logged
            failure = trouble
        finally:
            self.end(visit, failure)

    def end(self, visit: Visit, failure: Exception | None = None) -> None:
        """A request is over, or cannot go on."""
        if failure is not None:
            self._fail(visit, failure)
        self._in_flight -= 1
        self.parts.log.record(visit)

    def _fail(self, visit: Visit, failure: Exception) -> None:
        if isinstance(failure, Refused):
            self._refuse(visit, failure)
        elif isinstance(failure, ClientGone):
            visit.outcome = "client-gone"
            visit.status = visit.status or CLIENT_GONE
            if not visit.edge.lost:
                visit.edge.abort()
        else:
            log.error("gateway.bug", request_id=visit.request_id, exc_info=failure)
            self._refuse(visit, Refused(_BUG))

    def _refuse(self, visit: Visit, refusal: Refused) -> None:
        if visit.started:
            visit.break_off(refusal.problem.code)
            return
        if refusal.problem.status >= 502 and visit.route is not None and refusal.problem is not OVERLOADED:
            access.UPSTREAM_ERRORS.labels(visit.route.upstream, refusal.problem.code).inc()
        visit.refuse(refusal)

    # Recognise

    def _recognise(self, visit: Visit) -> bool:
        """Give the request its name, its sender and its trace; says whether that is recorded."""
        parts, head, edge = self.parts, visit.head, visit.edge
        trusted = edge.is_proxy
        visit.address = parts.addresses.client(edge.peer, head.forwarded_for) if trusted else edge.address
        if trusted and _UUID7.fullmatch(head.request_id):
            visit.request_id = head.request_id.decode()
        else:
            visit.request_id = new_request_id()
        if not trusted or head.forwarded_proto not in (b"http", b"https"):
            head.forwarded_proto = b"http"
        security = STRICT_SECURITY if head.forwarded_proto == b"https" else self._security
        cors = parts.cors.lines(head.origin) if head.origin else parts.cors.vary
        visit.lines = [edge.date, b"x-request-id: %b\r\n" % visit.request_id.encode(), security, cors]
        if head.traceparent:
            return self._goes_on(visit, trusted=trusted)
        visit.traceparent = tracing.unrecorded() or ""
        return not visit.traceparent

    def _goes_on(self, visit: Visit, *, trusted: bool) -> bool:
        """Go on with the caller's trace; a stranger cannot make us record more than our share."""
        given = visit.head.traceparent.decode("latin-1").strip()
        context = tracing.parse(given)
        if context is None:
            visit.traceparent = tracing.unrecorded() or ""
            return not visit.traceparent
        visit.traceparent = given
        if context.sampled and not trusted and random.random() >= self.parts.trace_sample:
            visit.traceparent = f"{given[:53]}00"
            return False
        return context.sampled

    async def _traced(self, visit: Visit) -> None:
        given = visit.traceparent
        scope = tracing.continued(given, visit.method, kind="server") if given else tracing.recorded(visit.method)
        with scope as span:
            visit.traceparent = tracing.current_traceparent() or ""
            try:
                route = self._routed(visit)
                if route is not None:
                    await self._entered(visit, route)
            except Exception as failure:  # noqa: BLE001 - it is answered and, unless it is a refusal, logged
                self._fail(visit, failure)
            if visit.route is not None:
                span.rename(f"{visit.method} {visit.route.prefix}")
            span.set("http.response.status_code", visit.status)
            if visit.status >= 500:
                span.fail(visit.outcome)

    # Admit

    def _admit(self, visit: Visit) -> None:
        """Let a request in: at once where nothing must be found out, else in a task.

        Raises:
            Refused: when it may not enter.
        """
        route = self._routed(visit)
        if route is None:
            self.end(visit)
            return
        session = None
        if visit.head.cookie and not visit.head.upgrade:
            cookies.take(visit, route, self.parts.cors)
        if visit.head.upgrade or route.upstream == "gateway":
            self.spawn(visit, self._entered(visit, route))
            return
        whose = self._sender(visit, route)
        if not route.public:
            session = self._recalled(visit, route)
            if session is None:
                self.spawn(visit, self._entered(visit, route))
                return
        Passage(self, visit, route, session, whose).begin()

    def _recalled(self, visit: Visit, route: Route) -> Session | None:
        """Whose token a request shows, if that can be said at once."""
        head = visit.head
        if head.authorizations != 1:
            return None
        if head.authorization[_KEY] != _MEANT:
            return self._verifier(route).recall(head.authorization)
        held = None if route.staff else self.parts.api_keys.recall(head.authorization[7:], visit.address)
        return None if held is None else _goes_on_as(head, held)

    def _routed(self, visit: Visit) -> Route | None:
        """The route of a request; None when it is answered already.

        Raises:
            Refused: when it has none, or there is too much to do.
        """
        parts = self.parts
        path = checked_path(visit.path, visit.raw_path)
        if path in ("/livez", "/readyz"):
            self._tell_health(visit, path)
            return None
        if self._in_flight > parts.max_in_flight:
            raise Refused(OVERLOADED, [retry_after(1)])
        asks_first = visit.head.preflight and visit.method == "OPTIONS" and visit.head.origin
        if asks_first and not parts.routes.is_foreign(path):
            self._answer_preflight(visit)
            return None
        route = visit.route = parts.routes.match(visit.method, path)
        if route.foreign:
            self._leave_to_service(visit)
        if route.staff and parts.staff_addresses is not None and not parts.staff_addresses.is_trusted(visit.address):
            raise Refused(NO_ROUTE)
        parts.maintenance.check(route, path)
        if route.public and visit.head.authorization[_KEY] == _MEANT:
            visit.head.authorization = b""  # nobody behind us is to see a key
        return route

    async def _entered(self, visit: Visit, route: Route) -> None:
        """The way of a request in a task, where something must be found out before its limits are asked."""
        parts = self.parts
        shake = self._handshake(visit, route)
        if visit.head.cookie:
            cookies.take(visit, route, parts.cors)
        whose = self._sender(visit, route)
        session, rejected = (None, None) if route.public else await self._caller(visit, route)
        question = self.question(visit, route, session, whose)
        self.judge(visit, await parts.limiter.check(question), question, session, rejected)
        if shake is None and route.upstream != "gateway":
            await parts.cache.serve(visit, route, parts.upstreams[route.upstream], session)
            return
        self._in_flight -= 1  # it may last for hours, and is counted among the long connections
        try:
            if route.upstream == "gateway":
                if route.prefix == PRESENCE:
                    await parts.presence.serve(visit, session, route.timeouts)
                else:
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
        shake = handshake(visit, self.parts.cors, ours=ours, foreign=route.foreign)
        token_of_subprotocol(visit.head)
        return shake

    def _tell_health(self, visit: Visit, path: str) -> None:
        alive = path == "/livez" or self.parts.health.ready
        content = b'{"status":"ok"}' if alive else b'{"status":"unready"}'
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        visit.answer(200 if alive else 503, headers, content)

    def _leave_to_service(self, visit: Visit) -> None:
        """Whose pages may use the answer, the service says; nothing of ours that they might hold goes along."""
        strict = self._secure or visit.head.forwarded_proto == b"https"
        visit.lines[-2:] = [FOREIGN_STRICT_SECURITY if strict else FOREIGN_SECURITY, b"vary: Origin\r\n"]
        visit.head.authorization = visit.head.cookie = b""

    def _answer_preflight(self, visit: Visit) -> None:
        cors, origin = self.parts.cors, visit.head.origin
        if not cors.allows(origin):
            raise Refused(ORIGIN_REFUSED)
        visit.lines.pop()  # what every other answer says to this origin
        visit.answer(204, cors.preflight(origin))

    # Limit

    def _sender(self, visit: Visit, route: Route) -> Whose:
        """Whom a request counts for before its token is looked at.

        Raises:
            Refused: when its address is known to be refused.
        """
        whose = _whose(visit.address)
        known = self.parts.limiter.known(route, whose)
        if known is not None:
            raise _too_many(visit, known.verdict, known.tally)
        return whose

    def question(self, visit: Visit, route: Route, session: Session | None, whose: Whose) -> Question:
        """What to ask of Redis before a request may pass; what is asked of kept answers leaves with it."""
        parts = self.parts
        if session is not None:
            whose = _whose(visit.address, session.user_id, session.organization, session.session_id)
        if session is None or not session.impersonated:
            visit.look = parts.cache.look(visit, route, session)
        return parts.limiter.question(route, whose)

    def judge(
        self,
        visit: Visit,
        verdict: Verdict,
        question: Question,
        session: Session | None,
        rejected: Refused | None = None,
    ) -> None:
        """Let a request pass its limits; a rejected token costs its sender, too.

        Raises:
            Refused: when it may not pass.
        """
        if verdict.local:
            access.FALLBACK.inc()
        if verdict.retry_after:
            raise _too_many(visit, verdict, question.tally)
        visit.lines.append(verdict.lines(question.tally.policies))
        if rejected is not None:
            raise rejected
        if session is not None and self._has_ended(session, verdict.epoch, revoked=verdict.session_revoked):
            raise Refused(REVOKED, [CHALLENGE_INVALID])
        if session is not None and visit.head.by_cookie:
            cookies.insist_on_own_page(visit, session, self.parts.cors)
        if session is not None and session.impersonated and _lasts(visit):
            raise Refused(NOT_WHILE_IMPERSONATING)
        if session is not None and session.scopes is not None and _exceeds(visit, session.scopes):
            raise Refused(SCOPE_MISSING)
        if visit.route is not None and visit.head.content_length > visit.route.body_limit:
            raise Refused(TOO_LARGE)
        if session is not None and not session.impersonated:
            self.parts.seen.note(session.session_id)

    def _has_ended(self, session: Session, epoch: int | None, *, revoked: bool) -> bool:
        return revoked or (epoch is not None and session.epoch < epoch) or self.parts.revocations.cover(session)

    def _verifier(self, route: Route) -> Verifier:
        return self.parts.staff_verifier if route.staff else self.parts.verifier

    async def _caller(self, visit: Visit, route: Route) -> tuple[Session | None, Refused | None]:
        """Whose token it is, or why that cannot be said."""
        try:
            token = _shown(visit.head)
            if is_meant(token) and not route.staff:
                return _goes_on_as(visit.head, await self.parts.api_keys.find(token, visit.address)), None
            return await self._verifier(route).session(token), None
        except Refused as refusal:
            if refusal.problem.code not in _REJECTED:
                raise
            return None, refusal


@lru_cache(maxsize=20_000)
def _whose(address: str, user: str = "", organization: str = "", credential: str = "") -> Whose:
    """Whom a request counts for."""
    return Whose(limited_as(address), user, organization, credential)


def _exceeds(visit: Visit, scopes: frozenset[str]) -> bool:
    """Whether it asks for more than a key or program was given; services look again, but not at what is kept here."""
    return scope_of(visit.method, visit.path) not in scopes


def _goes_on_as(head: Head, held: Held) -> Session | None:
    """Let a request with an API key go on with the token that the key was exchanged for."""
    head.authorization = held.authorization
    return held.session


def _lasts(visit: Visit) -> bool:
    """Whether it would go on without any service to put on record what is seen."""
    return bool(visit.head.upgrade) or (visit.route is not None and visit.route.upstream == "gateway")


def _too_many(visit: Visit, verdict: Verdict, tally: Tally) -> Refused:
    access.LIMITED.labels(verdict.limit.name.decode()).inc()
    visit.lines.append(verdict.lines(tally.policies))
    return Refused(TOO_MANY, [retry_after(verdict.retry_after)])
