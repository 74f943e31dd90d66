"""What is left of a request when it is over: one line in the log and a few numbers."""

import re
import sys
import time
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple

import orjson
from prometheus_client import Counter, Histogram

from gateway.addresses import truncated
from gateway.problems import Problem
from gateway.visit import CLIENT_GONE, Visit
from kit.telemetry import metrics

REQUESTS = metrics.counter("requests_total", "Requests answered", ("route", "method", "status"))
DURATION = metrics.histogram(
    "request_seconds", "Time from the head of a request to the end of its answer", ("route",)
)
UPSTREAM_ERRORS = metrics.counter("upstream_errors_total", "Exchanges that a service broke", ("upstream", "problem"))
REFUSED_HEADS = metrics.counter("refused_heads_total", "Requests refused before they had a route", ("problem",))
LIMITED = metrics.counter("limited_total", "Requests refused by a rate limit", ("limit",))
FALLBACK = metrics.counter("limiter_local_total", "Limit checks made without Redis")
IN_FLIGHT = metrics.gauge("in_flight", "Requests being answered")

_SECRETIVE = re.compile(r"[^/]*(?:@|%40)[^/]*|[^/]{41,}")
_LOT = 64  # making so many lines takes a millisecond at most


def loggable(path: str) -> str:
    """The path without what may be a person's address or a secret."""
    if "@" in path or "%40" in path or max(map(len, path.split("/"))) > 40:
        path = _SECRETIVE.sub("…", path)
    return path[:256]


class Ended(NamedTuple):
    """What is told of a request that is over."""

    at: float
    request_id: str
    traceparent: str
    method: str
    route: str
    path: str
    status: int
    outcome: str
    seconds: float
    bytes_in: int
    bytes_out: int
    address: str
    lasting: bool


class AccessLog:
    """One JSON line per request, and the numbers of it; both are made in lots, which costs a request far less.

    `flush` is called a few times a second. A line names neither the query's values nor headers, bodies, tokens or
    users, and of the address only the network.
    """

    def __init__(self, out: BinaryIO | None = None) -> None:
        self._out = out
        self._ended: list[Ended] = []
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._durations: dict[str, Histogram] = {}

    def record(self, visit: Visit) -> None:
        """Take down how a request went."""
        self._ended.append(
            Ended(
                time.time(),
                visit.request_id,
                visit.traceparent,
                visit.method,
                visit.route.prefix if visit.route is not None else "-",
                visit.path,
                visit.status or CLIENT_GONE,
                visit.outcome,
                visit.seconds,
                visit.bytes_in,
                visit.bytes_out,
                visit.address,
                visit.lasting,
            )
        )
        if len(self._ended) >= _LOT:
            self.flush()

    def flush(self) -> None:
        """Count and write what has gathered."""
        ended, self._ended = self._ended, []
        if not ended:
            return
        for each in ended:
            self._count(each)
        out = self._out or sys.stdout.buffer
        out.write(b"".join([_line(each) for each in ended]))
        out.flush()

    def _count(self, ended: Ended) -> None:
        key = (ended.route, ended.method, ended.status)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = REQUESTS.labels(ended.route, ended.method, str(ended.status))
        counter.inc()
        if ended.lasting:
            return
        duration = self._durations.get(ended.route)
        if duration is None:
            duration = self._durations[ended.route] = DURATION.labels(ended.route)
        duration.observe(ended.seconds)


def _line(ended: Ended) -> bytes:
    return orjson.dumps(
        {
            "event": "request",
            "level": "info",
            "service": "gateway",
            "timestamp": datetime.fromtimestamp(ended.at, UTC),
            "request_id": ended.request_id,
            "trace_id": ended.traceparent[3:35],
            "method": ended.method,
            "route": ended.route,
            "path": loggable(ended.path),
            "status": ended.status,
            "outcome": ended.outcome,
            "seconds": round(ended.seconds, 6),
            "bytes_in": ended.bytes_in,
            "bytes_out": ended.bytes_out,
            "network": truncated(ended.address),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def count_refused_head(problem: Problem) -> None:
    """Count a request that never became one."""
    REFUSED_HEADS.labels(problem.code).inc()
