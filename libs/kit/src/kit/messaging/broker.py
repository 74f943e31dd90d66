"""The one place that knows the broker's address."""

import asyncio
from collections.abc import Sequence

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError

from kit.messaging.address import BrokerAddress
from kit.messaging.errors import BrokerLost
from kit.messaging.publisher import Publisher
from kit.messaging.reader import Reader
from kit.messaging.wire import Message


class OwnedConnection(aio_pika.Connection):
    """A connection that its owner closes.

    The library's own closes itself once more when it is collected, also one that was never connected: by a task if a
    loop runs just then, and else by a coroutine that nobody awaits, of which the interpreter warns.
    """

    def __del__(self) -> None:
        """Leave it to the owner."""


class Broker:
    """Opens connections for topology and consuming, and keeps one confirming publisher for the whole process.

    A lost publisher is replaced at the next publish; what was in flight fails with `BrokerLost`.
    """

    def __init__(self, url: str, *, name: str, heartbeat: int = 20, connect_within: float = 10.0) -> None:
        self._url = url
        self.address = BrokerAddress.parse(url)
        self._name = name
        self._heartbeat = heartbeat
        self._connect_within = connect_within
        self._publisher: Publisher | None = None
        self._opening = asyncio.Lock()

    async def connect(self, purpose: str) -> AbstractConnection:
        """A new plain connection; whoever asked closes it.

        Raises:
            BrokerLost: the broker does not answer, or refuses the credentials.
        """
        try:
            async with asyncio.timeout(self._connect_within):
                return await aio_pika.connect(
                    self._url,
                    heartbeat=self._heartbeat,
                    client_properties={"connection_name": f"{self._name} {purpose}"},
                    connection_class=OwnedConnection,
                )
        except (OSError, AMQPError) as trouble:
            place = f"{self.address.host}:{self.address.port}"
            raise BrokerLost(f"No broker at {place} ({type(trouble).__name__}).") from trouble

    async def open_reader(self, purpose: str) -> Reader:
        """A new connection for reading queues; whoever asked closes it.

        Raises:
            BrokerLost: the broker does not answer, or refuses the credentials.
        """
        return await Reader.connect(
            self.address, name=f"{self._name} {purpose}", heartbeat=self._heartbeat, within=self._connect_within
        )

    async def publish(self, messages: Sequence[Message], *, within: float = 15.0) -> None:
        """Publish all messages and wait for their confirms.

        Raises:
            PublishRefused: some were refused; all others are confirmed.
            BrokerLost: nobody knows which of them arrived.
        """
        publisher = await self._open_publisher()
        await publisher.publish_many(messages, within=within)

    async def ping(self) -> None:
        """Prove that the broker can be reached and answers.

        Raises:
            BrokerLost: it cannot.
        """
        await self._open_publisher()

    async def close(self) -> None:
        """Close the publisher."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await publisher.close()

    async def _open_publisher(self) -> Publisher:
        async with self._opening:
            if self._publisher is None or self._publisher.lost:
                self._publisher = await Publisher.connect(
                    self.address,
                    name=f"{self._name} publisher",
                    heartbeat=self._heartbeat,
                    within=self._connect_within,
                )
            return self._publisher
