"""Whether this process can serve, and the operator's doors on a port of their own."""

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson

from kit.clock import Clock, SystemClock
from kit.telemetry import metrics

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_JSON = b"application/json"


class Health:
    """Ready while it can verify tokens and is not being drained; other troubles are told, but close no door."""

    def __init__(
        self,
        checks: Mapping[str, Callable[[], bool]],
        needed: tuple[str, ...] = ("keys",),
        clock: Clock | None = None,
    ) -> None:
        self._checks = checks
        self._clock = clock or SystemClock()
        self._needed = needed
        self._draining = False
        self._began = time.monotonic()

    def drain(self) -> None:
        """From now on, unready."""
        self._draining = True

    @property
    def ready(self) -> bool:
        """Whether new requests should come here."""
        return not self._draining and all(self._checks[name]() for name in self._needed)

    def report(self) -> dict[str, object]:
        """Everything an operator may want to know."""
        parts = {name: check() for name, check in self._checks.items()}
        status = "ok" if self.ready and all(parts.values()) else "degraded" if self.ready else "unready"
        return {
            "status": status,
            "time": self._clock.now().isoformat(),
            "draining": self._draining,
            "seconds": round(time.monotonic() - self._began, 1),
            "parts": parts,
        }


class AdminDoor:
    """/livez, /readyz, /healthz and /metrics for the operator; this port is not for the public."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Answer one of the four addresses."""
        status, kind, content = self._page(scope["path"])
        headers = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(content)),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _page(self, path: str) -> tuple[int, bytes, bytes]:
        ready = self._health.ready
        if path == "/livez":
            return 200, _JSON, b'{"status":"ok"}'
        if path == "/readyz":
            return (200, _JSON, b'{"status":"ok"}') if ready else (503, _JSON, b'{"status":"unready"}')
        if path == "/healthz":
            return (200 if ready else 503), _JSON, orjson.dumps(self._health.report())
        if path == "/metrics":
            return 200, metrics.CONTENT_TYPE.encode(), metrics.render("gateway")
        return 404, b"application/problem+json", b'{"type":"urn:rostrum:problem:not-found","status":404}'
