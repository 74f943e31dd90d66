"""The other side of parcels: takes them, says what a test has told it to say, and remembers when each arrived.

In a test it runs on the test's loop; `python -m kit.testing.parcels.receiver PORT DELAY` runs it as a process that
tells its arrivals at `/arrivals`.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import uvloop

from kit.testing.ports import free_port


@dataclass(frozen=True, slots=True)
class Reply:
    """How to answer: `takes` says whether it counts as arrived; `hangs_up` breaks off instead of answering."""

    status: int = 200
    retry_after: int | None = None
    delay: float = 0.0
    takes: bool = True
    hangs_up: bool = False
    held: asyncio.Event | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A POST as it arrived; `at` in monotonic seconds."""

    at: float
    lane: str
    subject: str


@dataclass
class Receiver:
    """Listens on a port of the loopback interface."""

    reply: Callable[[str, int], Reply] = field(default=lambda _subject, _nth: Reply())
    arrivals: list[Arrival] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    looked: Counter[str] = field(default_factory=Counter)
    port: int = 0
    _server: asyncio.Server | None = None
    _posts: Counter[str] = field(default_factory=Counter)
    _connections: "set[_Connection]" = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen, on a free port unless one is given."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port or free_port())
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and break what is open."""
        for connection in tuple(self._connections):
            connection.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def posts(self, subject: object) -> int:
        """How often this parcel was posted."""
        return self._posts[str(subject)]


class _Connection(asyncio.Protocol):
    """One connection of a client that sends one request after the other."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not derive from it
        self._receiver._connections.add(self)  # noqa: SLF001 - its own connections

    def connection_lost(self, _error: Exception | None) -> None:
        self._receiver._connections.discard(self)  # noqa: SLF001 - its own connections
        for task in self._tasks:
            task.cancel()

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            length = int(
                next((x.split(":")[1] for x in head.split("\r\n") if x.lower().startswith("content-l")), "0")
            )
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            method, path, _ = head.split("\r\n")[0].split(" ")
            self._take(method, path, at)

    def _take(self, method: str, path: str, at: float) -> None:
        receiver = self._receiver
        if path == "/arrivals":
            self._answer(200, json.dumps([(each.at, each.lane, each.subject) for each in receiver.arrivals]))
            return
        _, _, lane, subject = path.split("/")
        if method == "GET":
            receiver.looked[subject] += 1
            self._answer(200 if receiver.taken[subject] else 404)
            return
        receiver.arrivals.append(Arrival(at, lane, subject))
        receiver._posts[subject] += 1  # noqa: SLF001 - its own count
        reply = receiver.reply(subject, receiver._posts[subject])  # noqa: SLF001 - its own count
        if reply.takes and reply.status < 400:
            receiver.taken[subject] += 1
        if not reply.delay and reply.held is None:
            self._finish(reply)
            return
        task = asyncio.ensure_future(self._later(reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _later(self, reply: Reply) -> None:
        await asyncio.sleep(reply.delay)
        if reply.held is not None:
            await reply.held.wait()
        self._finish(reply)

    def _finish(self, reply: Reply) -> None:
        if reply.hangs_up:
            self._transport.abort()
        else:
            self._answer(reply.status, "{}", reply.retry_after)

    def _answer(self, status: int, body: str = "{}", retry_after: int | None = None) -> None:
        extra = "" if retry_after is None else f"retry-after: {retry_after}\r\n"
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{extra}content-length: {len(body)}\r\n\r\n"
        self._transport.write((head + body).encode())


async def _main(port: int, delay: float) -> None:
    with suppress(PermissionError):  # it stands for another machine: what it measures must not wait for our load
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    receiver = Receiver(lambda _subject, _nth: Reply(delay=delay))
    await receiver.start(port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(int(sys.argv[1]), float(sys.argv[2])))
