"""A TCP proxy that lets traffic through until the moment a test has chosen, then holds it in mid-air.

With it a test kills a real process exactly between two steps (before its COMMIT arrives, after it but before the
answer, before an ack) without any hook in the code under test.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from kit.testing.listening import Listener
from kit.testing.ports import reserve

Direction = Literal["to_server", "to_client"]


@dataclass(slots=True)
class Hold:
    """Traffic in one direction stops just before the chunk that holds `pattern`.

    With `after_seeing`, only on a connection over which those bytes went before, in either direction: so the COMMIT
    of the transaction that inserted something is told from all other COMMITs.
    """

    direction: Direction
    pattern: bytes
    after_seeing: bytes = b""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _armed: set[int] = field(default_factory=set)

    def matches(self, direction: Direction, chunk: bytes, connection: int) -> bool:
        """True when this chunk is the one to be held."""
        armed = not self.after_seeing or connection in self._armed
        if self.after_seeing and self.after_seeing in chunk:
            self._armed.add(connection)
        return armed and direction == self.direction and self.pattern in chunk and not self.released.is_set()

    def release(self) -> None:
        """Let the held traffic go on, and hold no more."""
        self.released.set()


@dataclass(slots=True)
class Proxy:
    """Forwards bytes both ways between clients and one server."""

    host: str
    port: int
    listening_on: int = 0
    holds: list[Hold] = field(default_factory=list)
    _accepted: int = 0
    _listener: Listener | None = None
    _keeper: socket.socket | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def hold(self, direction: Direction, pattern: bytes, *, after_seeing: bytes = b"") -> Hold:
        """Hold traffic at a byte pattern, from now on."""
        rule = Hold(direction, pattern, after_seeing)
        self.holds.append(rule)
        return rule

    async def start(self) -> None:
        """Listen on a free port of the loopback interface, or on the one it had before."""
        if self._keeper is None:
            self._keeper, self.listening_on = reserve()
        self._listener = Listener(self._carry)
        self._listener.open(self.listening_on)

    def cut(self) -> None:
        """Break every connection that is open now."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def stop(self) -> None:
        """Stop listening and break every connection; the port stays ours."""
        if self._listener is not None:
            await self._listener.close()
        self._listener = None

    async def close(self) -> None:
        """Stop, and let the port go."""
        try:
            await self.stop()
        finally:
            if self._keeper is not None:
                self._keeper.close()
            self._keeper = None

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(self.host, self.port)
        self._accepted += 1
        number, both = self._accepted, {writer, up_writer}
        self._writers |= both
        try:
            await asyncio.gather(
                self._pump(reader, up_writer, "to_server", number),
                self._pump(up_reader, writer, "to_client", number),
            )
        finally:
            self._writers -= both
            up_writer.transport.abort()
            with suppress(OSError):
                await up_writer.wait_closed()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Direction, number: int
    ) -> None:
        with suppress(OSError):
            while chunk := await source.read(65536):
                for rule in self.holds:
                    if rule.matches(way, chunk, number):
                        rule.reached.set()
                        await rule.released.wait()
                sink.write(chunk)
                await sink.drain()
        sink.close()


@asynccontextmanager
async def proxied(host: str, port: int) -> AsyncIterator[Proxy]:
    """A running proxy before that server."""
    proxy = Proxy(host, port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
