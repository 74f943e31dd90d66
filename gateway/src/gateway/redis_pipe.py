"""One pipelined Redis connection per process: what is asked in one turn of the loop leaves in one write."""

import asyncio
import contextlib
import hashlib
import random
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from urllib.parse import unquote, urlsplit

import hiredis
import structlog

log = structlog.get_logger(__name__)

Argument = str | bytes | int | float
OnReply = Callable[[object], None]
"""Takes a reply, or the exception that stands for none; it raises nothing."""


class RedisAway(Exception):
    """Redis has not answered in time or cannot be reached."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, called by its hash and sent whole when Redis does not know it."""

    source: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a script that is packed once and sent as often as it is needed."""

    script: Script
    keys: Sequence[str]
    arguments: Sequence[Argument]
    packed: bytes = field(init=False)

    def __post_init__(self) -> None:
        command = ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.arguments)
        object.__setattr__(self, "packed", hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub knows one


class _Connection(asyncio.Protocol):
    """Commands and replies in order; a reply that is overdue ends the connection and all that waits on it."""

    def __init__(self, timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[OnReply, float]] = deque()
        self._outgoing: list[bytes] = []
        self._timeout = timeout
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self.over = False
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream transport, by create_connection

    def ask(self, arguments: Sequence[Argument]) -> asyncio.Future[object]:
        """Queue one command; the future holds its reply."""
        reply: asyncio.Future[object] = self._loop.create_future()
        packed = hiredis.pack_command(tuple(arguments))  # type: ignore[arg-type]  # its stub knows one
        self.send(packed, partial(_settle, reply))
        return reply

    def send(self, packed: bytes, on_reply: OnReply) -> None:
        """The same for a command that is packed, of which the reply is handed over at once when it comes."""
        if self.over:
            on_reply(RedisAway())
            return
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(packed)
        self._waiting.append((on_reply, self._loop.time() + self._timeout))
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._look)

    def _flush(self) -> None:
        if self._transport is not None and not self.over:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        reader.feed(data)
        try:
            reply = reader.gets()
            while reply is not False and waiting:
                waiting.popleft()[0](reply)
                reply = reader.gets()
        except hiredis.ProtocolError:
            self.close()
        else:
            if reply is not False:
                self.close()  # nobody asked

    def _look(self, *, again: bool = False) -> None:
        """End the connection when the oldest reply is overdue.

        A loop that was itself held up sees the clock before it sees the replies that have arrived meanwhile, so the
        verdict falls only at a second look, a turn later.
        """
        self._timer = None
        if not self._waiting:
            return
        overdue = self._loop.time() - self._waiting[0][1]
        if overdue < 0:
            self._timer = self._loop.call_later(-overdue, self._look)
        elif not again:
            self._timer = self._loop.call_later(0.002, lambda: self._look(again=True))
        else:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self._fail()

    def close(self) -> None:
        """Give up: everything waiting fails now."""
        if self._transport is not None:
            self._transport.abort()
        self._fail()

    def _fail(self) -> None:
        self.over = True
        self.closed.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            self._waiting.popleft()[0](RedisAway())


def _settle(future: "asyncio.Future[object]", reply: object) -> None:
    if future.done():
        return
    if isinstance(reply, Exception):
        future.set_exception(reply)
    else:
        future.set_result(reply)


def run_told(told: object) -> str:
    """The run of a server, by what INFO tells."""
    lines = dict(line.partition(b":")[::2] for line in cast("bytes", told).split(b"\r\n"))
    return lines[b"run_id"].decode()[:12]


class RedisPipe:
    """Keeps the connection up and runs commands on it; says `RedisAway` at once while it is down."""

    def __init__(self, url: str, *, timeout: float = 0.075, backoff: tuple[float, float] = (0.05, 2.0)) -> None:
        self._url = urlsplit(url)
        self._timeout = timeout
        self._backoff = backoff
        self._connection: _Connection | None = None
        self._upkeep: asyncio.Task[None] | None = None
        self.server_run = ""
        """Which run of which server this is: another one may lack what the last one had."""

    @property
    def up(self) -> bool:
        """Whether there is a connection just now."""
        return self._connection is not None and not self._connection.over

    async def start(self) -> None:
        """Connect if possible, and stay connected."""
        with contextlib.suppress(RedisAway, OSError, hiredis.ReplyError):
            await self._connect()
        self._upkeep = asyncio.create_task(self._stay_connected(), name="redis-pipe")

    async def stop(self) -> None:
        """Close the connection and do not come back."""
        if self._upkeep is not None:
            self._upkeep.cancel()
            await asyncio.gather(self._upkeep, return_exceptions=True)
        if self._connection is not None:
            self._connection.close()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        url = self._url
        try:
            async with asyncio.timeout(2.0):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self._timeout),
                    url.hostname or "127.0.0.1",
                    url.port or 6379,
                    ssl=True if url.scheme == "rediss" else None,
                )
        except TimeoutError as late:
            raise RedisAway from late
        try:
            if url.password is not None:
                user = [unquote(url.username)] if url.username else []
                await connection.ask(["AUTH", *user, unquote(url.password)])
            if url.path.strip("/"):
                await connection.ask(["SELECT", url.path.strip("/")])
            await connection.ask(["PING"])
            run = await self._run_of(connection)
        except BaseException:
            connection.close()  # a server that says no keeps the line open
            raise
        self.server_run = run
        self._connection = connection

    async def _run_of(self, connection: _Connection) -> str:
        try:
            return run_told(await connection.ask(["INFO", "server"]))
        except hiredis.ReplyError:
            return secrets.token_hex(6)  # whoever may not ask shares nothing that a run must prove

    async def _stay_connected(self) -> None:
        first, longest = self._backoff
        pause = first
        while True:
            if self.up and self._connection is not None:
                await self._connection.closed.wait()
                log.warning("redis.lost")
                pause = first
            try:
                await self._connect()
                log.info("redis.connected")
            except (RedisAway, OSError, hiredis.ReplyError) as trouble:
                log.warning("redis.unreachable", error=type(trouble).__name__)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, longest)

    def ask(self, *arguments: Argument) -> asyncio.Future[object]:
        """Send one command.

        Raises:
            RedisAway: at once when there is no connection; through the future when the reply is late.
        """
        return self._up().ask(arguments)

    def _up(self) -> _Connection:
        connection = self._connection
        if connection is None or connection.over:
            raise RedisAway
        return connection

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> object:
        """Run a script; one that Redis has forgotten is sent again.

        Raises:
            RedisAway: when there is no connection or the reply is late.
        """
        call = Call(script, keys, arguments)
        said: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def replied(reply: object) -> None:
            if not self.call_again(call, reply, partial(_settle, said)):
                _settle(said, reply)

        self.call(call, replied)
        return await said

    def call(self, call: Call, on_reply: OnReply) -> None:
        """The same for a call that is packed; the reply, or the error, is handed over at once when it comes.

        Who is told that the script is not known uses `call_again`.
        """
        connection = self._connection
        if connection is None or connection.over:
            on_reply(RedisAway())
        else:
            connection.send(call.packed, on_reply)

    def call_again(self, call: Call, reply: object, on_reply: OnReply) -> bool:
        """Send the whole script where the reply says that the server does not know it (any more)."""
        connection = self._connection
        if not isinstance(reply, hiredis.ReplyError) or not str(reply).startswith("NOSCRIPT") or connection is None:
            return False
        whole = ("EVAL", call.script.source, len(call.keys), *call.keys, *call.arguments)
        connection.send(hiredis.pack_command(whole), on_reply)  # type: ignore[arg-type]  # its stub knows one
        return True
