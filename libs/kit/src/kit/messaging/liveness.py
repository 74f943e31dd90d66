"""Queues that the broker lists and that nobody is behind.

RabbitMQ writes the name of a new quorum queue to disk every half second. After a power cut within that time it still
lists the queue, but has no process for it: whoever consumes from it is thrown out or waits for ever, and whoever
publishes to it waits with all that it publishes elsewhere. Only deleting it sets them free.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import ConnectionInternalError

from kit.messaging.broker import Broker
from kit.messaging.topology import WITHIN

NAMES_KEPT: Final = 1.0
"""Seconds after which a new queue surely survives a power cut; nothing should be published to it before."""

ANSWERS_WITHIN: Final = 5.0

DEAD = (TimeoutError, ConnectionInternalError)
"""How a dead queue answers who begins to consume from it."""


async def is_alive(broker: Broker, queue: str) -> bool:
    """Whether an existing queue takes a consumer; meant for one that is still empty.

    Raises:
        BrokerLost: the broker does not answer at all.
    """
    async with _channel(broker) as channel:
        raw = await channel.get_underlay_channel()
        try:
            await raw.basic_consume(queue, _ignore, timeout=ANSWERS_WITHIN)
        except DEAD:
            return False
        return True


async def drop(broker: Broker, queue: str) -> None:
    """Delete a dead queue, and whatever it had; who waited for it is set free.

    Raises:
        BrokerLost: the broker does not answer at all.
    """
    async with _channel(broker) as channel:
        with suppress(AMQPError):  # the broker complains that nobody answers, and deletes it all the same
            await channel.queue_delete(queue, timeout=WITHIN)


@asynccontextmanager
async def _channel(broker: Broker) -> AsyncIterator[AbstractChannel]:
    """A channel on a connection of its own: a dead queue takes both down with it."""
    connection = await broker.connect("liveness")
    try:
        channel = connection.channel(publisher_confirms=False)
        await channel.initialize(timeout=WITHIN)
        yield channel
    finally:
        await connection.close()


async def _ignore(_message: object) -> None:
    """Whatever came goes back with the connection."""
