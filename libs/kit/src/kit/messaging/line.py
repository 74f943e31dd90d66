"""The two connections of a consumer: over one it declares and asks, from the other it reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError

from kit.messaging.broker import Broker
from kit.messaging.reader import Reader


@dataclass(frozen=True, slots=True)
class Line:
    """Both, and an event that is set when the first of them is known to be lost."""

    connection: AbstractConnection
    reader: Reader
    _lost: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.connection.close_callbacks.add(lambda *_: self._lost.set())

    @property
    def gone(self) -> bool:
        """Whether a wire is cut; the client library's own flags can miss that when it happens while it connects."""
        transport = self.connection.transport
        return self.reader.lost or transport is None or transport.connection.is_closed

    def give_up(self) -> None:
        """Somebody has noticed that it is gone."""
        self._lost.set()

    async def until_lost(self) -> None:
        """Return once either is lost, or at once when one was before anybody could listen for its end."""
        if not self.gone:
            waiting = [asyncio.ensure_future(event.wait()) for event in (self._lost, self.reader.ended)]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()


@asynccontextmanager
async def open_line(broker: Broker) -> AsyncIterator[Line]:
    """Open both, and close them whatever state they are in.

    Raises:
        BrokerLost: the broker does not answer, or refuses the credentials.
    """
    connection = await broker.connect("consumer")
    try:
        reader = await broker.open_reader("consumer, reading")
        try:
            yield Line(connection, reader)
        finally:
            await reader.close()
    finally:
        with suppress(AMQPError, OSError, RuntimeError):
            async with asyncio.timeout(5):
                await connection.close()
