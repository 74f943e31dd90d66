"""The bridge to partners: events go into the capped queue of the organization they belong to, and nowhere else."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from uuid import UUID

import structlog

from contracts.event import Decoder, Event, Malformed, UnknownEvent
from kit.db.database import Database
from kit.messaging import measures
from kit.messaging.broker import Broker
from kit.messaging.consumer import Lanes
from kit.messaging.delivery import Delivery
from kit.messaging.failures import Failures
from kit.messaging.lane import Acknowledge, Lane
from kit.messaging.topology import Topology
from kit.messaging.wire import Message

log = structlog.get_logger(__name__)

OpenQueues = Callable[[frozenset[UUID]], Awaitable[Collection[UUID]]]


class PartnerBridge:
    """Copies events for partners into partner queues.

    `open_queues` is asked, per batch, which of these organizations have an open queue. A partner gets the message as
    it is, at least once. Partners see neither the shared exchange nor another organization's events.
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        topology: Topology,
        events: Iterable[type[Event]],
        open_queues: OpenQueues,
        *,
        batch: int = 200,
        sample_every: float = 5.0,
    ) -> None:
        public = [event for event in events if event.audience == "partners"]
        queue = topology.partner_bridge
        work = _Forwarding(
            broker, topology, Decoder(public), open_queues, Failures(database, broker, topology, queue)
        )
        declare = partial(topology.assert_bridge, event_types=[event.type for event in public])
        self._lane = Lane(topology.label(queue), declare, work, prefetch=2 * batch, batch=batch)
        self._lanes = Lanes(broker, {queue: self._lane}, topology.label, sample_every=sample_every)

    @property
    def consuming(self) -> bool:
        """Whether the bridge has its consumer on the broker right now."""
        return self._lane.consuming.is_set()

    async def run(self, stop: asyncio.Event) -> None:
        """Forward until `stop`; then finish the batch at hand, acknowledge it and close."""
        await self._lanes.run(stop, _at_once)


class _Forwarding:
    """Settles a batch of the bridge: published to partners and confirmed, or dead."""

    def __init__(
        self, broker: Broker, topology: Topology, decode: Decoder, open_queues: OpenQueues, failures: Failures
    ) -> None:
        self._broker = broker
        self._topology = topology
        self._decode = decode
        self._open_queues = open_queues
        self._failures = failures

    async def work(self, deliveries: Sequence[Delivery], _acknowledge: Acknowledge) -> None:
        """Forward each event to its organization's queue, if that is open."""
        addressed = [(event, delivery) for delivery in deliveries if (event := await self._readable(delivery))]
        owners = frozenset(event.organization for event, _ in addressed)
        if not owners:
            return
        still_open = set(await self._open_queues(owners))
        messages = [
            Message("", self._topology.partner(event.organization), delivery.body, str(event.id), event.type)
            for event, delivery in addressed
            if event.organization in still_open
        ]
        await self._broker.publish(messages)
        measures.FORWARDED.inc(len(messages))

    async def _readable(self, delivery: Delivery) -> Event | None:
        try:
            return self._decode(delivery.body)
        except (Malformed, UnknownEvent) as trouble:
            log.warning("bridge.undecodable", message_id=str(delivery.message_id), error=str(trouble))
            await self._failures.bury(delivery, "undecodable", f"{type(trouble).__name__}: {trouble}")
            return None


async def _at_once(_stop: asyncio.Event) -> None:
    """The bridge needs nothing before it starts."""
