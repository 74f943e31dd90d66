"""What surrounds every request, as plain ASGI: its id, its trace, its metrics, its limits, and the last net."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.errors import DomainError, FieldError, Invalid, TransientError
from kit.http import problem, strict
from kit.ids import new_id
from kit.telemetry import metrics, tracing
from kit.telemetry.logging import request_id

log = structlog.get_logger(__name__)

DURATION = metrics.histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP requests by route",
    ("http_request_method", "http_route", "http_response_status_code"),
)
ACTIVE = metrics.gauge("http_server_active_requests", "HTTP requests being answered")
PUSHED_BACK = metrics.counter("http_server_pushed_back_total", "Requests refused because of overload", ("reason",))

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class BodyTooLarge(DomainError):
    """The body is larger than this takes."""

    status = 413
    code = "content-too-large"


class BodyTooSlow(DomainError):
    """The body did not arrive in time."""

    status = 408
    code = "request-timeout"


class Overloaded(TransientError):
    """More than can be done well right now."""

    code = "overloaded"


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def route_of(scope: Scope) -> str:
    """The template of the route that answered, never the path with its values."""
    effective = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(effective, "path_format", None) or getattr(scope.get("route"), "path", None)
    return str(path) if path else "unmatched"


class Surroundings:
    """Gives a request its id and its place in a trace, measures it, and answers when nothing else could.

    The gateway's `x-request-id` is kept when it looks like one; else a new one is made. An error that nobody handled
    is logged here with its trace and answered with 500 and no detail.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._series: dict[tuple[str, str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id") or ""
        token = request_id.set(given if _REQUEST_ID.fullmatch(given) else str(new_id()))
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        try:
            with tracing.continued(header(scope, b"traceparent"), method, kind="server") as span:
                status = await self._measured(scope, receive, send, method)
                _describe(span, method, route_of(scope), status)
        finally:
            request_id.reset(token)

    async def _measured(self, scope: Scope, receive: Receive, send: Send, method: str) -> int:
        started, status = time.perf_counter(), 0
        identity = (b"x-request-id", request_id.get().encode("ascii"))

        async def named_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), identity]
            await send(message)

        ACTIVE.inc()
        try:
            await self._answered(scope, receive, named_send, lambda: status)
        finally:
            ACTIVE.dec()
            key = (method, route_of(scope), status or 499)
            if key not in self._series:
                self._series[key] = DURATION.labels(*map(str, key))
            self._series[key].observe(time.perf_counter() - started)
        return status

    async def _answered(self, scope: Scope, receive: Receive, send: Send, status: Callable[[], int]) -> None:
        try:
            await self.app(scope, receive, send)
        except (DomainError, TransientError) as error:
            response = problem.answer_to(error)
        except HTTPException as error:
            response = problem.answer_status(error.status_code)
        except Exception:
            log.exception("http.failed", method=scope["method"], route=route_of(scope))
            response = problem.answer_bug()
        else:
            return
        if status():  # the answer has begun; breaking the connection is the only way left to say it is not whole
            raise ConnectionAbortedError
        await response(scope, receive, send)


def _describe(span: tracing.Span, method: str, route: str, status: int) -> None:
    span.rename(f"{method} {route}")
    span.set("http.request.method", method)
    span.set("http.route", route)
    span.set("http.response.status_code", status)
    if status >= 500:
        span.fail("")
    log.debug("http.answered", method=method, route=route, status=status)


@dataclass(frozen=True, slots=True)
class _Mount:
    """What `route_of` reads."""

    path: str


class Mounts:
    """Hands requests for these exact paths to applications of their own, beside limits and back-pressure.

    They have request id, trace and metrics like all others; everything else is their own affair.
    """

    def __init__(self, app: ASGIApp, mounts: Mapping[str, ASGIApp]) -> None:
        self.app = app
        self._mounts = {path: (_Mount(path), mounted) for path, mounted in mounts.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to whom it is for."""
        found = self._mounts.get(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        scope["route"], mounted = found
        await mounted(scope, receive, send)


class BackPressure:
    """Refuses changes while `overloaded` names a reason, before the house drowns; reading goes on.

    So do the doors below /internal: our other services ask there for what their own work needs, and operators help.
    """

    def __init__(self, app: ASGIApp, overloaded: Callable[[], str | None]) -> None:
        self.app = app
        self.overloaded = overloaded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 503."""
        if scope["type"] == "http" and scope["method"] not in _SAFE and not scope["path"].startswith("/internal/"):
            reason = self.overloaded()
            if reason:
                PUSHED_BACK.labels(reason).inc()
                raise Overloaded(retry_after=2.0)
        await self.app(scope, receive, send)


class Intake:
    """Takes a request in: bounds its body in size and time, and reads JSON strictly before anybody else does.

    Paths beginning with one of `raw` keep their body byte for byte (webhooks, which are verified on their raw bytes);
    only its size is bounded. Paths beginning with one of `large` take bodies of that size instead, which whoever
    answers must read piece by piece; JSON stays bounded as everywhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        raw: tuple[str, ...] = (),
        patience: float = 30.0,
        large: Mapping[str, int] | None = None,
    ) -> None:
        self.app = app
        self.limit = limit
        self.large = large or {}
        self.raw = raw
        self.patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        _refuse_nul(scope)
        length = header(scope, b"content-length")
        json = is_json(header(scope, b"content-type"))
        limit = self.limit if json else self._limit(scope["path"])
        if length is not None and (not length.isascii() or not length.isdigit() or int(length[:19]) > limit):
            raise BodyTooLarge(f"At most {limit} bytes.")
        has_body = (length or "0") != "0" or header(scope, b"transfer-encoding") is not None
        if has_body and json and not scope["path"].startswith(self.raw or "\0"):
            body = await self._whole(receive)
            if body:
                strict.loads(body)
            receive = _replayed(body, receive)
        else:
            receive = _bounded(receive, limit)
        await self.app(scope, receive, send)

    async def _whole(self, receive: Receive) -> bytes:
        chunks, size = [], 0
        try:
            async with asyncio.timeout(self.patience):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise BodyTooSlow
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > self.limit:
                        raise BodyTooLarge(f"At most {self.limit} bytes.")
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError as error:
            raise BodyTooSlow from error

    def _limit(self, path: str) -> int:
        return next((most for prefix, most in self.large.items() if path.startswith(prefix)), self.limit)


def _bounded(receive: Receive, limit: int) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise HTTPException(413)  # FastAPI lets its own kind pass where it would hide any other
        return message

    return counted


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _refuse_nul(scope: Scope) -> None:
    """NUL in the address can be stored nowhere and means harm."""
    if "\0" in scope["path"]:
        raise Invalid(errors=[FieldError("path", "This holds a character that is not allowed.")])
    if b"%00" in scope["query_string"] or b"\0" in scope["query_string"]:
        raise Invalid(errors=[FieldError("query", "This holds a character that is not allowed.")])


def is_json(content_type: str | None) -> bool:
    """Whether a media type is JSON, as FastAPI understands it."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
