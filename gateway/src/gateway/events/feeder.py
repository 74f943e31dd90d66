"""Brings events from the broker into the streams: one durable queue, shared by all gateway processes."""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import hiredis
import structlog

from contracts import Malformed, UnknownEvent, decode, peek
from contracts.registry import FOR_BROWSERS
from gateway.cache.generations import Invalidation
from gateway.events.facts import GAP, Fact, fact_of
from gateway.events.streams import Streams
from gateway.redis_pipe import RedisAway
from kit.messaging.broker import Broker
from kit.messaging.liveness import ANSWERS_WITHIN, DEAD, drop
from kit.messaging.topology import Topology, depth
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

FED = metrics.counter("events_fed_total", "Events taken from the broker for browsers")
WRITTEN = metrics.counter("events_written_total", "Facts written into the streams of organizations that listen")

_WITHIN = 10.0
_BATCH = 100


class _Arrivals:
    """What the broker has delivered on one channel, in order, until the channel is lost."""

    def __init__(self) -> None:
        self.lost = False
        self._waiting: deque[Any] = deque()
        self._news = asyncio.Event()

    async def take(self, message: Any) -> None:
        """A message has arrived."""
        self._waiting.append(message)
        self._news.set()

    def end(self, *_: object) -> None:
        """The channel has gone; what was not acknowledged comes again on another."""
        self.lost = True
        self._news.set()

    async def batch(self, most: int, wait: float) -> list[Any]:
        """The next messages, at once when there are any; none when it is quiet or over."""
        if not self._waiting and not self.lost:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), most))]


class Feeder:
    """Takes events from the queue, writes them into the streams and only then acknowledges them.

    Whatever dies in between, they come again, to this process or to another, and are written once. The queue forgets
    what is older than a quarter of an hour; a feed that was away for so long begins a new epoch (see `Kept`).
    Kept answers end before any browser is told, so that whoever reads on hearing of a fact reads what is now.
    """

    def __init__(
        self,
        broker: Broker,
        topology: Topology,
        streams: Streams,
        invalidation: Invalidation,
        *,
        idle: float = 4.0,
    ) -> None:
        self._broker = broker
        self._topology = topology
        self._streams = streams
        self._invalidation = invalidation
        self._idle = idle
        self._lost = False
        self.feeding = False

    async def run(self) -> None:
        """Feed for ever, coming back after each loss."""
        pause = 0.2
        while True:
            try:
                await self._feed()
                pause = 0.2
            except Exception as trouble:  # noqa: BLE001 - broker or Redis may be away; what is not acknowledged waits
                log.warning("events.feed_away", error=type(trouble).__name__)
            finally:
                self.feeding = False
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 5.0)

    async def _feed(self) -> None:
        connection = await self._broker.connect("events")
        arrivals = _Arrivals()
        connection.close_callbacks.add(arrivals.end)
        try:
            self._lost |= await depth(connection, self._topology.browser_feed) is None
            channel = connection.channel(publisher_confirms=False)
            await channel.initialize(timeout=_WITHIN)
            channel.close_callbacks.add(arrivals.end)
            name = await self._topology.assert_browser_feed(channel, [event.type for event in FOR_BROWSERS])
            await self._invalidation.begin(after_loss=self._lost)
            await self._streams.begin_feeding(after_loss=self._lost)
            self._lost = False
            await channel.set_qos(prefetch_count=2 * _BATCH, timeout=_WITHIN)
            await self._consume(channel, name, arrivals)
            self.feeding = True
            await self._work(arrivals, connection)
        finally:
            with contextlib.suppress(Exception):
                await connection.close()

    async def _consume(self, channel: Any, name: str, arrivals: _Arrivals) -> None:
        """Begin to read; a queue that a power cut left dead is dropped, for it may hold up every event's publisher.

        Nothing is lost with it that browsers would not load anew: the feed begins a new epoch with the next queue.
        """
        raw = await channel.get_underlay_channel()
        raw.on_consumer_cancel_callbacks.add(arrivals.end)
        queue = await channel.get_queue(name, ensure=False)
        try:
            await queue.consume(arrivals.take, timeout=ANSWERS_WITHIN)
        except DEAD:
            log.warning("events.feed_dropped", queue=name)
            await drop(self._broker, name)
            raise

    async def _work(self, arrivals: _Arrivals, connection: Any) -> None:
        while not arrivals.lost:
            batch = await arrivals.batch(_BATCH, self._idle)
            if batch:
                await self._write(batch)
                await batch[-1].ack(multiple=True)
            elif not arrivals.lost:
                await self._prove_alive(connection)

    async def _prove_alive(self, connection: Any) -> None:
        """A silent queue may have been deleted, and a silent connection may be dead."""
        async with asyncio.timeout(_WITHIN):
            if await depth(connection, self._topology.browser_feed) is None:
                raise LookupError("the queue has gone")
        await self._invalidation.heard([])
        await self._streams.feed([])

    async def _write(self, batch: Sequence[Any]) -> None:
        """Write a batch, however long Redis is away; after a loss of the broker it was written for nothing."""
        facts = [fact for message in batch if (fact := read(message.body)) is not None]
        pause = 0.05
        while True:
            try:
                await self._invalidation.heard(facts)
                WRITTEN.inc(await self._streams.feed(facts))
            except (RedisAway, hiredis.ReplyError) as trouble:
                log.warning("events.not_written", error=type(trouble).__name__)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, 1.0)
            else:
                FED.inc(len(batch))
                return


def read(body: bytes) -> Fact | None:
    """The fact in a message, None when it is none for browsers.

    An event that this version cannot read, because it is newer, becomes a gap in the stream of its organization.
    """
    try:
        return fact_of(decode(body))
    except (UnknownEvent, Malformed) as wrong:
        log.warning("events.unreadable", error=type(wrong).__name__)
    try:
        envelope = peek(body)
        return Fact(UUID(str(envelope["id"])), UUID(str(envelope["organization"])), frozenset(), GAP)
    except (Malformed, KeyError, ValueError):
        return None
