"""What stands outside the platform while it is measured: cheap, since it runs on the same processors.

A browser costs the platform nothing, nor does a mail server of others; a client library that takes as long
per request as what is measured would be measured too.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)

    def good(self) -> "Answer":
        """Itself, where it is a success."""
        if not 200 <= self.status < 300:
            raise RuntimeError(f"{self.status}: {self.body[:500]!r}")
        return self


class Browser(asyncio.Protocol):
    """One kept connection to a server; one request after the other, each answered with its length stated."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._got = bytearray()
        self._answered: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream transport, by create_connection

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the server closed the connection"))

    async def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] = _NONE) -> Answer:
        """Send a request, its body as JSON, and wait for the answer."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the server closed the connection")
        content = b"" if body is None else json.dumps(body).encode()
        given = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(content))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**given, **headers}.items())
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content)
        return await self._answered

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0:
            return
        lowered = bytes(self._got[:head]).lower()
        length = int(lowered.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(self._got) >= head + 4 + length:
            answer = Answer(int(lowered[9:12]), bytes(self._got[head + 4 : head + 4 + length]))
            self._got.clear()
            if self._answered is not None and not self._answered.done():
                self._answered.set_result(answer)

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.abort()


@asynccontextmanager
async def browsers(port: int, count: int) -> AsyncIterator[Sequence[Browser]]:
    """So many connections to a server on this machine."""
    loop = asyncio.get_running_loop()
    opened = [(await loop.create_connection(Browser, "127.0.0.1", port))[1] for _ in range(count)]
    try:
        yield opened
    finally:
        for each in opened:
            each.close()


class Postbox:
    """Takes mails by SMTP and remembers their texts, the newest by recipient."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._server: asyncio.Server | None = None

    async def open(self, port: int) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._visited, "127.0.0.1", port)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 postbox\r\n")
        recipient = ""
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"QUIT":
                break
            if word == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                self.texts[recipient] = (await reader.readuntil(b"\r\n.\r\n")).decode("utf-8", "replace")
            writer.write(b"250 postbox\r\n" if word == b"EHLO" else b"250 OK\r\n")
        writer.write(b"221 bye\r\n")
        writer.close()
