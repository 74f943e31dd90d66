import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from contracts import auth
from kit.db.database import Database
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase

CREATED = auth.OrganizationCreated.type
RENAMED = auth.OrganizationRenamed.type
ADDED = auth.MemberAdded.type
REMOVED = auth.MemberRemoved.type
CONSUMERS = {"sample": (CREATED, RENAMED, ADDED, REMOVED)}


@dataclass
class Bus:
    """A namespace on the real broker, with what a test asks of it."""

    topology: Topology
    broker: Broker
    connection: AbstractConnection

    def queue(self, event_type: str) -> str:
        return self.topology.queue("sample", event_type)

    async def take(self, queue: str, count: int = 1, within: float = 30) -> list[AbstractIncomingMessage]:
        """Read and acknowledge so many messages."""
        async with self.connection.channel() as channel:
            found = await channel.declare_queue(queue, passive=True)
            taken: list[AbstractIncomingMessage] = []
            async with found.iterator(timeout=within) as messages:
                async for message in messages:
                    await message.ack()
                    taken.append(message)
                    if len(taken) == count:
                        break
        return taken

    async def depth(self, queue: str) -> int:
        async with self.connection.channel() as channel:
            found = await channel.declare_queue(queue, passive=True)
            return found.declaration_result.message_count or 0


@pytest.fixture
def topology(namespace: str) -> Topology:
    return Topology(namespace, retry_delays=(0.05, 0.1))


@pytest.fixture
async def bus(topology: Topology, broker_url: str) -> AsyncIterator[Bus]:
    broker = Broker(broker_url, name="test")
    connection = await broker.connect("test")
    await topology.declare(connection, CONSUMERS)
    try:
        yield Bus(topology, broker, connection)
    finally:
        await topology.delete(connection, CONSUMERS)
        await connection.close()
        await broker.close()


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"sample": sample})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("sample"), name="test", pool_size=6, acquire_within=30)
    try:
        yield opened
    finally:
        await opened.close()


async def until(ask: Callable[[], Awaitable[object]], *, equals: object = True, within: float = 30) -> None:
    """Ask again and again until the answer is the wanted one."""
    try:
        async with asyncio.timeout(within):
            while (answer := await ask()) != equals:  # noqa: ASYNC110 - what is asked lives in another process
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"still {answer!r} after {within:g} s, not {equals!r}") from None


@asynccontextmanager
async def running(*works: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.ensure_future(work(stop)) for work in works]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 30)
