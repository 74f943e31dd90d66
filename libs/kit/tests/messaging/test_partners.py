import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from contracts.auth import MemberAdded, OrganizationRenamed, SessionsRevoked
from contracts.event import encode
from kit.clock import SystemClock
from kit.db.database import Database
from kit.messaging.errors import BrokerLost
from kit.messaging.partners import PartnerBridge
from kit.messaging.wire import Message

from .conftest import ADDED, Bus, running, until
from .handlers import added, message
from .test_consumer import letters


@asynccontextmanager
async def bridged(bus: Bus, database: Database, open_now: Collection[UUID]) -> AsyncIterator[PartnerBridge]:
    """The bridge at work, with a queue for each of these organizations."""

    async def open_queues(asked: frozenset[UUID]) -> Collection[UUID]:
        return asked & set(open_now)

    for organization_id in open_now:
        await bus.topology.open_partner_queue(bus.connection, organization_id)
    events = (MemberAdded, OrganizationRenamed, SessionsRevoked)
    bridge = PartnerBridge(database, bus.broker, bus.topology, events, open_queues)
    try:
        async with running(bridge.run):
            await until(lambda: asyncio.sleep(0, bridge.consuming))
            yield bridge
    finally:
        for organization_id in open_now:
            await bus.topology.close_partner_queue(bus.connection, organization_id)


async def test_a_partner_gets_its_own_events_and_nobody_elses(bus: Bus, database: Database) -> None:
    mine, other, closed = uuid4(), uuid4(), uuid4()
    events = [added(organization_id=each) for each in (mine, other, closed, mine, uuid4())]
    async with bridged(bus, database, [mine, other]):
        await bus.broker.publish([message(bus.topology, event) for event in events])
        taken = await bus.take(bus.topology.partner(mine), 2)
        others = await bus.take(bus.topology.partner(other), 1)
        await until(lambda: bus.depth(bus.topology.partner_bridge), equals=0)
        assert await bus.depth(bus.topology.partner(mine)) == 0
        assert await bus.depth(bus.topology.partner(other)) == 0
    assert [each.body for each in taken] == [encode(events[0]), encode(events[3])]
    assert [each.message_id for each in others] == [str(events[1].id)]
    assert taken[0].type == ADDED


async def test_a_queue_that_is_being_closed_gets_nothing_more(bus: Bus, database: Database) -> None:
    """It still exists on the broker, but the service no longer counts it as open."""
    mine, closing = uuid4(), uuid4()
    queue = await bus.topology.open_partner_queue(bus.connection, closing)
    try:
        async with bridged(bus, database, [mine]):
            await bus.broker.publish([message(bus.topology, added(organization_id=each)) for each in (closing, mine)])
            assert len(await bus.take(bus.topology.partner(mine))) == 1
            assert await bus.depth(queue) == 0
    finally:
        await bus.topology.close_partner_queue(bus.connection, closing)


async def test_internal_events_never_reach_a_partner(bus: Bus, database: Database) -> None:
    mine = uuid4()
    internal = SessionsRevoked(
        time=SystemClock().now(), organization_id=mine, user_id=uuid4(), session_id=None, epoch=2
    )
    public = added(organization_id=mine)
    async with bridged(bus, database, [mine]):
        await bus.broker.publish(
            [
                message(bus.topology, internal),
                Message("", bus.topology.partner_bridge, encode(internal), str(internal.id), internal.type),
                message(bus.topology, public),
            ]
        )
        taken = await bus.take(bus.topology.partner(mine))
        assert await bus.depth(bus.topology.partner(mine)) == 0
    assert [each.message_id for each in taken] == [str(public.id)]
    assert [letter["message_id"] for letter in await letters(database)] == [internal.id]


async def test_when_nobody_can_say_which_queues_are_open_events_wait(bus: Bus, database: Database) -> None:
    mine, asked = uuid4(), 0

    async def open_queues(organization_ids: frozenset[UUID]) -> frozenset[UUID]:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise BrokerLost("not now")
        return organization_ids

    await bus.topology.open_partner_queue(bus.connection, mine)
    bridge = PartnerBridge(database, bus.broker, bus.topology, [MemberAdded], open_queues)
    try:
        async with running(bridge.run):
            await until(lambda: asyncio.sleep(0, bridge.consuming))
            await bus.broker.publish([message(bus.topology, added(organization_id=mine))])
            assert len(await bus.take(bus.topology.partner(mine))) == 1
    finally:
        await bus.topology.close_partner_queue(bus.connection, mine)
    assert asked == 3


async def test_a_queue_that_was_closed_meanwhile_stops_nothing(bus: Bus, database: Database) -> None:
    mine, gone = uuid4(), uuid4()
    async with bridged(bus, database, [mine, gone]):
        await bus.topology.close_partner_queue(bus.connection, gone)
        await bus.broker.publish([message(bus.topology, added(organization_id=each)) for each in (gone, mine)])
        assert len(await bus.take(bus.topology.partner(mine))) == 1
