"""Calls to the outside: with a deadline, with care for what may have been accepted, and in a trace."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from prometheus_client import Histogram

from kit.clock import Clock, SystemClock
from kit.http import guard
from kit.http.breaker import Breaker, State
from kit.http.transport import (
    Answer,
    AnswerTooLarge,
    NotSent,
    Outgoing,
    PyreqwestTransport,
    Transport,
    Unanswered,
    Unsendable,
)
from kit.telemetry import metrics, tracing

DURATION = metrics.histogram(
    "http_client_request_duration_seconds",
    "Duration of calls to others, each attempt by itself",
    ("server_address", "http_request_method", "outcome"),
)
BREAKER = metrics.gauge("http_client_breaker_open", "1 while a host is left in peace", ("server_address",))

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_PASSING = frozenset({429, 502, 503, 504})
_THEIR_FAULT = frozenset({500, 502, 503, 504})
_MOST_HOSTS = 1024


class AddressNotAllowed(Unsendable):
    """The guard refused the URL."""


class Refused(Exception):
    """The other side said no. A 4xx says that nothing was done; a 5xx proves nothing."""

    def __init__(self, answer: Answer, retry_after: float | None) -> None:
        super().__init__(f"status {answer.status}")
        self.answer = answer
        self.status = answer.status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `deadline` bounds all attempts together, `attempts` their number.

    `idempotent` says that repeating is harmless although the method is not (the request carries a key of its own).
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    deadline: float = 10.0
    attempts: int = 3
    at_most: int = 1024 * 1024
    idempotent: bool = False
    guarded: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether repeating is harmless."""
        return self.idempotent or self.method in _IDEMPOTENT


class Outbound:
    """Calls others; one per process, closed at the end.

    `guarded` calls go to addresses that somebody else chose; they pass the guard (see `kit.http.guard`), carry no
    trace, and are measured under one name.
    """

    def __init__(
        self,
        *,
        transport: Transport | None = None,
        rules: guard.Rules | None = None,
        resolver: guard.Resolver = guard.system_resolver,
        clock: Clock | None = None,
        breaker: Callable[[], Breaker] = Breaker,
        pause: float = 0.1,
    ) -> None:
        self._transport = transport or PyreqwestTransport()
        self._rules = rules or guard.Rules()
        self._resolver = resolver
        self._clock = clock or SystemClock()
        self._new_breaker = breaker
        self._breakers: dict[str, Breaker] = {}
        self._open: dict[str, bool] = {}
        self._durations: dict[tuple[str, str, str], Histogram] = {}
        self._pause = pause

    async def warm(self) -> None:
        """Make ready: without it the first calls wait some tenths of a second and then leave in a burst."""
        await self._transport.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._transport.close()

    async def get(self, url: str, headers: Mapping[str, str] | None = None, *, deadline: float = 10.0) -> Answer:
        """Fetch something from an address of our own choice."""
        return await self.send(Call("GET", url, headers or {}, deadline=deadline))

    async def send(self, call: Call) -> Answer:
        """The answer, if it is a good one; redirects are answers, not followed.

        Repeats what is harmless to repeat or proven not sent, with jittered pauses or as `Retry-After` says, while
        the deadline leaves room.

        Raises:
            NotSent: proven not accepted by the other side.
            Unanswered: nobody knows.
            Refused: the other side answered with 4xx or 5xx.
        """
        ends = time.monotonic() + call.deadline
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._attempt(call, ends - time.monotonic())
            except (NotSent, Unanswered, Refused) as trouble:
                wait = self._wait(call, trouble, attempt)
                if wait is None or time.monotonic() + wait >= ends:
                    raise
            await asyncio.sleep(wait)

    def _wait(self, call: Call, trouble: NotSent | Unanswered | Refused, attempt: int) -> float | None:
        """Seconds until the next attempt, or None when there is to be none."""
        if attempt >= call.attempts or isinstance(trouble, Unsendable | AnswerTooLarge):
            return None
        if not isinstance(trouble, NotSent) and not call.repeatable:
            return None
        if isinstance(trouble, Refused) and trouble.status not in _PASSING:
            return None
        if not isinstance(trouble, Unanswered) and trouble.retry_after is not None:
            return trouble.retry_after
        return random.uniform(0.5, 1.0) * self._pause * 2.0**attempt

    async def _attempt(self, call: Call, within: float) -> Answer:
        outgoing, name, origin = await self._prepared(call, within)
        breaker = self._breaker(origin)
        stay_away = breaker.let_through()
        if stay_away:
            raise NotSent("the host is left in peace", retry_after=stay_away)
        started, outcome = time.perf_counter(), "abandoned"
        try:
            with tracing.span(call.method, kind="client", attributes=_attributes(call.method, name)) as span:
                answer = await self._exchanged(call, outgoing, within)
                outcome = str(answer.status)
                span.set("http.response.status_code", answer.status)
        except (NotSent, Unanswered) as trouble:
            outcome = _outcome(trouble)
            raise
        finally:
            _report(breaker, outcome)
            self._measure(call, name, outcome, time.perf_counter() - started, breaker)
        if answer.status >= 400:
            raise Refused(answer, self._retry_after(answer))
        return answer

    def _measure(self, call: Call, name: str, outcome: str, seconds: float, breaker: Breaker) -> None:
        """Series are kept, for looking one up costs as much as counting in it."""
        key = (name, call.method, outcome)
        if key not in self._durations:
            self._durations[key] = DURATION.labels(*key)
        self._durations[key].observe(seconds)
        is_open = breaker.state is not State.CLOSED
        if not call.guarded and self._open.get(name) is not is_open:
            self._open[name] = is_open
            BREAKER.labels(name).set(is_open)

    async def _exchanged(self, call: Call, outgoing: list[Outgoing], within: float) -> Answer:
        """Try the checked addresses of the host in turn while the one before could not be reached."""
        ends = time.monotonic() + within
        for number, request in enumerate(outgoing, 1):
            left = max(0.001, ends - time.monotonic())
            try:
                return await self._transport.exchange(_traced(request, call), within=left, at_most=call.at_most)
            except NotSent:
                if number == len(outgoing):
                    raise
        raise NotSent("no address")

    async def _prepared(self, call: Call, within: float) -> tuple[list[Outgoing], str, str]:
        """What to send, the name to measure it under, and whose breaker it passes."""
        headers = tuple(call.headers.items())
        if not call.guarded:
            parts = urlsplit(call.url)
            name = parts.hostname or "unknown"
            return [Outgoing(call.method, call.url, headers, call.body)], name, f"{parts.scheme}://{parts.netloc}"
        try:
            target = guard.parse(call.url, self._rules)
            async with asyncio.timeout(within):
                found = await guard.addresses(target, self._rules, self._resolver)
        except guard.AddressRefused as refusal:
            raise AddressNotAllowed(str(refusal)) from refusal
        except OSError as error:  # a time-out, too
            raise NotSent("the host cannot be resolved") from error
        literal = target.address is not None
        pins = [None if literal else (target.host, address, target.port) for address in found[:3]]
        requests = [Outgoing(call.method, target.url, headers, call.body, pin) for pin in pins]
        return requests, "guarded", f"{target.scheme}://{target.host}:{target.port}"

    def _breaker(self, origin: str) -> Breaker:
        if origin not in self._breakers:
            if len(self._breakers) >= _MOST_HOSTS:
                self._forget_closed()
            self._breakers[origin] = self._new_breaker()
        return self._breakers[origin]

    def _forget_closed(self) -> None:
        self._breakers = {at: breaker for at, breaker in self._breakers.items() if breaker.state is not State.CLOSED}

    def _retry_after(self, answer: Answer) -> float | None:
        value = answer.headers.get("retry-after", "").strip()
        if not value:
            return None
        if value.isascii() and value.isdigit():
            return float(value[:9])
        try:
            return max(0.0, (parsedate_to_datetime(value) - self._clock.now()).total_seconds())
        except (TypeError, ValueError):
            return None


def _attributes(method: str, name: str) -> dict[str, str]:
    return {"http.request.method": method, "server.address": name}


def _traced(request: Outgoing, call: Call) -> Outgoing:
    traceparent = None if call.guarded else tracing.current_traceparent()
    if traceparent is None:
        return request
    headers = (*request.headers, ("traceparent", traceparent))
    return Outgoing(request.method, request.url, headers, request.body, request.pinned)


def _outcome(trouble: NotSent | Unanswered) -> str:
    if isinstance(trouble, Unsendable):
        return "unsendable"
    if isinstance(trouble, AnswerTooLarge):
        return "too_large"
    return "not_sent" if isinstance(trouble, NotSent) else "unanswered"


def _report(breaker: Breaker, outcome: str) -> None:
    """Tell the breaker; only the other side's failures count."""
    if outcome in ("abandoned", "unsendable", "too_large"):
        breaker.abandoned()
    elif outcome in ("not_sent", "unanswered") or int(outcome) in _THEIR_FAULT:
        breaker.failed()
    else:
        breaker.succeeded()


__all__ = [
    "AddressNotAllowed",
    "Answer",
    "AnswerTooLarge",
    "Call",
    "NotSent",
    "Outbound",
    "Refused",
    "Unanswered",
    "Unsendable",
]
