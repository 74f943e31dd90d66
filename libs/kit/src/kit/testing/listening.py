"""A server made of one handler per connection, of which nothing is left when the test is over."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

from kit.testing.ports import free_port

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Gives each connection to a handler and closes it after that; can be closed and opened again.

    Unlike `asyncio.start_server` it answers for every connection from the moment the socket is accepted: handlers
    that wait, that have not begun or are still in the TLS handshake leave no open socket behind for a later test to
    stumble over. A client that goes away is no error; any other error of a handler is raised by `close`.
    """

    def __init__(self, handler: Handler, *, limit: int = 2**16, ssl: SSLContext | None = None) -> None:
        self._handler, self._limit, self._ssl = handler, limit, ssl
        self._socket: socket.socket | None = None
        self._sessions: list[asyncio.Task[None]] = []

    def open(self, port: int = 0) -> int:
        """Listen on that port of the loopback interface, or on a free one; returns it."""
        listening = self._socket = socket.create_server(("127.0.0.1", port or free_port()), backlog=512)
        listening.setblocking(False)
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)
        return int(listening.getsockname()[1])

    async def close(self) -> None:
        """Stop listening, break off the handlers, wait until every connection is closed.

        Raises:
            Exception: What a handler failed with, if one did.
        """
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        # A task that is cancelled before its first step never reaches its `finally`.
        await asyncio.sleep(0)
        for session in self._sessions:
            session.cancel()
        ended = await asyncio.gather(*self._sessions, return_exceptions=True)
        self._sessions.clear()
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure

    def _accept(self, listening: socket.socket) -> None:
        with suppress(BlockingIOError, ConnectionError):
            connection, _ = listening.accept()
            self._sessions.append(asyncio.create_task(self._session(connection)))

    async def _session(self, connection: socket.socket) -> None:
        try:
            reader, writer = await self._streams(connection)
            try:
                await self._handler(reader, writer)
                writer.close()
                await writer.wait_closed()
            finally:
                writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            while connection.fileno() >= 0:  # noqa: ASYNC110 - the transport closes it at one of the next turns
                await asyncio.sleep(0)

    async def _streams(self, connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=self._limit, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=self._ssl)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


@asynccontextmanager
async def listening(handler: Handler, *, limit: int = 2**16, ssl: SSLContext | None = None) -> AsyncIterator[int]:
    """A listener on a free port; gives the port."""
    listener = Listener(handler, limit=limit, ssl=ssl)
    port = listener.open()
    try:
        yield port
    finally:
        await listener.close()
