"""Partner queues on the real broker: made, capped, deleted, and filled with the organization's own events only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import pytest
from aio_pika.abc import AbstractConnection

from contracts import EVENTS, decode
from contracts.auth import InvitationRevoked, MemberAdded, OrganizationCreated, SessionsRevoked, UserRegistered
from contracts.event import Event, encode
from contracts.publisher import PartnerQueueOpened
from kit.clock import SystemClock
from kit.db.database import Database
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.partners import PartnerBridge
from kit.messaging.relay import Relay
from kit.messaging.topology import Topology, depth
from kit.messaging.wire import Message
from kit.process import supervise
from publisher.partner_queues.broker import RabbitQueues
from publisher.partner_queues.work import OpenQueues, PartnerQueueWork
from publisher.worker import loops, settle_collected

from .conftest import Forward
from .rows import Rows

NOW = SystemClock().now()


@dataclass
class Bus:
    """A namespace on the real broker, deleted at the end."""

    topology: Topology
    broker: Broker
    connection: AbstractConnection
    organizations: list[UUID] = field(default_factory=list)

    def organization(self) -> UUID:
        """A new organization whose queue is deleted after the test."""
        self.organizations.append(new_id())
        return self.organizations[-1]

    async def depth(self, organization_id: UUID) -> int | None:
        return await depth(self.connection, self.topology.partner(organization_id))

    async def publish(self, *events: Event) -> None:
        await self.broker.publish(
            [Message(self.topology.events, event.type, encode(event), str(event.id), event.type) for event in events]
        )

    async def read(self, organization_id: UUID) -> list[Event]:
        """All that is in a partner's queue now, as the partner reads it."""
        async with self.connection.channel() as channel:
            queue = await channel.declare_queue(self.topology.partner(organization_id), passive=True)
            events = []
            while message := await queue.get(fail=False):
                await message.ack()
                events.append(decode(message.body))
        return events


@pytest.fixture
async def bus(namespace: str, broker_url: str) -> AsyncIterator[Bus]:
    topology = Topology(namespace, partner_messages=5)
    broker = Broker(broker_url, name="publisher test")
    connection = await broker.connect("test")
    made = Bus(topology, broker, connection)
    await topology.declare(connection, {})
    try:
        yield made
    finally:
        await topology.delete(connection, {}, made.organizations)
        await connection.close()
        await broker.close()


@pytest.fixture
def queues(bus: Bus) -> RabbitQueues:
    return RabbitQueues(bus.broker, bus.topology)


@pytest.fixture
async def working(bus: Bus, database: Database, queues: RabbitQueues) -> AsyncIterator[None]:
    """The publisher's loops and its relay, as its worker runs them."""
    bridge = PartnerBridge(database, bus.broker, bus.topology, EVENTS, OpenQueues(database).among)
    relay = Relay(database, bus.broker, bus.topology, poll=0.02)
    stop = asyncio.Event()
    running = [
        asyncio.create_task(supervise(loops(bridge, PartnerQueueWork(database, queues)), stop)),
        asyncio.create_task(relay.run(stop)),
    ]
    yield
    stop.set()
    await asyncio.wait_for(asyncio.gather(*running), 60)


async def eventually(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    answer: object = None
    with suppress(TimeoutError):
        async with asyncio.timeout(60):
            while (answer := await ask()) != wanted:  # noqa: ASYNC110 - what is asked lives on the broker
                await asyncio.sleep(0.02)
    assert answer == wanted


def founded(organization_id: UUID) -> OrganizationCreated:
    return OrganizationCreated(organization_id=organization_id, time=NOW, created_by=new_id())


def joined(organization_id: UUID) -> MemberAdded:
    return MemberAdded(organization_id=organization_id, time=NOW, member_id=new_id(), user_id=new_id(), role="editor")


async def test_making_and_deleting_a_queue_may_be_repeated(bus: Bus, queues: RabbitQueues) -> None:
    organization_id = bus.organization()
    await queues.close(organization_id)
    await queues.open(organization_id)
    await queues.open(organization_id)
    assert await bus.depth(organization_id) == 0
    await queues.close(organization_id)
    await queues.close(organization_id)
    assert await bus.depth(organization_id) is None


async def test_a_queue_nobody_reads_keeps_the_newest_and_refuses_nothing(bus: Bus, queues: RabbitQueues) -> None:
    organization_id = bus.organization()
    await queues.open(organization_id)
    events = [joined(organization_id) for _ in range(12)]
    await bus.broker.publish(
        [Message("", bus.topology.partner(organization_id), encode(each), str(each.id)) for each in events]
    )
    await eventually(lambda: bus.depth(organization_id), 5)
    assert [event.id for event in await bus.read(organization_id)] == [event.id for event in events[-5:]]


async def test_a_queue_made_by_a_worker_that_died_is_recorded_by_the_next(
    bus: Bus, queues: RabbitQueues, database: Database, rows: Rows, forward: Forward
) -> None:
    """The worker is gone after the broker made the queue and before the row says so."""
    organization_id = bus.organization()
    await rows.open(organization_id)
    made = asyncio.Event()

    class Dying(RabbitQueues):
        async def open(self, organization_id: UUID) -> None:
            await super().open(organization_id)
            made.set()
            await asyncio.Event().wait()

    dying = asyncio.create_task(PartnerQueueWork(database, Dying(bus.broker, bus.topology)).settle_next())
    await made.wait()
    dying.cancel()
    await asyncio.wait([dying])
    assert (await bus.depth(organization_id), await rows.state(organization_id)) == (0, "opening")
    await forward(100)
    assert await PartnerQueueWork(database, queues).settle_next()
    assert await rows.told(organization_id) == [("PartnerQueueOpened", 2)]


async def test_no_queue_opens_before_the_bridge_collects(
    bus: Bus, rows: Rows, database: Database, queues: RabbitQueues
) -> None:
    """An event published before the bridge has its queue would be lost to the partner."""
    organization_id = bus.organization()
    await rows.open(organization_id)
    bridge = PartnerBridge(database, bus.broker, bus.topology, EVENTS, OpenQueues(database).among)
    work = PartnerQueueWork(database, queues)
    assert not await settle_collected(bridge, work)
    assert (await bus.depth(organization_id), await rows.state(organization_id)) == (None, "opening")
    stop = asyncio.Event()
    collecting = asyncio.create_task(bridge.run(stop))
    await eventually(partial(settle_collected, bridge, work), wanted=True)
    stop.set()
    await collecting
    assert (await bus.depth(organization_id), await rows.state(organization_id)) == (0, "open")


@pytest.mark.usefixtures("working")
async def test_each_partner_gets_its_own_organizations_events_and_no_others(bus: Bus, rows: Rows) -> None:
    ours, theirs, without = bus.organization(), bus.organization(), bus.organization()
    for organization_id in (ours, theirs):
        await rows.open(organization_id)
        await eventually(partial(bus.depth, organization_id), 1)
    own = [founded(ours), joined(ours)]
    foreign = [joined(theirs), founded(without), joined(without)]
    await bus.publish(own[0], *foreign, own[1])
    await eventually(lambda: bus.depth(ours), 3)
    await eventually(lambda: bus.depth(theirs), 2)
    assert await bus.depth(without) is None
    received = await bus.read(ours)
    assert {event.organization_id for event in received} == {ours}
    assert isinstance(received[0], PartnerQueueOpened)
    assert [event.id for event in received[1:]] == [event.id for event in own]
    assert {event.organization_id for event in await bus.read(theirs)} == {theirs}


@pytest.mark.usefixtures("working")
async def test_what_is_internal_never_reaches_a_partner(bus: Bus, rows: Rows) -> None:
    organization_id = bus.organization()
    await rows.open(organization_id)
    await eventually(partial(bus.depth, organization_id), 1)
    internal = [
        UserRegistered(organization_id=organization_id, time=NOW, user_id=new_id()),
        SessionsRevoked(organization_id=organization_id, time=NOW, user_id=new_id(), epoch=2),
    ]
    last = InvitationRevoked(organization_id=organization_id, time=NOW, invitation_id=new_id())
    await bus.publish(*internal, last)
    await eventually(lambda: bus.depth(organization_id), 2)
    assert [type(event).__name__ for event in await bus.read(organization_id)] == [
        "PartnerQueueOpened",
        "InvitationRevoked",
    ]


@pytest.mark.usefixtures("working")
async def test_a_queue_that_was_given_up_gets_nothing_and_one_opened_again_starts_empty(
    bus: Bus, rows: Rows, database: Database
) -> None:
    """What the second organization receives shows that the bridge has done all that came before it."""
    organization_id, witness = bus.organization(), bus.organization()
    await rows.open(organization_id)
    await rows.open(witness)
    await eventually(partial(bus.depth, organization_id), 1)
    await eventually(partial(bus.depth, witness), 1)
    await rows.close(organization_id)
    await eventually(partial(rows.state, organization_id), "closed")
    assert await bus.depth(organization_id) is None
    await eventually(database.outbox_age, 0)
    await bus.publish(joined(organization_id), joined(witness))
    await eventually(partial(bus.depth, witness), 2)
    await rows.open(organization_id)
    await eventually(partial(bus.depth, organization_id), 1)
    (first,) = await bus.read(organization_id)
    assert isinstance(first, PartnerQueueOpened)
    assert first.version == 6
