"""The processes of the bus benchmark: producer, relay, consumer and bare publisher, each told what to do by lines.

`python -m benchmarks.backbone <role> <database url> <broker url> <namespace>` reads one JSON command per line and
answers each with one line. Times are those of the machine's monotonic clock, which all its processes share.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from prometheus_client import Counter

from benchmarks.bare import BarePublisher
from contracts.event import Audience, Decoder, Event, encode
from kit.db.database import Database, Transaction
from kit.messaging import measures
from kit.messaging.broker import Broker
from kit.messaging.consumer import Consumer
from kit.messaging.delivery import Delivery
from kit.messaging.relay import Relay
from kit.messaging.subscription import Subscription
from kit.messaging.topology import Topology
from kit.messaging.wakeup import Hint, Listener
from kit.messaging.wire import Message
from kit.process import Loop, run, supervise
from kit.telemetry import logging

SCHEMA = "bench"
ORGANIZATIONS = tuple(UUID(int=0x019BC1A2_7F00_7000_8000_000000000000 + number) for number in range(100))
TEXT = "x" * 1024

Command = dict[str, Any]
Answer = Callable[[Command], Awaitable[Command]]


class Told(Event):
    """A kilobyte, told by one of many organizations."""

    type: ClassVar[str] = "bench.load.moved.v1"
    subject: ClassVar[str] = "telling_id"
    audience: ClassVar[Audience] = "partners"

    telling_id: UUID
    number: int
    text: str


class ToldOne(Told):
    """The same, for the handler that sees one event."""

    type: ClassVar[str] = "bench.load.single.v1"


class ToldMany(Told):
    """The same, for the handler that sees a batch."""

    type: ClassVar[str] = "bench.load.batched.v1"


class ToldHeard(Told):
    """The same, for a reader that only notes when it comes."""

    type: ClassVar[str] = "bench.load.heard.v1"


KINDS: dict[str, type[Told]] = {"moved": Told, "one": ToldOne, "many": ToldMany, "heard": ToldHeard}
CONSUMERS = {"bench": [ToldOne.type, ToldMany.type], "listener": [ToldHeard.type], "nobody": [Told.type]}


def facts(kind: str, numbers: Iterator[int] | range) -> list[Told]:
    """Events as services emit them, of one organization after the other."""
    return [
        KINDS[kind](
            telling_id=UUID(int=ORGANIZATIONS[0].int + (1 << 32) + number),
            organization_id=ORGANIZATIONS[number % len(ORGANIZATIONS)],
            number=number,
            text=TEXT,
        )
        for number in numbers
    ]


async def on_told(event: ToldOne, tx: Transaction) -> None:
    ARRIVED[event.number] = time.monotonic()
    await tx.execute(
        "INSERT INTO tellings (id, organization_id, number, told_at) VALUES ($1, $2, $3, $4)",
        event.telling_id,
        event.organization_id,
        event.number,
        event.time,
    )


async def on_many_told(events: Sequence[ToldMany], tx: Transaction) -> None:
    await tx.execute(
        """
        INSERT INTO tellings (id, organization_id, number, told_at)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::timestamptz[])
        """,
        [event.telling_id for event in events],
        [event.organization_id for event in events],
        [event.number for event in events],
        [event.time for event in events],
    )


SUBSCRIPTIONS = (Subscription(ToldOne, one=on_told), Subscription(ToldMany, many=on_many_told))
ARRIVED: dict[int, float] = {}


@asynccontextmanager
async def producer(database: Database, url: str, _broker: Broker, _topology: Topology) -> AsyncIterator[Answer]:
    """Commits events: `count` of them, 1,000 per transaction, or one by one with a pause in between."""
    hint = Hint(url, SCHEMA)
    database.emitted = hint.notify
    hinting = asyncio.create_task(hint.run())

    async def answer(command: Command) -> Command:
        first, count = command["first"], command["count"]
        if "pause" in command:
            numbers = range(first, first + count)
            return {"committed": [await one(command["kind"], number, command["pause"]) for number in numbers]}
        began = time.monotonic()
        for start in range(first, first + count, 1_000):
            async with database.transaction() as tx:
                await tx.emit(*facts(command["kind"], range(start, min(start + 1_000, first + count))))
        return {"began": began, "ended": time.monotonic()}

    async def one(kind: str, number: int, pause: float) -> float:
        (fact,) = facts(kind, range(number, number + 1))
        async with database.transaction(fact.organization) as tx:
            await tx.emit(fact)
        committed = time.monotonic()
        await asyncio.sleep(pause)
        return committed

    yield answer
    hinting.cancel()


@asynccontextmanager
async def relay(database: Database, url: str, broker: Broker, topology: Topology) -> AsyncIterator[Answer]:
    """Runs two loops as a worker does, from `go` until `halt`; with `count`, answers when so many are confirmed."""
    await broker.ping()
    stop, working = asyncio.Event(), asyncio.create_task(asyncio.sleep(0))

    async def answer(command: Command) -> Command:
        nonlocal working
        if command["do"] == "halt":
            stop.set()
            await working
            stop.clear()
            return {}
        listener = Listener(url, SCHEMA, database.wakeups)
        moving = Relay(database, broker, topology, listener=listener)
        loops = [Loop("relay", moving.run), Loop("relay two", moving.run), Loop("listener", listener.run)]
        before, began = total(measures.RELAYED), time.monotonic()
        working = asyncio.create_task(supervise(loops, stop))
        ended = await reached(lambda: total(measures.RELAYED), before + command.get("count", 0))
        return {"began": began, "ended": ended}

    yield answer
    stop.set()
    await working


@asynccontextmanager
async def consumer(database: Database, _url: str, broker: Broker, topology: Topology) -> AsyncIterator[Answer]:
    """Consumes all the time; answers when `count` more events are applied, with when each arrived if asked."""
    stop = asyncio.Event()
    consuming = Consumer(database, broker, topology, "bench", SUBSCRIPTIONS)
    working = asyncio.create_task(supervise([Loop("consumer", consuming.run)], stop))
    while not consuming.consuming:  # noqa: ASYNC110 - what is waited for happens at the broker
        await asyncio.sleep(0.02)
    reader, decode = await broker.open_reader("listener"), Decoder([ToldHeard])
    seen = 0.0

    def heard(delivery: Delivery) -> None:
        at = time.monotonic()
        listening.acknowledge(delivery.tag)
        event = decode(delivery.body)
        assert isinstance(event, ToldHeard)
        ARRIVED[event.number] = at

    listening = await reader.read(topology.queue("listener", ToldHeard.type), 100, heard, print)

    async def answer(command: Command) -> Command:
        nonlocal seen
        seen += command["count"]
        ended = await reached(lambda: total(measures.MESSAGES, outcome="applied"), seen)
        wanted = command.get("arrived", ())
        await reached(lambda: float(ARRIVED.keys() >= set(wanted)), 1.0)
        return {"ended": ended, "arrived": [ARRIVED[number] for number in wanted], "outcomes": outcomes()}

    yield answer
    stop.set()
    await working
    await reader.close()


@asynccontextmanager
async def bare(database: Database, _url: str, _broker: Broker, topology: Topology) -> AsyncIterator[Answer]:
    """Publishes the same bodies by the same route, from memory."""
    publisher = await BarePublisher.connect(sys.argv[3])

    async def answer(command: Command) -> Command:
        stamped = [fact.stamped(time=database.clock.now()) for fact in facts("moved", range(command["count"]))]
        messages = [Message(topology.events, Told.type, encode(fact), str(fact.id), Told.type) for fact in stamped]
        began = time.monotonic()
        await publisher.publish(messages)
        return {"began": began, "ended": time.monotonic()}

    yield answer
    publisher.close()


def total(counter: Counter, **labels: str) -> float:
    """What a counter of kit's stands at, over all series with these labels."""
    return sum(
        sample.value
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and labels.items() <= sample.labels.items()
    )


def outcomes() -> dict[str, float]:
    names = ("applied", "duplicate", "stale", "retried", "dead")
    return {name: total(measures.MESSAGES, outcome=name) for name in names}


async def reached(ask: Callable[[], float], wanted: float) -> float:
    """When it was seen that so many are reached, to 3 ms."""
    async with asyncio.timeout(120):
        while ask() < wanted:  # noqa: ASYNC110 - a counter that tells nobody
            await asyncio.sleep(0.003)
    return time.monotonic()


ROLES = {"producer": producer, "relay": relay, "consumer": consumer, "bare": bare}


async def serve(role: str, url: str, broker_url: str, namespace: str, _stop: asyncio.Event) -> None:
    """Answer commands until there are no more."""
    logging.configure("bench", "warning")
    database = await Database.open(url, name=f"bench {role}")
    broker = Broker(broker_url, name=f"bench {role}")
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        async with ROLES[role](database, url, broker, Topology(namespace)) as answer:
            print("{}", flush=True)
            while line := await reader.readline():
                print(json.dumps(await answer(json.loads(line))), flush=True)
    finally:
        await broker.close()
        await database.close()


if __name__ == "__main__":
    run(partial(serve, sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4]))
