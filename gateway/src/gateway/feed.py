"""What every gateway process hears by itself: events in a queue of this process alone, gone when it goes."""

import asyncio
import contextlib
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from contracts import decode
from contracts.event import Event
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology

log = structlog.get_logger(__name__)

_WITHIN = 10.0


class Feed:
    """Hears some types of events; after each new connection `returned` is awaited, to ask for what was missed.

    `alive` is called every few seconds while the line stands.
    """

    def __init__(
        self,
        broker: Broker,
        topology: Topology,
        hears: Mapping[type[Event], Callable[[Any], Awaitable[None]]],
        *,
        returned: Callable[[], Awaitable[object]],
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._broker = broker
        self._topology = topology
        self._hears = hears
        self._returned = returned
        self._alive = alive
        self._queue = f"{topology.namespace}/gateway-{secrets.token_hex(6)}"
        self.listening = False

    async def run(self) -> None:
        """Listen for ever, coming back after each loss."""
        pause = 0.2
        while True:
            try:
                await self._listen()
                pause = 0.2
            except Exception as trouble:  # noqa: BLE001 - the broker may be away or not yet laid out; snapshots serve
                log.warning("feed.away", error=type(trouble).__name__)
            finally:
                self.listening = False
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 15.0)

    async def _listen(self) -> None:
        connection = await self._broker.connect("feed")
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        try:
            channel = connection.channel(publisher_confirms=False)
            await channel.initialize(timeout=_WITHIN)
            channel.close_callbacks.add(lambda *_: lost.set())
            queue = await channel.declare_queue(self._queue, exclusive=True, auto_delete=True, timeout=_WITHIN)
            for event in self._hears:
                await queue.bind(self._topology.events, event.type, timeout=_WITHIN)
            await queue.consume(self._on_message, no_ack=True, timeout=_WITHIN)
            self.listening = True
            await self._returned()
            await self._until(lost)
        finally:
            self.listening = False
            with contextlib.suppress(Exception):
                await connection.close()

    async def _until(self, lost: asyncio.Event) -> None:
        while not lost.is_set():
            self._alive()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5.0):
                    await lost.wait()

    async def _on_message(self, message: Any) -> None:
        try:
            event = decode(message.body)
        except (ValueError, LookupError) as wrong:
            log.warning("feed.unreadable", error=type(wrong).__name__)
            return
        hear = self._hears.get(type(event))
        if hear is not None:
            await hear(event)
