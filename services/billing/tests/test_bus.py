"""The projection over the real broker: from other services' events to billing's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from billing.organizations.errors import OrganizationNotHeardOf
from billing.worker import SUBSCRIPTIONS
from contracts import decode
from contracts.billing import EntitlementsChanged
from contracts.event import Event, encode
from kit.db.database import Database
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.consumer import Consumer
from kit.messaging.relay import Relay
from kit.messaging.subscription import types_of
from kit.messaging.topology import Topology
from kit.messaging.wire import Message

from .hearing import Ear, added, created, removed

CONSUMERS = {"billing": types_of(SUBSCRIPTIONS), "other": (EntitlementsChanged.type,)}


@pytest.fixture
async def topology(namespace: str, broker: Broker) -> AsyncIterator[Topology]:
    made = Topology(namespace, retry_delays=(0.05, 0.1))
    connection = await broker.connect("test")
    await made.declare(connection, CONSUMERS)
    try:
        yield made
    finally:
        await made.delete(connection, CONSUMERS)
        await connection.close()


@pytest.fixture
async def broker(broker_url: str) -> AsyncIterator[Broker]:
    opened = Broker(broker_url, name="billing test")
    yield opened
    await opened.close()


@pytest.fixture
async def worker(database: Database, broker: Broker, topology: Topology) -> AsyncIterator[None]:
    """Consumer and relay of billing, as its worker runs them."""
    stop = asyncio.Event()
    works = (
        Consumer(database, broker, topology, "billing", SUBSCRIPTIONS),
        Relay(database, broker, topology, poll=0.02),
    )
    running = [asyncio.create_task(work.run(stop)) for work in works]
    yield
    stop.set()
    await asyncio.wait_for(asyncio.gather(*running), 60)


async def eventually(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    answer: object = None
    with suppress(TimeoutError):
        async with asyncio.timeout(60):
            while (answer := await ask()) != wanted:  # noqa: ASYNC110 - what is asked lives in another process
                await asyncio.sleep(0.02)
    assert answer == wanted


def sent(topology: Topology, event: Event) -> Message:
    return Message(topology.events, event.type, encode(event), str(event.id), event.type)


async def received(broker: Broker, topology: Topology) -> list[Event]:
    """What another service has got from billing."""
    connection = await broker.connect("other")
    try:
        channel = await connection.channel()
        queue = await channel.declare_queue(topology.queue("other", EntitlementsChanged.type), passive=True)
        events = []
        while message := await queue.get(fail=False):
            await message.ack()
            events.append(decode(message.body))
        return events
    finally:
        await connection.close()


@pytest.mark.usefixtures("worker")
async def test_from_events_alone_billing_knows_each_organization_and_tells_its_entitlements_once(
    database: Database, broker: Broker, topology: Topology, ear: Ear
) -> None:
    """Members before their organization, everything twice, the removal before the addition."""
    ours, theirs, leaver = new_id(), new_id(), new_id()
    events: list[Event] = [
        removed(theirs, leaver),
        added(ours, new_id()),
        added(ours, new_id()),
        added(theirs, new_id()),
        added(theirs, leaver),
        created(ours),
        created(theirs),
    ]
    await broker.publish([sent(topology, event) for event in (*events, *events)])

    async def seats() -> object:
        try:
            return [(await ear.organization(each)).seats_used for each in (ours, theirs)]
        except OrganizationNotHeardOf:
            return None

    async def still_to_send() -> object:
        return await database.outbox_age()

    await eventually(seats, [2, 1])
    await eventually(still_to_send, 0)
    told = await received(broker, topology)
    assert sorted(event.organization for event in told) == sorted([ours, theirs])
    assert {event.version for event in told} == {1}
