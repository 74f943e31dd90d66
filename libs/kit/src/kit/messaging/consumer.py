"""The consumer of a service: its subscriptions on one line to the broker, under supervision of our own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from kit.db.database import Database
from kit.errors import TransientError
from kit.messaging import measures
from kit.messaging.backoff import Backoff
from kit.messaging.broker import Broker
from kit.messaging.errors import BrokerLost, TopologyConflict
from kit.messaging.failures import Failures
from kit.messaging.isolation import Isolation
from kit.messaging.lane import Lane
from kit.messaging.line import Line, open_line
from kit.messaging.subscription import Subscription, types_of
from kit.messaging.topology import WITHIN, Topology
from kit.messaging.working import Worker
from kit.process import cancelled

log = structlog.get_logger(__name__)

Ready = Callable[[asyncio.Event], Awaitable[None]]

# RuntimeError: what the client library raises on a connection that has just gone.
_BROKER_TROUBLE = (TransientError, AMQPError, ChannelInvalidStateError, OSError, RuntimeError, TopologyConflict)


class Lanes:
    """Keeps lanes running on one line at a time, reconnecting with back-off, and watches that they move.

    A client library that reconnects by itself does not notice a consumer that has silently stopped. This one does:
    an idle lane that got nothing between two samples, while messages wait in its queue, is started again.
    """

    def __init__(
        self,
        broker: Broker,
        lanes: Mapping[str, Lane],
        label: Callable[[str], str],
        *,
        sample_every: float = 5.0,
        longest_pause: float = 10.0,
    ) -> None:
        self._broker = broker
        self._lanes = lanes
        self._label = label
        self._sample_every = sample_every
        self._longest_pause = longest_pause

    async def run(self, stop: asyncio.Event, ready: Ready) -> None:
        """Consume until `stop`; `ready(stop)` is awaited before a lane starts and may hold it back."""
        backoff, clock = Backoff(0.1, self._longest_pause), asyncio.get_running_loop()
        if not self._lanes:
            await stop.wait()
        while not stop.is_set():
            started = clock.time()
            try:
                async with open_line(self._broker) as line:
                    await self._consume(line, stop, ready)
            except BrokerLost as trouble:
                log.warning("consumer.waiting", detail=trouble.detail)
                await pause(stop, backoff.after(clock.time() - started))

    async def _consume(self, line: Line, stop: asyncio.Event, ready: Ready) -> None:
        keepers = [asyncio.ensure_future(self._keep(lane, line, stop, ready)) for lane in self._lanes.values()]
        watching = asyncio.ensure_future(self._watch(line))
        gone = asyncio.ensure_future(line.until_lost())
        ended = asyncio.ensure_future(asyncio.wait(keepers))
        try:
            await asyncio.wait((ended, watching, gone), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                raise BrokerLost("The consumer's connection is lost.")
        finally:
            await cancelled(*keepers, ended, watching, gone)

    async def _keep(self, lane: Lane, line: Line, stop: asyncio.Event, ready: Ready) -> None:
        """Start the lane again, each time a little later, when it ends badly while the connections are alive."""
        backoff, clock = Backoff(0.1, self._longest_pause), asyncio.get_running_loop()
        while not stop.is_set():
            started = clock.time()
            try:
                await ready(stop)
                if not stop.is_set():
                    await lane.run(line, stop)
                    continue
            except _BROKER_TROUBLE as trouble:
                log.warning("consumer.lane_lost", queue=lane.name, error=type(trouble).__name__, detail=str(trouble))
            except Exception:
                log.exception("consumer.lane_crashed", queue=lane.name)
            measures.CONSUMER_LOSSES.labels(lane.name).inc()
            if line.gone:
                line.give_up()
                return
            await pause(stop, backoff.after(clock.time() - started))

    async def _watch(self, line: Line) -> None:
        """Measure the lag of each queue and start lanes again that stand still; ends when the broker is silent."""
        seen = dict.fromkeys(self._lanes, -1)
        while True:
            for queue, lane in self._lanes.items():
                waiting = await _waiting(line.connection, queue)
                if waiting is None:
                    continue
                measures.QUEUE_LAG.labels(self._label(queue)).set(waiting)
                idle = waiting and lane.consuming.is_set() and not lane.busy
                if idle and seen[queue] == lane.arrivals:
                    lane.lose("messages wait and none arrives")
                seen[queue] = lane.arrivals if idle else -1
            await asyncio.sleep(self._sample_every)


class Consumer:
    """Runs a service's subscriptions: each message is applied once, tried again, or becomes a dead letter."""

    def __init__(
        self,
        database: Database,
        broker: Broker,
        topology: Topology,
        name: str,
        subscriptions: Sequence[Subscription[Any]],
        *,
        sample_every: float = 5.0,
        longest_pause: float = 10.0,
    ) -> None:
        types_of(subscriptions)
        self._database = database
        isolation = Isolation()
        self._by_queue: dict[str, Lane] = {}
        for subscription in subscriptions:
            queue = topology.queue(name, subscription.event.type)
            failures = Failures(database, broker, topology, queue)
            worker = Worker(
                subscription,
                topology=topology,
                queue=queue,
                database=database,
                failures=failures,
                isolation=isolation,
            )
            declare = partial(topology.assert_subscription, consumer=name, event_type=subscription.event.type)
            self._by_queue[queue] = Lane(
                topology.label(queue), declare, worker, prefetch=subscription.prefetch, batch=subscription.batch
            )
        self._lanes = Lanes(
            broker, self._by_queue, topology.label, sample_every=sample_every, longest_pause=longest_pause
        )

    @property
    def consuming(self) -> bool:
        """Whether every subscription has its consumer on the broker right now."""
        return all(lane.consuming.is_set() for lane in self._by_queue.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; then finish the batches at hand, acknowledge them and close."""
        await self._lanes.run(stop, self._database_answers)

    async def _database_answers(self, stop: asyncio.Event) -> None:
        """Wait until our own database answers: without it nothing can be said about any message."""
        backoff = Backoff(0.1, 5.0)
        while not stop.is_set():
            try:
                await self._database.ping()
            except TransientError as trouble:
                log.warning("consumer.database_unavailable", error=type(trouble).__name__)
                await pause(stop, backoff.next())
            else:
                return


async def _waiting(connection: AbstractConnection, queue: str) -> int | None:
    """How many messages are ready in a queue; None when it is not there (its lane declares it again)."""
    channel = connection.channel(publisher_confirms=False)
    try:
        async with asyncio.timeout(WITHIN):
            await channel.initialize()
            found = await channel.declare_queue(queue, passive=True)
            await channel.close()
    except AMQPError:
        return None
    return found.declaration_result.message_count or 0


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or less when it is time to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
