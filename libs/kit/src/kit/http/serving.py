"""Serving an ASGI application within a process that handles its signals itself."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import structlog
import uvicorn

from kit.http.protocol import BoundedProtocol

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """A server that leaves the signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: Any,
    host: str,
    port: int,
    stop: asyncio.Event,
    *,
    on_drain: Callable[[], None] | None = None,
    notice: float = 0.0,
    drain: int = 10,
    bound: Callable[[int], None] | None = None,
) -> None:
    """Serve an ASGI application until `stop`; then turn unready, wait `notice`, drain for at most `drain` seconds.

    An application made by `create_app` is turned unready by itself. `bound` is told the port, which matters when 0
    was asked for. Where the application takes WebSockets, their messages have 64 KiB at most, and who answers no ping
    for twenty seconds is let go.

    Raises:
        OSError: the address cannot be listened on.
    """
    listener = _listener(host, port)
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="websockets-sansio" if getattr(getattr(app, "state", None), "websockets", False) else "none",
        ws_max_size=64 * 1024,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=drain,
        reset_contextvars=True,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopped = asyncio.create_task(stop.wait())
    log.info("http.listening", host=host, port=listener.getsockname()[1])
    if bound is not None:
        bound(listener.getsockname()[1])
    try:
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        _turn_unready(app, on_drain)
        if notice and not serving.done():
            await asyncio.sleep(notice)
        server.should_exit = True
        await serving
    finally:
        server.should_exit = True
        stopped.cancel()
        listener.close()


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setblocking(False)
    return listener


def _turn_unready(app: Any, on_drain: Callable[[], None] | None) -> None:
    health = getattr(getattr(app, "state", None), "health", None)
    if health is not None:
        health.drain()
    if on_drain is not None:
        on_drain()
