"""Every name on the broker, and how each is declared: all of it derives from the namespace."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from pamqp.common import FieldValue

from kit.messaging.errors import TopologyConflict, TopologyIncomplete

RETRY_DELAYS: Final = (1.0, 10.0, 60.0, 300.0, 1800.0)
WITHIN: Final = 15.0

Consumers = Mapping[str, Collection[str]]
Arguments = dict[str, FieldValue]

# Counting poison is ours (suspect_messages): a low limit throws away healthy messages when consumers die, and
# without any limit a newer broker applies its own low default.
_DELIVERY_LIMIT: Final = 1_000_000
_QUORUM: Final[Arguments] = {"x-queue-type": "quorum", "x-delivery-limit": _DELIVERY_LIMIT}


@dataclass(frozen=True, slots=True)
class Topology:
    """The exchanges and queues of one platform.

    Internal queues have no length limit: one full queue would make the broker refuse publishes that all the others
    have taken. The broker drops history older than `history_max_age` by whole segments of `history_segment` bytes.
    """

    namespace: str
    retry_delays: tuple[float, ...] = RETRY_DELAYS
    history_max_age: str = "7D"
    history_segment: int = 16 * 1024 * 1024
    partner_messages: int = 10_000
    partner_bytes: int = 64 * 1024 * 1024
    browser_seconds: float = 900.0

    @property
    def events(self) -> str:
        """The direct exchange for all events; the routing key is the event's type, bindings name it in full."""
        return f"{self.namespace}.events"

    @property
    def history(self) -> str:
        """The stream that keeps all events for some days; relays write to it (`kit.messaging.history`)."""
        return f"{self.namespace}/history"

    @property
    def partner_bridge(self) -> str:
        """The queue that collects events for partners."""
        return f"{self.namespace}/partner-bridge"

    @property
    def browser_feed(self) -> str:
        """The queue that collects events for open browsers."""
        return f"{self.namespace}/browser-feed"

    def queue(self, consumer: str, event_type: str) -> str:
        """The queue of one subscription."""
        return f"{self.namespace}/{consumer}/{event_type}"

    def partner(self, organization_id: UUID) -> str:
        """The queue from which one organization's integration reads."""
        return f"{self.namespace}/partner/{organization_id}"

    def retry(self, delay: float) -> str:
        """The exchange that sends a message back to its queue (its routing key) after so many seconds."""
        return f"{self.namespace}.retry.{delay:g}s"

    def retry_queue(self, delay: float) -> str:
        """Where messages wait for so many seconds."""
        return f"{self.namespace}/retry/{delay:g}s"

    def label(self, queue: str) -> str:
        """A queue's name without the namespace, for metrics and for people."""
        return queue.removeprefix(f"{self.namespace}/")

    async def declare(self, connection: AbstractConnection, consumers: Consumers) -> None:
        """Declare everything; what exists in the same form stays as it is.

        Raises:
            TopologyConflict: something exists in another form.
        """
        async with _channel(connection) as channel:
            await self._declare_exchange(channel, self.events, "direct")
            await _declare_queue(channel, self.history, self._history_arguments())
            for delay in self.retry_delays:
                await self._declare_exchange(channel, self.retry(delay), "fanout")
                await _declare_queue(channel, self.retry_queue(delay), _retry_arguments(delay))
                await _bind(channel, self.retry_queue(delay), self.retry(delay), "")
            for consumer, event_type in _pairs(consumers):
                await self._declare_subscription(channel, consumer, event_type)

    async def assert_subscription(self, channel: AbstractChannel, consumer: str, event_type: str) -> str:
        """Declare and bind one subscription's queue again and return its name: AMQP cannot list bindings.

        Raises:
            TopologyConflict: it exists in another form.
        """
        return await self._declare_subscription(channel, consumer, event_type)

    async def assert_bridge(self, channel: AbstractChannel, event_types: Collection[str]) -> str:
        """Declare the partner bridge's queue and bind it to these types; return its name.

        Raises:
            TopologyConflict: it exists in another form.
        """
        await _declare_queue(channel, self.partner_bridge, _QUORUM)
        for event_type in event_types:
            await _bind(channel, self.partner_bridge, self.events, event_type)
        return self.partner_bridge

    async def assert_browser_feed(self, channel: AbstractChannel, event_types: Collection[str]) -> str:
        """Declare the browser feed's queue and bind it to these types; return its name.

        Unlike other queues it forgets: after `browser_seconds` nobody wants to be told of an event any more, and a
        queue that nobody has read from for longer is dropped.

        Raises:
            TopologyConflict: it exists in another form.
        """
        kept = round(self.browser_seconds * 1000)
        forgetful: Arguments = {"x-message-ttl": kept, "x-expires": 4 * kept}
        await _declare_queue(channel, self.browser_feed, _QUORUM | forgetful)
        for event_type in event_types:
            await _bind(channel, self.browser_feed, self.events, event_type)
        return self.browser_feed

    async def open_partner_queue(self, connection: AbstractConnection, organization_id: UUID) -> str:
        """Declare an organization's queue, capped: the oldest messages make room for new ones (see `Liveness`).

        Raises:
            TopologyConflict: it exists in another form.
        """
        queue = self.partner(organization_id)
        capped: Arguments = {
            "x-max-length": self.partner_messages,
            "x-max-length-bytes": self.partner_bytes,
            "x-overflow": "drop-head",
        }
        async with _channel(connection) as channel:
            await _declare_queue(channel, queue, _QUORUM | capped)
        return queue

    async def close_partner_queue(self, connection: AbstractConnection, organization_id: UUID) -> None:
        """Delete an organization's queue with what is in it; nothing happens when there is none."""
        async with _channel(connection) as channel:
            await channel.queue_delete(self.partner(organization_id), timeout=WITHIN)

    async def missing(self, connection: AbstractConnection, consumers: Consumers) -> list[str]:
        """The queues that these subscribers need and that do not exist."""
        names = [self.history, *(self.retry_queue(delay) for delay in self.retry_delays)]
        names += [self.queue(consumer, event_type) for consumer, event_type in _pairs(consumers)]
        absent = []
        while names:
            async with _channel(connection) as channel:
                try:
                    while names:
                        await channel.declare_queue(names[0], passive=True, timeout=WITHIN)
                        names.pop(0)
                except ChannelNotFoundEntity:
                    absent.append(names.pop(0))
        return absent

    async def retire(self, connection: AbstractConnection, consumer: str, event_type: str) -> int:
        """Unbind the queue of a subscription that was given up, and delete it if it is empty.

        A bound queue nobody reads grows for ever. Returns how many messages are left in it to be looked after.
        """
        queue = self.queue(consumer, event_type)
        left = await depth(connection, queue)
        if left is None:
            return 0
        async with _channel(connection) as channel:
            raw = await channel.get_underlay_channel()
            await raw.queue_unbind(queue, self.events, event_type, timeout=WITHIN)
            left = (await raw.queue_declare(queue, passive=True, timeout=WITHIN)).message_count or 0
            if not left:
                await raw.queue_delete(queue, timeout=WITHIN)
        return left

    async def check(self, connection: AbstractConnection, consumers: Consumers) -> None:
        """Prove that every queue of every known subscriber exists.

        Raises:
            TopologyIncomplete: some do not.
        """
        missing = await self.missing(connection, consumers)
        if missing:
            raise TopologyIncomplete(missing)

    async def delete(
        self, connection: AbstractConnection, consumers: Consumers, partners: Sequence[UUID] = ()
    ) -> None:
        """Delete everything of this namespace with all messages; for tests and for taking a platform down."""
        queues = [self.queue(consumer, event_type) for consumer, event_type in _pairs(consumers)]
        queues += [self.partner(organization_id) for organization_id in partners]
        queues += [self.history, self.partner_bridge, self.browser_feed, *map(self.retry_queue, self.retry_delays)]
        async with _channel(connection) as channel:
            for name in queues:
                await channel.queue_delete(name, timeout=WITHIN)
            for name in (self.events, *map(self.retry, self.retry_delays)):
                await channel.exchange_delete(name, timeout=WITHIN)

    def _history_arguments(self) -> Arguments:
        return {
            "x-queue-type": "stream",
            "x-max-age": self.history_max_age,
            "x-stream-max-segment-size-bytes": self.history_segment,
        }

    async def _declare_subscription(self, channel: AbstractChannel, consumer: str, event_type: str) -> str:
        queue = self.queue(consumer, event_type)
        await _declare_queue(channel, queue, _QUORUM)
        await _bind(channel, queue, self.events, event_type)
        return queue

    async def _declare_exchange(self, channel: AbstractChannel, name: str, kind: str) -> None:
        try:
            await channel.declare_exchange(name, kind, durable=True, timeout=WITHIN)
        except ChannelPreconditionFailed as trouble:
            raise TopologyConflict(name, str(trouble)) from trouble


async def depth(connection: AbstractConnection, queue: str) -> int | None:
    """How many messages are ready in a queue, None when there is no such queue."""
    try:
        async with _channel(connection) as channel:
            found = await channel.declare_queue(queue, passive=True, timeout=WITHIN)
            return found.declaration_result.message_count or 0
    except ChannelNotFoundEntity:
        return None


def _retry_arguments(delay: float) -> Arguments:
    """A queue nobody reads: what has waited long enough goes home through the default exchange.

    At-least-once dead-lettering needs `reject-publish`; there is no length limit, so it never rejects.
    """
    return _QUORUM | {
        "x-message-ttl": round(delay * 1000),
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _pairs(consumers: Consumers) -> Iterator[tuple[str, str]]:
    return ((consumer, event_type) for consumer, types in consumers.items() for event_type in types)


@asynccontextmanager
async def _channel(connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
    """A channel of its own: the broker closes it at the first refusal."""
    channel = connection.channel(publisher_confirms=False)
    await channel.initialize(timeout=WITHIN)
    try:
        yield channel
    finally:
        await channel.close()


async def _declare_queue(channel: AbstractChannel, name: str, arguments: Arguments) -> None:
    try:
        await channel.declare_queue(name, durable=True, arguments=arguments, timeout=WITHIN)
    except ChannelPreconditionFailed as trouble:
        raise TopologyConflict(name, str(trouble)) from trouble


async def _bind(channel: AbstractChannel, queue: str, exchange: str, routing_key: str) -> None:
    raw = await channel.get_underlay_channel()
    await raw.queue_bind(queue, exchange, routing_key, timeout=WITHIN)
