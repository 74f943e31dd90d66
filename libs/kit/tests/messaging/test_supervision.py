import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from aio_pika.abc import AbstractConnection
from structlog.testing import capture_logs

from contracts.auth import MemberAdded, OrganizationCreated
from contracts.event import encode
from kit.clock import SystemClock
from kit.db.database import Database, Transaction
from kit.db.provision import with_database
from kit.errors import TransientError
from kit.messaging import measures
from kit.messaging.broker import Broker
from kit.messaging.consumer import Consumer
from kit.messaging.delivery import Delivery
from kit.messaging.failures import Failures
from kit.messaging.isolation import Isolation
from kit.messaging.subscription import Subscription
from kit.messaging.working import Worker
from kit.testing.databases import TestDatabase
from kit.testing.proxy import Proxy, proxied

from .conftest import ADDED, CREATED, Bus, running, until
from .handlers import added, message, notes, on_member_added, on_members_added
from .test_consumer import consuming, letters, settled

POISONED = Path(__file__).with_name("poisoned.py")


@asynccontextmanager
async def behind_a_proxy(bus: Bus) -> AsyncIterator[tuple[Proxy, Broker]]:
    address = bus.broker.address
    async with proxied(address.host, address.port) as proxy:
        broker = Broker(f"amqp://guest:guest@127.0.0.1:{proxy.listening_on}/", name="cut")
        try:
            yield proxy, broker
        finally:
            await broker.close()


@asynccontextmanager
async def behind_a_shaky_line(place: TestDatabase) -> AsyncIterator[tuple[Proxy, Database]]:
    parts = urlsplit(place.url("sample"))
    async with proxied(parts.hostname or "", parts.port or 5432) as proxy:
        server = f"postgresql://127.0.0.1:{proxy.listening_on}/x"
        url = with_database(server, place.name, user=parts.username, password=parts.password)
        database = await Database.open(url, name="behind", pool_size=4, acquire_within=30)
        try:
            yield proxy, database
        finally:
            await database.close()


async def test_after_a_cut_connection_everything_is_applied_once(bus: Bus, database: Database) -> None:
    """The connection is cut again and again while batches are under way."""
    organization_id = uuid4()
    events = [added(organization_id=organization_id) for _ in range(2000)]
    async with behind_a_proxy(bus) as (proxy, broker):
        consumer = Consumer(
            database, broker, bus.topology, "sample", [Subscription(MemberAdded, many=on_members_added, batch=50)]
        )
        async with running(consumer.run):
            for start in range(0, 2000, 400):
                await until(lambda: asyncio.sleep(0, consumer.consuming))
                await bus.broker.publish([message(bus.topology, event) for event in events[start : start + 400]])
                await asyncio.sleep(0.05)
                proxy.cut()
            await settled(database, 2000, within=60)
            await until(lambda: bus.depth(bus.queue(ADDED)), equals=0)
    applied = await notes(database, organization_id)
    assert len(applied) == 2000
    assert set(applied.values()) == {(1, "editor")}
    assert await letters(database) == []


async def test_a_consumer_ends_although_a_look_at_its_queues_is_under_way(bus: Bus, database: Database) -> None:
    """The client library swallows about every second cancellation that meets it in a call."""
    for _ in range(12):
        subscription = Subscription(MemberAdded, many=on_members_added)
        consumer = Consumer(database, bus.broker, bus.topology, "sample", [subscription], sample_every=0.0)
        stop = asyncio.Event()
        run = asyncio.create_task(consumer.run(stop))
        await until(lambda: asyncio.sleep(0, consumer.consuming))  # noqa: B023 - awaited here
        await asyncio.sleep(0.05)
        stop.set()
        done, _ = await asyncio.wait([run], timeout=30)
        run.cancel()
        assert done, "it hangs"


class LosesTheFirst(Broker):
    """Its first connection is gone by the time it is handed over."""

    proxy: Proxy
    connections = 0

    async def connect(self, purpose: str) -> AbstractConnection:
        connection = await super().connect(purpose)
        self.connections += 1
        if self.connections == 1:
            self.proxy.cut()
            await until(
                lambda: asyncio.sleep(0, connection.transport is None or connection.transport.connection.is_closed)
            )
        return connection


async def test_a_connection_lost_before_anybody_watched_it_is_replaced_at_once(bus: Bus, database: Database) -> None:
    address = bus.broker.address
    async with proxied(address.host, address.port) as proxy:
        broker = LosesTheFirst(f"amqp://guest:guest@127.0.0.1:{proxy.listening_on}/", name="lost", connect_within=30)
        broker.proxy = proxy
        subscription = Subscription(MemberAdded, many=on_members_added)
        consumer = Consumer(database, broker, bus.topology, "sample", [subscription], sample_every=3600)
        async with running(consumer.run):
            await until(lambda: asyncio.sleep(0, consumer.consuming))
        assert broker.connections == 2
        await broker.close()


async def test_a_commit_whose_ack_was_lost_is_not_applied_again(bus: Bus, database: Database) -> None:
    """It comes again, is seen to be a duplicate, and is acknowledged."""
    event, duplicates = added(), measures.MESSAGES.labels(f"sample/{ADDED}", "duplicate")
    before = duplicates._value.get()
    async with behind_a_proxy(bus) as (proxy, broker):
        consumer = Consumer(
            database, broker, bus.topology, "sample", [Subscription(MemberAdded, many=on_members_added)]
        )
        async with running(consumer.run):
            await until(lambda: asyncio.sleep(0, consumer.consuming))
            ack = proxy.hold("to_server", b"\x00\x3c\x00\x50")
            await bus.broker.publish([message(bus.topology, event)])
            await asyncio.wait_for(ack.reached.wait(), 30)
            await settled(database, 1)
            proxy.cut()
            ack.release()
            proxy.holds.clear()
            await until(lambda: asyncio.sleep(0, duplicates._value.get() > before))
    assert await bus.depth(bus.queue(ADDED)) == 0
    assert await notes(database, event.organization) == {event.member_id: (1, "editor")}


async def test_a_broker_that_is_away_for_a_while_is_waited_for(bus: Bus, database: Database) -> None:
    event = added()
    async with behind_a_proxy(bus) as (proxy, broker):
        consumer = Consumer(
            database, broker, bus.topology, "sample", [Subscription(MemberAdded, one=on_member_added)]
        )
        await proxy.stop()
        async with running(consumer.run):
            await asyncio.sleep(0.5)
            assert not consumer.consuming
            await bus.broker.publish([message(bus.topology, event)])
            await proxy.start()
            await settled(database, 1)


async def test_without_its_database_a_consumer_waits_and_burns_no_attempt(bus: Bus, place: TestDatabase) -> None:
    """The database goes away in the middle of a batch and stays away for longer than the whole retry ladder."""
    events = [added() for _ in range(20)]
    started = asyncio.Event()

    async def slow(event: MemberAdded, tx: Transaction) -> None:
        started.set()
        await asyncio.sleep(0.02)
        await on_member_added(event, tx)

    async with behind_a_shaky_line(place) as (proxy, database):
        retried = measures.MESSAGES.labels(f"sample/{ADDED}", "retried")
        before = retried._value.get()
        async with consuming(bus, database, Subscription(MemberAdded, one=slow)):
            await bus.broker.publish([message(bus.topology, event) for event in events])
            await started.wait()
            with capture_logs() as logs:
                await proxy.stop()
                await until(lambda: asyncio.sleep(0, "consumer.database_unavailable" in [e["event"] for e in logs]))
                await asyncio.sleep(1.5)
            await proxy.start()
            await settled(database, 20)
        assert await letters(database) == []
        applied = await notes(database, *(event.organization for event in events))
        assert set(applied.values()) == {(1, "editor")}
        assert retried._value.get() == before


async def test_a_consumer_whose_queue_was_deleted_declares_it_again(bus: Bus, database: Database) -> None:
    async with consuming(bus, database, Subscription(MemberAdded, one=on_member_added)) as consumer:
        losses = measures.CONSUMER_LOSSES.labels(f"sample/{ADDED}")
        before = losses._value.get()
        async with bus.connection.channel() as channel:
            await channel.queue_delete(bus.queue(ADDED))
        await until(lambda: asyncio.sleep(0, losses._value.get() > before))
        await until(lambda: asyncio.sleep(0, consumer.consuming))
        await bus.broker.publish([message(bus.topology, added())])
        await settled(database, 1)


async def test_a_consumer_restores_its_binding_at_start(bus: Bus, database: Database) -> None:
    async with bus.connection.channel() as channel:
        queue = await channel.declare_queue(bus.queue(ADDED), passive=True)
        await queue.unbind(bus.topology.events, ADDED)
    async with consuming(bus, database, Subscription(MemberAdded, one=on_member_added)):
        await bus.broker.publish([message(bus.topology, added())])
        await settled(database, 1)


async def test_a_consumer_that_stands_still_is_started_again(bus: Bus, database: Database) -> None:
    """The broker is told that nobody consumes, the client believes it does: only the messages that wait tell."""
    subscription = Subscription(MemberAdded, one=on_member_added)
    async with consuming(bus, database, subscription, sample_every=0.1) as consumer:
        (lane,) = consumer._by_queue.values()
        reading = lane._reading
        assert reading is not None
        await reading.cancel()
        assert consumer.consuming
        await bus.broker.publish([message(bus.topology, added())])
        await settled(database, 1)


async def test_told_to_stop_it_finishes_the_batch_at_hand_and_takes_no_more(bus: Bus, database: Database) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: MemberAdded, tx: Transaction) -> None:
        started.set()
        await go_on.wait()
        await on_member_added(event, tx)

    events = [added() for _ in range(3)]
    consumer = Consumer(
        database, bus.broker, bus.topology, "sample", [Subscription(MemberAdded, one=slow, batch=1, prefetch=10)]
    )
    stop = asyncio.Event()
    task = asyncio.ensure_future(consumer.run(stop))
    await bus.broker.publish([message(bus.topology, event) for event in events])
    await started.wait()
    stop.set()
    await asyncio.sleep(0.1)
    assert not task.done()
    go_on.set()
    await asyncio.wait_for(task, 30)
    applied = await notes(database, *(event.organization for event in events))
    assert list(applied) == [events[0].member_id]
    await until(lambda: bus.depth(bus.queue(ADDED)), equals=2)


@pytest.mark.timeout(300)
async def test_poison_that_kills_is_buried_and_no_innocent_with_it(
    bus: Bus, database: Database, place: TestDatabase, broker_url: str
) -> None:
    """A real process dies over one message again and again; its neighbours in two queues are applied once each."""
    organization_id = uuid4()
    events = [added("poison" if n == 20 else "editor", organization_id=organization_id) for n in range(40)]
    slow = [
        OrganizationCreated(time=SystemClock().now(), organization_id=organization_id, created_by=uuid4())
        for _ in range(3)
    ]
    await bus.broker.publish([message(bus.topology, event) for event in [*slow, *events]])
    deaths = 0
    worker = [sys.executable, str(POISONED), place.url("sample"), broker_url, bus.topology.namespace]
    for _ in range(12):
        child = await asyncio.create_subprocess_exec(*worker, stdout=asyncio.subprocess.DEVNULL)
        ended = asyncio.ensure_future(child.wait())
        finished = asyncio.ensure_future(settled(database, len(events) + len(slow), within=60))
        await asyncio.wait((ended, finished), return_when=asyncio.FIRST_COMPLETED)
        finished.cancel()
        if not ended.done():
            child.terminate()
            assert await ended == 0
            break
        assert ended.result() == 9
        deaths += 1
    (dead,) = await letters(database)
    assert (dead["message_id"], dead["reason"]) == (events[20].id, "poison")
    applied = await notes(database, organization_id)
    assert len(applied) == 40  # 39 members and the organization itself
    assert {version for id_, (version, _) in applied.items() if id_ != organization_id} == {1}
    assert applied[organization_id][0] == 3
    assert 5 <= deaths <= 8
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM suspect_messages") == 0
    await until(lambda: bus.depth(bus.queue(CREATED)), equals=0)


async def test_alone_means_that_nobody_else_works() -> None:
    isolation, at_work, by_themselves, most = Isolation(), 0, 0, 0

    async def together(start: float) -> None:
        nonlocal at_work, most
        await asyncio.sleep(start)
        async with isolation.together():
            at_work += 1
            most = max(most, at_work)
            assert not by_themselves
            await asyncio.sleep(0.003)
            at_work -= 1

    async def alone(start: float) -> None:
        nonlocal by_themselves
        await asyncio.sleep(start)
        async with isolation.alone():
            by_themselves += 1
            assert (at_work, by_themselves) == (0, 1)
            await asyncio.sleep(0.001)
            by_themselves -= 1

    await asyncio.gather(*(together(n / 1000) if n % 4 else alone(n / 1000) for n in range(80)))
    assert most > 1


async def test_a_suspect_that_only_lost_its_database_or_broker_is_not_blamed(bus: Bus, database: Database) -> None:
    """Its handler is interrupted more often than poison may kill, but the process lives."""
    event, interrupted = added(), 0

    async def interrupt(event: MemberAdded, tx: Transaction) -> None:
        nonlocal interrupted
        interrupted += 1
        if interrupted < 10:
            proxy.cut()
            await asyncio.Event().wait()
        await on_member_added(event, tx)

    async with behind_a_proxy(bus) as (proxy, broker):
        subscriptions = [Subscription(MemberAdded, one=interrupt)]
        consumer = Consumer(database, broker, bus.topology, "sample", subscriptions, longest_pause=0.1)
        await bus.broker.publish([message(bus.topology, event)])
        async with running(consumer.run):
            await settled(database, 1, within=60)
    assert await letters(database) == []
    assert await notes(database, event.organization) == {event.member_id: (1, "editor")}
    assert interrupted == 10


async def test_a_suspect_is_cleared_however_often_its_handling_is_cancelled(bus: Bus, place: TestDatabase) -> None:
    """The database answers late, and who waits for our end asks again meanwhile."""
    started, event, queue = asyncio.Event(), added(), bus.queue(ADDED)

    async def stay(_event: MemberAdded, _tx: Transaction) -> None:
        started.set()
        await asyncio.Event().wait()

    async def acknowledge(_delivery: Delivery) -> None:
        raise AssertionError("it is not settled")

    async with behind_a_shaky_line(place) as (proxy, database):
        worker = Worker(
            Subscription(MemberAdded, one=stay),
            topology=bus.topology,
            queue=queue,
            database=database,
            failures=Failures(database, bus.broker, bus.topology, queue),
            isolation=Isolation(),
        )
        suspect = Delivery(1, encode(event), event.id, ADDED, returned=2)
        work = asyncio.create_task(worker.work([suspect], acknowledge))
        await started.wait()
        async with database.transaction() as tx:
            assert await tx.fetchval("SELECT count(*) FROM suspect_messages") == 1
        clearing = proxy.hold("to_server", b"DELETE FROM suspect_messages")
        work.cancel()
        await clearing.reached.wait()
        work.cancel()
        await asyncio.sleep(0.1)
        assert not work.done()
        clearing.release()
        with pytest.raises(asyncio.CancelledError):
            await work
        async with database.transaction() as tx:
            assert await tx.fetchval("SELECT count(*) FROM suspect_messages") == 0


async def test_a_ladder_that_is_missing_holds_messages_back_without_a_hot_loop(bus: Bus, database: Database) -> None:
    attempts = 0

    async def fail(_event: MemberAdded, _tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        raise TransientError("always", retry_after=0)

    async with bus.connection.channel() as channel:
        await channel.queue_delete(bus.topology.retry_queue(0.05))
    async with consuming(bus, database, Subscription(MemberAdded, one=fail)):
        await bus.broker.publish([message(bus.topology, added())])
        await asyncio.sleep(1.5)
        assert attempts <= 8
        await until(lambda: asyncio.sleep(0, attempts >= 2))
        await bus.topology.declare(bus.connection, {})
        await settled(database, 1)
    assert [letter["reason"] for letter in await letters(database)] == ["exhausted"]


async def test_a_consumer_of_nothing_waits_for_its_end(bus: Bus, database: Database) -> None:
    async with consuming(bus, database) as consumer:
        assert consumer.consuming
