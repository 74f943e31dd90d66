"""What is left of a request when it is over: one line in the log and a few numbers."""

import asyncio
import collections
import re
import sys
import time
from datetime import UTC, datetime
from typing import BinaryIO

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
    if "@" in path or "%40" in path or (len(path) > 40 and max(map(len, path.split("/"))) > 40):
        path = _SECRETIVE.sub("…", path)
    return path[:256]


class AccessLog:
    """One JSON line per request, and the numbers of it; both are made in lots, which costs a request far less.

    `flush` is called a few times a second. A line names neither the query's values nor headers, bodies, tokens or
    users, and of the address only the network.
    """

    def __init__(self, out: BinaryIO | None = None) -> None:
        self._out = out
        self._ended: list[Visit] = []
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._durations: dict[str, Histogram] = {}

    def record(self, visit: Visit) -> None:
        """Take down how a request went."""
        visit.ended_at = visit.now()
        self._ended.append(visit)
        if len(self._ended) == _LOT:
            asyncio.get_running_loop().call_soon(self.flush)  # answers first

    def flush(self) -> None:
        """Count and write what has gathered."""
        ended, self._ended = self._ended, []
        if not ended:
            return
        self._count(ended)
        ago = time.time() - ended[-1].now()
        out = self._out or sys.stdout.buffer
        out.write(b"".join([_line(each, ago + each.ended_at) for each in ended]))
        out.flush()

    def _count(self, ended: list[Visit]) -> None:
        alike = collections.Counter([(_route(each), each.method, each.status or CLIENT_GONE) for each in ended])
        for key, number in alike.items():
            counter = self._counters.get(key)
            if counter is None:
                route, method, status = key
                counter = self._counters[key] = REQUESTS.labels(route, method, str(status))
            counter.inc(number)
        for each in ended:
            if not each.lasting:
                self._duration(_route(each)).observe(each.ended_at - each.started_at)

    def _duration(self, route: str) -> Histogram:
        duration = self._durations.get(route)
        if duration is None:
            duration = self._durations[route] = DURATION.labels(route)
        return duration


def _route(visit: Visit) -> str:
    return visit.route.prefix if visit.route is not None else "-"


def _line(visit: Visit, at: float) -> bytes:
    return orjson.dumps(
        {
            "event": "request",
            "level": "info",
            "service": "gateway",
            "timestamp": datetime.fromtimestamp(at, UTC),
            "request_id": visit.request_id,
            "trace_id": visit.traceparent[3:35],
            "method": visit.method,
            "route": _route(visit),
            "path": loggable(visit.path),
            "status": visit.status or CLIENT_GONE,
            "outcome": visit.outcome,
            "seconds": round(visit.ended_at - visit.started_at, 6),
            "bytes_in": visit.bytes_in,
            "bytes_out": visit.bytes_out,
            "network": truncated(visit.address),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def count_refused_head(problem: Problem) -> None:
    """Count a request that never became one."""
    REFUSED_HEADS.labels(problem.code).inc()
