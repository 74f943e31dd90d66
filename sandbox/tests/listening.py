"""Servers of tests, of which nothing is left when the test is over."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """A server made of one handler per connection; once closed, no connection of it is open in any state."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._sessions: list[asyncio.Task[None]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        # A task that is cancelled before its first step never reaches its `finally`.
        await asyncio.sleep(0)
        for session in self._sessions:
            session.cancel()
        for failure in await asyncio.gather(*self._sessions, return_exceptions=True):
            if isinstance(failure, Exception):
                raise failure

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self._sessions.append(asyncio.create_task(self._session(self._socket.accept()[0])))

    async def _session(self, connection: socket.socket) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection)
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            try:
                await self._handler(reader, writer)
                writer.close()
                await writer.wait_closed()
            finally:
                transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            while connection.fileno() >= 0:  # noqa: ASYNC110 - the transport closes it at one of the next turns
                await asyncio.sleep(0)
