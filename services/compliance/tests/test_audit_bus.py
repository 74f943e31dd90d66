"""From the broker to the signed checkpoint, with the worker's own consumer and loops."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from compliance.worker import SUBSCRIPTIONS
from contracts.event import Event, encode
from kit.db.database import Database
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.consumer import Consumer
from kit.messaging.relay import Relay
from kit.messaging.subscription import types_of
from kit.messaging.topology import Topology
from kit.messaging.wire import Message
from kit.process import Loop, supervise
from kit.testing.programs import eventually

from .trail import Trail

CONSUMERS = {"compliance": types_of(SUBSCRIPTIONS)}


@pytest.fixture
async def broker(broker_url: str) -> AsyncIterator[Broker]:
    opened = Broker(broker_url, name="compliance test")
    yield opened
    await opened.close()


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
async def worker(trail: Trail, database: Database, broker: Broker, topology: Topology) -> AsyncIterator[None]:
    stop = asyncio.Event()
    consumer = Consumer(database, broker, topology, "compliance", SUBSCRIPTIONS)
    relay = Relay(database, broker, topology, poll=0.02)
    loops = [
        Loop("consumer", consumer.run),
        Loop("sequencer", trail.parts.sequencer.run),
        Loop("relay", relay.run),
    ]
    running = asyncio.create_task(supervise(loops, stop))
    yield
    stop.set()
    await asyncio.wait_for(running, 60)


def sent(topology: Topology, event: Event) -> Message:
    return Message(topology.events, event.type, encode(event), str(event.id), event.type)


@pytest.mark.usefixtures("worker")
async def test_what_services_say_is_signed_for_and_so_is_who_read_it(
    trail: Trail, broker: Broker, topology: Topology
) -> None:
    """Every line twice, two organizations and none, five services; then the reading itself comes into the log."""
    ours, theirs = new_id(), new_id()
    actions = ("auth.member.added", "billing.plan.changed", "inbox.channel.connected", "publisher.post.changed")
    lines = [
        trail.line(organization_id, action) for action in actions for organization_id in (ours, ours, theirs, None)
    ]
    await broker.publish([sent(topology, line) for line in (*lines, *lines)])

    async def all_in() -> bool:
        return await recorded(trail, ours) >= 8 and await recorded(trail, theirs) >= 4

    await eventually(all_in)
    assert (await trail.checked(theirs)).whole

    async def read_is_in() -> bool:
        rows = await trail.ask("SELECT 1 FROM audit_entries WHERE action = 'compliance.audit.exported'")
        return len(rows) == 1

    await eventually(read_is_in)
    assert await recorded(trail, ours) == 8
    assert await recorded(trail, theirs) == 5


async def recorded(trail: Trail, organization_id: UUID) -> int:
    rows = await trail.ask("SELECT last FROM audit_sequences WHERE organization_id = $1", organization_id)
    return rows[0]["last"] if rows else 0
