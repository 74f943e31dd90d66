"""Two listening ports: the public one with its guarded connections, and the operator's under uvicorn."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn

from gateway.edge import Door, EdgeConnection

log = structlog.get_logger(__name__)

_BACKLOG = 2048


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    return listener


async def serve_public(
    door: Door, tasks: set[asyncio.Task[None]], listener: socket.socket, drain: float, stop: asyncio.Event
) -> None:
    """Serve until `stop`, then let the requests under way finish, for so many seconds at most."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: EdgeConnection(door), sock=listener, backlog=_BACKLOG)
    log.info("http.listening", port=listener.getsockname()[1])
    try:
        await stop.wait()
        server.close()
        await _drained(door, tasks, drain)
    finally:
        server.close()
        for connection in tuple(door.connections):
            connection.abort()
        left = tuple(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _drained(door: Door, tasks: set[asyncio.Task[None]], within: float) -> None:
    """Connections close as soon as they have nothing to answer any more."""
    for connection in tuple(door.connections):
        connection.leave()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            while door.connections or tasks:  # noqa: ASYNC110 - there is no event for the last of many
                await asyncio.sleep(0.02)


async def serve(config: uvicorn.Config, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve the operator until `stop`."""
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopped = asyncio.create_task(stop.wait())
    log.info("http.listening", port=listener.getsockname()[1])
    try:
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        server.should_exit = True
        stopped.cancel()
        listener.close()
