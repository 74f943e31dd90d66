"""The running sandbox: listeners up in order, down in reverse."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import Self

import uvicorn

from sandbox.app import create_app
from sandbox.doors import AbortableProtocol
from sandbox.member import Member

log = logging.getLogger(__name__)

GRACE = 1
"""Seconds a call may still take once the sandbox stops; a longer one is cut."""


class _HttpServer(uvicorn.Server):
    """uvicorn without signal handlers of its own: the process decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Sandbox:
    """All listeners of these members, as an async context manager."""

    def __init__(self, members: Sequence[Member], *, host: str, port: int) -> None:
        self._members = members
        self._host, self._port = host, port
        self._open = contextlib.AsyncExitStack()
        self.http_url = ""

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as opening:
            for member in self._members:
                await self._start_member(member, opening)
            await self._start_http(opening)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.__aexit__(kind, error, trace)

    async def _start_member(self, member: Member, opening: contextlib.AsyncExitStack) -> None:
        if member.webhooks is not None:
            opening.push_async_callback(member.webhooks.close)
        for server in member.servers:
            await server.start()
            opening.push_async_callback(server.stop)

    async def _start_http(self, opening: contextlib.AsyncExitStack) -> None:
        listener = _listen(self._host, self._port)
        host, port = listener.getsockname()[:2]
        self.http_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        server = _HttpServer(_config(create_app(self._members)))
        serving = asyncio.create_task(server.serve(sockets=[listener]))

        async def stop() -> None:
            server.should_exit = True
            await serving

        opening.push_async_callback(stop)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's protocol types are narrower than ASGI's own
        http=AbortableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=GRACE,
    )


async def run_until_stopped(sandbox: Sandbox, members: Sequence[Member]) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.set)
    async with sandbox:
        log.info("listening", extra={"seen": _addresses(sandbox, members)})
        await stopped.wait()
        log.info("stopping")
    log.info("stopped")


def _addresses(sandbox: Sandbox, members: Sequence[Member]) -> dict[str, object]:
    servers = {member.name: [server.address for server in member.servers] for member in members}
    return {"http": sandbox.http_url, "servers": servers}
