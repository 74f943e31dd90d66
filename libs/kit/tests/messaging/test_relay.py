import asyncio
import sys
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from contracts import decode
from contracts.auth import MemberAdded
from kit.clock import SystemClock
from kit.db.database import Database
from kit.db.wakeups import CROWD
from kit.messaging.broker import Broker
from kit.messaging.errors import BrokerLost, HistoryAway
from kit.messaging.relay import Relay
from kit.messaging.replay import Replay
from kit.messaging.topology import Topology
from kit.messaging.wakeup import Hint, Listener
from kit.telemetry import tracing
from kit.testing.databases import TestDatabase
from kit.testing.proxy import proxied

from .conftest import ADDED, CONSUMERS, Bus, running, until
from .test_replay import LONG_AGO, SUBSCRIPTIONS

ORGANIZATION = uuid4()


def added(version: int = 1) -> MemberAdded:
    return MemberAdded(
        organization_id=ORGANIZATION, member_id=uuid4(), user_id=uuid4(), role="editor", version=version
    )


async def emit(database: Database, count: int) -> list[UUID]:
    events = [added() for _ in range(count)]
    async with database.transaction() as tx:
        await tx.emit(*events)
    return [event.id for event in events]


class Counted(Relay):
    """Counts its rounds: one at the start, one for each hint."""

    rounds = 0

    async def send_pending(self) -> int:
        sent = await super().send_pending()
        self.rounds += 1
        return sent


async def outbox(database: Database) -> int:
    async with database.transaction() as tx:
        return int(await tx.fetchval("SELECT count(*) FROM outbox"))


async def test_committed_events_are_sent_in_order_and_deleted(bus: Bus, database: Database) -> None:
    sent = await emit(database, 30)
    assert await Relay(database, bus.broker, bus.topology).send_pending() == 30
    assert await outbox(database) == 0
    taken = await bus.take(bus.queue(ADDED), 30)
    assert [UUID(message.message_id) for message in taken] == sent
    assert [decode(message.body).id for message in taken] == sent
    assert {message.type for message in taken} == {ADDED}


async def test_two_relays_share_the_outbox_and_send_each_event_once(bus: Bus, database: Database) -> None:
    sent = await emit(database, 1000)
    relays = [Relay(database, bus.broker, bus.topology, batch=20) for _ in range(2)]
    async with running(*(relay.run for relay in relays)):
        taken = await bus.take(bus.queue(ADDED), 1000)
    assert sorted(UUID(message.message_id) for message in taken) == sorted(sent)
    assert await bus.depth(bus.queue(ADDED)) == 0


async def test_a_lost_broker_deletes_nothing_and_the_events_leave_when_it_is_back(
    bus: Bus, database: Database
) -> None:
    address = bus.broker.address
    async with proxied(address.host, address.port) as proxy:
        broker = Broker(f"amqp://guest:guest@127.0.0.1:{proxy.listening_on}/", name="test")
        relay = Relay(database, broker, bus.topology, batch=50)
        await broker.ping()
        sent = await emit(database, 120)
        held = proxy.hold("to_server", b"specversion")
        sending = asyncio.ensure_future(relay.send_pending())
        await held.reached.wait()
        proxy.cut()
        held.release()
        with pytest.raises(BrokerLost):
            await sending
        assert await outbox(database) == 120
        async with running(relay.run):
            taken = await bus.take(bus.queue(ADDED), 120)
        assert sorted(UUID(message.message_id) for message in taken) == sorted(sent)
        await broker.close()


async def test_what_the_broker_refuses_stays_in_the_outbox(bus: Bus, database: Database) -> None:
    """A full queue bound to the type makes the broker nack; the row is put back as it was."""
    name = f"{bus.topology.namespace}/full"
    async with bus.connection.channel() as channel:
        full = await channel.declare_queue(
            name, durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
        )
        await full.bind(bus.topology.events, ADDED)
        try:
            relay = Relay(database, bus.broker, bus.topology)
            await emit(database, 3)
            assert await relay.send_pending() < 3
            left = await outbox(database)
            assert left > 0
        finally:
            await channel.queue_delete(name)
    assert await relay.send_pending() == left
    assert await outbox(database) == 0


async def test_what_the_history_did_not_take_is_sent_again_and_reaches_nobody_meanwhile(
    bus: Bus, database: Database
) -> None:
    sent = set(map(str, await emit(database, 3)))
    async with bus.connection.channel() as channel:
        await channel.queue_delete(bus.topology.history)
    relay = Relay(database, bus.broker, bus.topology)
    for _ in range(3):
        with pytest.raises(HistoryAway):
            await relay.send_pending()
    assert await outbox(database) == 3
    assert await bus.depth(bus.queue(ADDED)) == 3
    await bus.topology.declare(bus.connection, CONSUMERS)
    assert await relay.send_pending() == 3
    assert {message.message_id for message in await bus.take(bus.queue(ADDED), 6)} == sent
    replayed = await Replay(bus.broker, bus.topology, "sample", SUBSCRIPTIONS).run(LONG_AGO, clock=SystemClock())
    assert replayed.read == 3


async def test_a_hint_from_another_process_wakes_the_relay(bus: Bus, database: Database, place: TestDatabase) -> None:
    """With a poll of an hour, only the hint can have brought the event."""
    program = (
        "import asyncio, sys; from kit.messaging.wakeup import Hint\n"
        "async def main():\n"
        "    hint = Hint(sys.argv[1], 'sample'); task = asyncio.ensure_future(hint.run())\n"
        "    sys.stdin.readline(); hint.notify(); sys.stdin.readline(); task.cancel()\n"
        "asyncio.run(main())"
    )
    program = program.replace("sys.stdin.readline()", "await asyncio.to_thread(sys.stdin.readline)")
    listener = Listener(place.url("sample"), "sample")
    relay = Counted(database, bus.broker, bus.topology, listener=listener, poll=3600)
    listening = asyncio.ensure_future(listener.run())
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, place.url("sample"), stdin=asyncio.subprocess.PIPE
    )
    assert child.stdin is not None
    try:
        async with running(relay.run):
            await until(lambda: asyncio.sleep(0, relay.rounds), equals=2)
            await emit(database, 1)
            await asyncio.sleep(0.3)
            assert await outbox(database) == 1
            child.stdin.write(b"\n")
            assert len(await bus.take(bus.queue(ADDED))) == 1
    finally:
        listening.cancel()
        child.stdin.write(b"\n")
        child.stdin.close()
        await child.wait()


async def test_a_commit_wakes_the_relay(bus: Bus, database: Database, place: TestDatabase) -> None:
    """With a poll of an hour, only the hint can have brought the events."""
    hint, listener = Hint(place.url("sample"), "sample"), Listener(place.url("sample"), "sample")
    database.emitted = hint.notify
    helpers = [asyncio.ensure_future(hint.run()), asyncio.ensure_future(listener.run())]
    await listener.listening.wait()
    relay = Relay(database, bus.broker, bus.topology, listener=listener, poll=3600)
    try:
        async with running(relay.run):
            await asyncio.sleep(0.1)
            for _ in range(3):
                await emit(database, 1)
                assert len(await bus.take(bus.queue(ADDED))) == 1
    finally:
        for helper in helpers:
            helper.cancel()


async def test_events_leave_while_a_crowd_computes_and_none_waits_for_its_end(
    bus: Bus, database: Database, place: TestDatabase
) -> None:
    """The crowd is told of for ever; what is committed meanwhile is sent at the latest after the relay's poll."""
    hint, listener = Hint(place.url("sample"), "sample"), Listener(place.url("sample"), "sample", database.wakeups)
    database.emitted = database.hinted = hint.notify
    helpers = [asyncio.ensure_future(hint.run()), asyncio.ensure_future(listener.run())]
    await listener.listening.wait()
    relay = Relay(database, bus.broker, bus.topology, listener=listener, poll=0.5)

    async def crowd() -> None:
        while True:
            database.hint(CROWD)
            await asyncio.sleep(0.05)

    helpers.append(asyncio.ensure_future(crowd()))
    try:
        async with running(relay.run):
            for _ in range(30):
                await emit(database, 1)
                await asyncio.sleep(0.01)
            assert len(await bus.take(bus.queue(ADDED), 30)) == 30
    finally:
        for helper in helpers:
            helper.cancel()


async def test_one_hint_is_enough_for_many_batches_and_both_loops(
    bus: Bus, database: Database, place: TestDatabase
) -> None:
    hint, listener = Hint(place.url("sample"), "sample"), Listener(place.url("sample"), "sample")
    helpers = [asyncio.ensure_future(hint.run()), asyncio.ensure_future(listener.run())]
    await listener.listening.wait()
    relay = Relay(database, bus.broker, bus.topology, listener=listener, batch=10, poll=3600)
    try:
        async with running(relay.run, relay.run):
            await asyncio.sleep(0.2)
            for count in (55, 30, 1):
                await emit(database, count)
                hint.notify()
                assert len(await bus.take(bus.queue(ADDED), count)) == count
                await until(lambda: outbox(database), equals=0)
    finally:
        for helper in helpers:
            helper.cancel()


async def listens(database: Database, *, but_for: Sequence[int]) -> bool:
    """Whether a listener is connected, other than by these connections."""
    async with database.transaction() as tx:
        found: bool = await tx.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'listener' AND pid <> ALL ($1::integer[]))",
            but_for,
        )
    return found


async def test_a_listener_comes_back_after_its_connection_was_ended(database: Database, place: TestDatabase) -> None:
    hint, listener = Hint(place.url("sample"), "sample"), Listener(place.url("sample"), "sample")
    heard = listener.subscribe()
    helpers = [asyncio.ensure_future(hint.run()), asyncio.ensure_future(listener.run())]
    try:
        await listener.listening.wait()
        heard.clear()
        hint.notify()
        await asyncio.wait_for(heard.wait(), 30)
        async with database.transaction() as tx:
            ended = await tx.fetch(
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name IN ('hint', 'listener')"
            )
        assert len(ended) == 2
        await until(lambda: listens(database, but_for=[row["pid"] for row in ended]))
        await asyncio.wait_for(listener.listening.wait(), 30)
        heard.clear()

        async def hears() -> bool:
            hint.notify()
            return heard.is_set()

        await until(hears)
    finally:
        for helper in helpers:
            helper.cancel()


async def test_a_sampled_event_leaves_a_producer_span_in_its_own_trace(bus: Bus, database: Database) -> None:
    exporter = InMemorySpanExporter()
    tracing.configure("sample", exporter=exporter, sample=1.0)
    try:
        with tracing.span("request"):
            trace = tracing.current()
            await emit(database, 1)
        await Relay(database, bus.broker, bus.topology).send_pending()
    finally:
        tracing.shut_down()
    assert trace is not None
    (message,) = await bus.take(bus.queue(ADDED))
    assert decode(message.body).traceparent == trace.traceparent
    sends = [span for span in exporter.get_finished_spans() if span.name == f"send {ADDED}"]
    assert [span.context.trace_id for span in sends] == [trace.trace_id]


async def test_events_wait_while_there_is_no_exchange_yet(bus: Bus, database: Database) -> None:
    """A relay that starts before the topology must not lose what it cannot route."""
    nowhere = Topology(f"{bus.topology.namespace}x")
    await emit(database, 1)
    with pytest.raises(BrokerLost, match="NOT_FOUND"):
        await Relay(database, bus.broker, nowhere).send_pending()
    assert await outbox(database) == 1
