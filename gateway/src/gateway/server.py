"""Two listening ports under uvicorn: the public one with its guarded connections, and the operator's."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setblocking(False)
    return listener


async def serve(config: uvicorn.Config, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve until `stop`, then let the requests under way finish."""
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
