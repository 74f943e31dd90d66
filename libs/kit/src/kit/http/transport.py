"""One exchange over HTTP with pyreqwest: sent or not, answered or not, never more than was asked for."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import DetailedPyreqwestError, PyreqwestError

_PINNED_CLIENTS = 64
_GRACE = 0.5  # beyond the time that pyreqwest itself keeps


class NotSent(Exception):
    """It is proven that the other side has not accepted the request."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Unsendable(NotSent):
    """It did not leave the house: the request itself is wrong, and will be the next time."""


class Unanswered(Exception):
    """The request may have been accepted or not: look before it is repeated."""


class AnswerTooLarge(Unanswered):
    """The answer is larger than was allowed for; it was thrown away."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            Unanswered: it is not JSON.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Unanswered("the answer is not JSON") from error


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it goes out; `pinned` is the address to connect to instead of asking the DNS."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    pinned: tuple[str, str, int] | None = None


class Transport(Protocol):
    """Carries one request."""

    async def exchange(self, request: Outgoing, *, within: float, at_most: int) -> Answer:
        """Send a request and read the whole answer, in at most `within` seconds and `at_most` bytes.

        Raises:
            NotSent: proven not accepted.
            Unanswered: nobody knows.
        """

    async def warm(self) -> None:
        """Make ready, so that the first request leaves at once."""

    async def close(self) -> None:
        """Let go of all connections."""


class PyreqwestTransport:
    """Carries requests by pyreqwest: no proxies from the environment, no redirects, no cookies, no referer."""

    def __init__(self, *, connect: float = 3.0, read: float = 10.0, user_agent: str = "rostrum") -> None:
        self._connect, self._read, self._user_agent = connect, read, user_agent
        self._client: Client | None = None
        self._pinned: OrderedDict[tuple[str, str, int], Client] = OrderedDict()

    async def exchange(self, request: Outgoing, *, within: float, at_most: int) -> Answer:
        """Send a request and read the whole answer, in at most `within` seconds and `at_most` bytes."""
        try:
            async with asyncio.timeout(within + _GRACE):
                return await self._exchanged(request, within, at_most)
        except TimeoutError as error:
            raise Unanswered("deadline") from error

    async def _exchanged(self, request: Outgoing, within: float, at_most: int) -> Answer:
        client = await self._client_for(request.pinned)
        try:
            builder = client.request(request.method, request.url).timeout(timedelta(seconds=within))
            builder = builder.headers(list(request.headers))
            if request.body is not None:
                builder = builder.body_bytes(request.body)
            streamed = builder.build_streamed()
        except (PyreqwestError, ValueError) as error:
            raise Unsendable("the request cannot be made") from error
        try:
            async with streamed as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                body = await _read(response.body_reader, at_most, headers.get("content-length", ""))
                return Answer(response.status, headers, body)
        except PyreqwestError as error:
            if _proven_not_sent(error):
                raise NotSent("no connection") from error
            raise Unanswered(type(error).__name__) from error

    async def warm(self) -> None:
        """Make ready, so that the first request leaves at once."""
        await self._client_for(None)

    async def close(self) -> None:
        """Let go of all connections."""
        clients = [*self._pinned.values(), *([self._client] if self._client else [])]
        self._pinned.clear()
        self._client = None
        for client in clients:
            await client.close()

    async def _client_for(self, pinned: tuple[str, str, int] | None) -> Client:
        """Building one reads the certificates and takes long, so it is done in a thread."""
        if pinned is None:
            if self._client is None:
                self._client = await asyncio.to_thread(self._build, None)
            return self._client
        if pinned not in self._pinned:
            self._pinned[pinned] = await asyncio.to_thread(self._build, pinned)
        self._pinned.move_to_end(pinned)
        while len(self._pinned) > _PINNED_CLIENTS:
            self._pinned.popitem(last=False)  # not closed: a request may be under way; it goes with its last user
        return self._pinned[pinned]

    def _build(self, pinned: tuple[str, str, int] | None) -> Client:
        builder = (
            ClientBuilder()
            .no_proxy()
            .follow_redirects(enable=False)
            .referer(enable=False)
            .connect_timeout(timedelta(seconds=self._connect))
            .read_timeout(timedelta(seconds=self._read))
            .pool_idle_timeout(timedelta(seconds=30))
            .user_agent(self._user_agent)
        )
        return (builder.resolve(*pinned) if pinned else builder).build()


async def _read(reader: Any, at_most: int, length: str) -> bytes:
    """The whole body; one whose length was told is whole without another look at the connection."""
    whole = int(length[:19]) if length.isascii() and length.isdigit() else -1
    chunks, size = [], 0
    while size != whole and (chunk := await reader.read_chunk()) is not None:
        size += len(chunk)
        if size > at_most:
            raise AnswerTooLarge(f"more than {at_most} bytes")
        chunks.append(bytes(chunk))
    return b"".join(chunks)


def _proven_not_sent(error: PyreqwestError) -> bool:
    """Whether the connection itself was never made.

    The class of the error does not tell: a dropped answer, too, comes as `ConnectError`, and a slow one as
    `ConnectTimeoutError`. The layer below names the phase it failed in.
    """
    if not isinstance(error, DetailedPyreqwestError):
        return False
    return any("client error (Connect)" in cause["message"] for cause in error.details["causes"] or ())
