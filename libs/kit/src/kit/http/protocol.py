"""HTTP/1.1 as we accept it: what the server beneath leaves unbounded is bounded here, and refused as a problem."""

import asyncio
from http import HTTPStatus

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kit.http import problem

MOST_HEADER_BYTES = 32 * 1024
MOST_HEADERS = 100
HEADER_SECONDS = 10.0


class HeadTooLarge(Exception):
    """More header bytes or fields than are taken."""


class BoundedProtocol(HttpToolsProtocol):
    """Bounds the size of a request's head and the time it may take to arrive; after that the connection is closed."""

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the base class
        """Start waiting for the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, until the head has been refused."""
        if self._refused:
            return
        super().data_received(data)
        if self._head_timer is not None:  # the parser holds a field back until it is whole
            self._head_bytes += len(data)
            if self._head_bytes > 2 * MOST_HEADER_BYTES and not self.transport.is_closing():
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """A new head begins."""
        self._head_bytes = 0
        self._await_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a field."""
        self._count(len(name) + len(value))
        if len(self.headers) >= MOST_HEADERS:
            raise HeadTooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head_arrived()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - a problem document says it
        """Answer what the parser could not take, and close."""
        self._refused = True
        status = HTTPStatus.BAD_REQUEST
        if self._head_bytes > MOST_HEADER_BYTES or len(self.headers or ()) >= MOST_HEADERS:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        code = "malformed-request" if status is HTTPStatus.BAD_REQUEST else "head-too-large"
        body = orjson.dumps(problem.document(status, code, f"{status.phrase}."))
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {problem.MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MOST_HEADER_BYTES:
            raise HeadTooLarge

    def _await_head(self) -> None:
        self._head_arrived()
        self._head_timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
