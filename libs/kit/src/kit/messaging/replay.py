"""Replaying history: events of the last days are sent once more, to the queues of one service alone."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID, uuid4

import aiormq.abc
import structlog
from aio_pika.abc import AbstractConnection
from pamqp.common import FieldValue

from contracts.event import Decoder, Event, Malformed, UnknownEvent
from kit.clock import Clock
from kit.messaging import history
from kit.messaging.broker import Broker
from kit.messaging.delivery import GENERATION
from kit.messaging.errors import BrokerLost
from kit.messaging.subscription import Subscription
from kit.messaging.topology import WITHIN, Topology
from kit.messaging.wire import Message

log = structlog.get_logger(__name__)

MARKER: Final = "rostrum.replay.marker"
_AT_ONCE: Final = 100  # entries, of up to 256 KiB each; the broker sends twice as many ahead
_SILENCE: Final = 30.0
# The stream is searched by the broker's clock, in chunks; events are then filtered by their own time.
_MARGIN: Final = timedelta(minutes=5)


@dataclass(slots=True)
class Progress:
    """How far a replay has come."""

    generation: int
    read: int = 0
    forwarded: int = 0
    unreadable: int = 0
    at: datetime | None = None


class Replay:
    """Sends past events of a service's subscriptions to its own queues, under a new generation.

    The generation lets them through the deduplication; a version gate still ignores what is older than what was
    applied. Started again with the same generation after an interruption, it applies nothing twice.
    """

    def __init__(
        self, broker: Broker, topology: Topology, consumer: str, subscriptions: Sequence[Subscription[Any]]
    ) -> None:
        self._broker = broker
        self._topology = topology
        self._consumer = consumer
        self._types = {subscription.event.type: subscription.event for subscription in subscriptions}

    async def run(
        self,
        since: datetime,
        *,
        clock: Clock,
        types: Collection[str] = (),
        organization_id: UUID | None = None,
        generation: int | None = None,
        report: Callable[[Progress], None] = lambda _: None,
    ) -> Progress:
        """Forward what happened from `since` until now, all subscribed types or some, all organizations or one.

        Raises:
            ValueError: a type is not subscribed to, `since` has no zone or lies ahead, or the generation is below 1.
            BrokerLost: the replay is incomplete; start it again with the same generation.
            PublishRefused: likewise, because a queue is missing.
        """
        wanted = self._wanted(types)
        now = clock.now()
        if since.utcoffset() is None or since > now:
            raise ValueError("since must be a time with its zone, not after now")
        progress = Progress(int(now.timestamp()) if generation is None else generation)
        if progress.generation < 1:
            raise ValueError("a generation is a positive number")
        chosen = _Chosen(Decoder(wanted), since, organization_id)
        marker = str(uuid4())
        await self._broker.publish([Message("", self._topology.history, b"{}", marker, MARKER)])
        connection = await self._broker.connect("replay")
        try:
            async with _Stream(connection, self._topology.history, since - _MARGIN) as stream:
                ended = False
                while not ended:
                    entries = await stream.read()
                    ended = await self._forward(entries, marker, chosen, progress)
                    await stream.acknowledge(entries)
                    report(progress)
        finally:
            await connection.close()
        log.info("replay.done", generation=progress.generation, read=progress.read, forwarded=progress.forwarded)
        return progress

    def _wanted(self, types: Collection[str]) -> list[type[Event]]:
        unknown = set(types) - set(self._types)
        if unknown:
            raise ValueError(f"{self._consumer} does not subscribe to {', '.join(sorted(unknown))}")
        return [event for name, event in self._types.items() if not types or name in types]

    async def _forward(
        self,
        entries: Sequence[aiormq.abc.DeliveredMessage],
        marker: str,
        chosen: "_Chosen",
        progress: Progress,
    ) -> bool:
        """Send on what is wanted; true when our own marker was among the entries: that was now."""
        forwarded, ended = [], False
        for entry in entries:
            properties = entry.header.properties
            if properties.message_type == MARKER and properties.message_id == marker:
                ended = True
                break
            for body in history.events_of(properties.message_type, entry.body):
                progress.read += 1
                event = chosen.read(body, progress)
                if event is not None:
                    progress.at = event.time
                    forwarded.append(self._addressed(event, body, progress.generation))
        await self._broker.publish(forwarded)
        progress.forwarded += len(forwarded)
        return ended

    def _addressed(self, event: Event, body: bytes, generation: int) -> Message:
        queue = self._topology.queue(self._consumer, event.type)
        return Message("", queue, body, str(event.id), event.type, {GENERATION: generation}, mandatory=True)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which events are wanted."""

    decode: Decoder
    since: datetime
    organization_id: UUID | None

    def read(self, body: bytes, progress: Progress) -> Event | None:
        try:
            event = self.decode(body)
        except UnknownEvent:
            return None
        except Malformed:
            progress.unreadable += 1
            return None
        if event.time < self.since:
            return None
        if self.organization_id is not None and event.organization_id != self.organization_id:
            return None
        return event


class _Stream:
    """Reads a stream from a point in time, in batches of entries."""

    def __init__(self, connection: AbstractConnection, queue: str, since: datetime) -> None:
        self._channel = connection.channel(publisher_confirms=False)
        self._queue = queue
        self._since = since
        self._box: asyncio.Queue[aiormq.abc.DeliveredMessage] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        await self._channel.initialize(timeout=WITHIN)
        self._raw = await self._channel.get_underlay_channel()
        await self._raw.basic_qos(prefetch_count=2 * _AT_ONCE, timeout=WITHIN)
        offset: dict[str, FieldValue] = {"x-stream-offset": self._since}
        await self._raw.basic_consume(self._queue, self._box.put, arguments=offset, timeout=WITHIN)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def read(self) -> list[aiormq.abc.DeliveredMessage]:
        """The entries that have arrived, at least one."""
        try:
            async with asyncio.timeout(_SILENCE):
                entries = [await self._box.get()]
        except TimeoutError:
            raise BrokerLost(f"The history was silent for {_SILENCE:g} s.") from None
        while not self._box.empty() and len(entries) < _AT_ONCE:
            entries.append(self._box.get_nowait())
        return entries

    async def acknowledge(self, entries: Sequence[aiormq.abc.DeliveredMessage]) -> None:
        """Make room for as many more; a stream forgets nothing by it."""
        await self._raw.basic_ack(entries[-1].delivery_tag or 0, multiple=True, wait=False)
