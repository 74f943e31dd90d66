from uuid import uuid4

import pytest

from kit.messaging.errors import TopologyConflict, TopologyIncomplete
from kit.messaging.topology import Topology
from kit.messaging.wire import Message

from .conftest import ADDED, CONSUMERS, CREATED, Bus


async def test_declaring_twice_changes_nothing(bus: Bus) -> None:
    await bus.topology.declare(bus.connection, CONSUMERS)
    await bus.topology.check(bus.connection, CONSUMERS)


async def test_a_missing_queue_is_named(bus: Bus) -> None:
    with pytest.raises(TopologyIncomplete) as incomplete:
        await bus.topology.check(bus.connection, {**CONSUMERS, "newcomer": (ADDED,)})
    assert incomplete.value.missing == (bus.topology.queue("newcomer", ADDED),)


async def test_other_arguments_are_a_clear_error_and_nothing_is_lost(bus: Bus) -> None:
    await bus.broker.publish([Message(bus.topology.events, ADDED, b"kept")])
    name = bus.topology.partner(uuid4())
    async with bus.connection.channel() as channel:
        await channel.declare_queue(name, durable=True)
        try:
            organization_id = name.rpartition("/")[2]
            with pytest.raises(TopologyConflict, match="delete it, and run `topology` again"):
                await bus.topology.open_partner_queue(bus.connection, organization_id)  # type: ignore[arg-type] # its text
        finally:
            await channel.queue_delete(name)
    changed = Topology(bus.topology.namespace, retry_delays=(0.05,), history_max_age="1h")
    with pytest.raises(TopologyConflict, match=changed.history):
        await changed.declare(bus.connection, CONSUMERS)
    assert [message.body for message in await bus.take(bus.queue(ADDED))] == [b"kept"]


async def test_an_event_goes_to_the_queues_of_its_type_and_into_the_history(bus: Bus) -> None:
    await bus.broker.publish([Message(bus.topology.events, ADDED, b"1"), Message(bus.topology.events, CREATED, b"2")])
    assert [message.body for message in await bus.take(bus.queue(ADDED))] == [b"1"]
    assert [message.body for message in await bus.take(bus.queue(CREATED))] == [b"2"]


async def test_a_message_on_the_ladder_comes_home_by_itself(bus: Bus) -> None:
    home = bus.queue(ADDED)
    await bus.broker.publish([Message(bus.topology.retry(0.05), home, b"later", "id", ADDED, {"attempt": 1})])
    (back,) = await bus.take(home)
    assert (back.body, back.headers["attempt"]) == (b"later", 1)


async def test_a_partner_queue_is_opened_and_closed_any_number_of_times(bus: Bus) -> None:
    organization_id = uuid4()
    for _ in range(2):
        name = await bus.topology.open_partner_queue(bus.connection, organization_id)
    assert await bus.depth(name) == 0
    for _ in range(2):
        await bus.topology.close_partner_queue(bus.connection, organization_id)


async def test_a_full_partner_queue_drops_its_oldest_and_refuses_nothing(bus: Bus) -> None:
    small = Topology(bus.topology.namespace, partner_messages=3)
    organization_id = uuid4()
    name = await small.open_partner_queue(bus.connection, organization_id)
    try:
        await bus.broker.publish([Message("", name, b"%d" % n) for n in range(10)])
        assert [message.body for message in await bus.take(name, 3)] == [b"7", b"8", b"9"]
    finally:
        await small.close_partner_queue(bus.connection, organization_id)


async def test_a_subscription_that_was_given_up_is_unbound_and_deleted_once_empty(bus: Bus) -> None:
    await bus.broker.publish([Message(bus.topology.events, ADDED, b"1")])
    assert await bus.topology.retire(bus.connection, "sample", ADDED) == 1
    await bus.broker.publish([Message(bus.topology.events, ADDED, b"2")])
    assert [message.body for message in await bus.take(bus.queue(ADDED))] == [b"1"]
    assert await bus.topology.retire(bus.connection, "sample", ADDED) == 0
    assert await bus.topology.missing(bus.connection, CONSUMERS) == [bus.queue(ADDED)]
    assert await bus.topology.retire(bus.connection, "sample", ADDED) == 0
