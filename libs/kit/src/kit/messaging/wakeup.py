"""A hint that crosses processes: something was committed under a topic, do not wait for the next poll.

It is sent after the commit on a connection of its own (NOTIFY inside the transaction halves the database's rate), and
losing one is harmless: whoever is woken polls as well. The outbox is one topic, others are told by `Database.hint`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog

from kit.db.wakeups import CROWD, Wakeups

log = structlog.get_logger(__name__)

OUTBOX = "outbox"
_RECONNECT_EVERY = 1.0
_CHECK_EVERY = 30.0
_IN_A_CROWD = 0.14
"""Seconds until the next hint after one that told of a crowd: who hears it gives way for longer."""


def channel_of(schema: str) -> str:
    """The notification channel of a service."""
    return f"{schema}_outbox"


class Hint:
    """Tells the other processes of one service what there is to do, at most once per `pause` seconds."""

    def __init__(self, url: str, schema: str, *, pause: float = 0.002) -> None:
        self._url = url
        self._channel = channel_of(schema)
        self._pause = pause
        self._wanted = asyncio.Event()
        self._topics: set[str] = set()

    def notify(self, topic: str = OUTBOX) -> None:
        """Ask for a hint; returns at once and never fails."""
        self._topics.add(topic)
        self._wanted.set()

    async def run(self) -> None:
        """Send hints for ever, reconnecting when the connection is lost."""
        while True:
            await self._wanted.wait()
            try:
                async with _connected(self._url, "hint") as connection:
                    await self._send(connection)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as trouble:
                log.warning("hint.connection_lost", error=type(trouble).__name__)
                await asyncio.sleep(_RECONNECT_EVERY)

    async def _send(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            topics, self._topics = self._topics, set()
            await connection.execute("SELECT pg_notify($1, $2)", self._channel, " ".join(sorted(topics)))
            await asyncio.sleep(_IN_A_CROWD if CROWD in topics else self._pause)


class Listener:
    """Hears the hints of one service's processes and wakes whoever waits in this one (`Database.wakeups`)."""

    def __init__(self, url: str, schema: str, wakeups: Wakeups | None = None) -> None:
        self._url = url
        self._channel = channel_of(schema)
        self._wakeups = wakeups or Wakeups()
        self.listening = asyncio.Event()

    def subscribe(self) -> asyncio.Event:
        """An event that is set whenever there is something in the outbox; its owner clears it."""
        return self._wakeups.subscribe(OUTBOX)

    def unsubscribe(self, event: asyncio.Event) -> None:
        """Take the event off; its owner waits no more."""
        self._wakeups.unsubscribe(OUTBOX, event)

    async def run(self) -> None:
        """Listen for ever, reconnecting when the connection is lost; a transaction pooler cannot carry LISTEN."""
        while True:
            try:
                async with _connected(self._url, "listener") as connection:
                    await connection.add_listener(self._channel, self._heard)
                    self.listening.set()
                    self._wakeups.wake_all()
                    await _until_lost(connection)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as trouble:
                log.warning("listener.connection_lost", error=type(trouble).__name__)
            self.listening.clear()
            await asyncio.sleep(_RECONNECT_EVERY)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        for topic in str(payload).split():
            self._wakeups.wake(topic)


@asynccontextmanager
async def _connected(url: str, name: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    # A hint may be lost, so it need not wait for the disk.
    settings = {"application_name": name, "synchronous_commit": "off"}
    connection = await asyncpg.connect(url, timeout=10, command_timeout=10, server_settings=settings)
    try:
        yield connection
    finally:
        connection.terminate()


async def _until_lost(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Return once the connection is gone; one that hangs half open is found by asking now and then."""
    lost = asyncio.Event()
    connection.add_termination_listener(lambda *_: lost.set())
    while not lost.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(_CHECK_EVERY):
                await lost.wait()
                return
        await connection.execute("SELECT 1")
