"""The audit trail: how fast lines come into the log, how soon they are signed for, how fast they are proven.

- **Appended**: lines of 100 organizations stand in the broker's queue. From the start of a worker's consumer and
  sequencer, in one process, until the signed checkpoint that covers all of them is committed.
- **Signed**: a line each 5 ms, in a transaction of its own; from its commit until a checkpoint that covers it is
  seen, asked for every few milliseconds.
- **Proven**: what the doors do, without HTTP: entry, checkpoint and tiles are read, the proof computed, the reading
  put on record and committed, one at a time, in a log of a million entries.

After the first two the trail is exported and verified by `rostrum-verify`.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID

from benchmarks import harness
from benchmarks.harness import Result, Size, percentile
from compliance import migrations
from compliance.audit.merkle import append, leaf_hash
from compliance.audit.model import Checkpoint, Line
from compliance.audit.repository import LogRepository
from compliance.bootstrap import Parts, build
from compliance.worker import SUBSCRIPTIONS
from contracts.audit import AuditEntry
from contracts.auth import AuthAuditRecorded
from contracts.event import encode
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.consumer import Consumer
from kit.messaging.subscription import types_of
from kit.messaging.topology import Topology
from kit.messaging.wire import Message
from kit.process import Loop, supervise
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import Databases
from kit.testing.plugin import BROKER_URL
from rostrum_verifier import Key, check

T = TypeVar("T")

ORGANIZATIONS: Final = [new_id() for _ in range(100)]
CALLER: Final = MemberCaller(new_id(), new_id(), ORGANIZATIONS[0], "owner", 0)
APPENDED: Final = {"short": 15_000, "full": 100_000}
ROUNDS: Final = {"short": 3, "full": 5}
SIGNED: Final = {"short": 600, "full": 3_000}
LEAVES: Final = 1_000_000
PROOFS: Final = {"short": 300, "full": 2_000}
APPENDS_PER_SECOND, SIGNED_WITHIN_MS, PROVEN_WITHIN_MS = 3_000.0, 1_000.0, 10.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A compliance of its own, with database and queues."""

    database: Database
    parts: Parts
    broker: Broker
    topology: Topology

    def line(self, number: int) -> AuditEntry:
        organization_id = ORGANIZATIONS[number % len(ORGANIZATIONS)]
        made = audited(
            "auth.member.role_changed", CALLER, "member", new_id(), organization_id=organization_id, role="editor"
        )
        return made.stamped(time=self.database.clock.now())

    async def size(self) -> int:
        return (await self.parts.audit.checkpoint()).size

    @asynccontextmanager
    async def working(self, *more: Loop) -> AsyncIterator[None]:
        stop = asyncio.Event()
        running = asyncio.create_task(supervise([*more, Loop("sequencer", self.parts.sequencer.run)], stop))
        try:
            yield
        finally:
            stop.set()
            await running

    async def account(self) -> None:
        """What was written is exported and verified, as a customer does."""
        bundle = await self.parts.audit.export(CALLER, 1, 1_000, None, None)
        keys = [Key.from_text(each) for each in await self.parts.audit.verifier_keys()]
        found = check([bundle.splitlines()], keys, organization=str(CALLER.organization_id))
        assert found.count == min(found.newest, 1_000) > 0


@asynccontextmanager
async def stage(databases: Databases) -> AsyncIterator[Stage]:
    """The same as bootstrap makes, on a database and queues that nobody else uses."""
    place = await databases.clone({"compliance": migrations})
    database = await Database.open(place.url("compliance"), name="bench", pool_size=8)
    broker, topology = Broker(BROKER_URL, name="bench"), Topology(f"bench{secrets.token_hex(4)}")
    connection = await broker.connect("bench")
    consumers = {"compliance": types_of(SUBSCRIPTIONS)}
    await topology.declare(connection, consumers)
    keyring = Keyring(database, LocalMasterKey.from_text("A" * 43))
    parts = build(database, keyring, "bench.test/audit", timedelta(days=30), {})
    await parts.log_keys.ensure()
    try:
        yield Stage(database, parts, broker, topology)
    finally:
        await topology.delete(connection, consumers)
        await connection.close()
        await broker.close()
        await database.close()


async def measure(size: Size) -> Sequence[Result]:
    """All figures against fixed limits."""
    appended, signed = [], []
    databases = Databases()
    try:
        for _ in range(ROUNDS[size]):
            async with stage(databases) as made:
                appended.append(await appends(made, APPENDED[size]))
            async with stage(databases) as made:
                signed.append(percentile(await lags(made, SIGNED[size]), 99))
        async with stage(databases) as made:
            included, consistent = await proofs(made, PROOFS[size], ROUNDS[size])
    finally:
        await databases.close()
    proven = f"of {LEAVES:,} entries, p99"
    return [
        Result("lines in the broker → signed checkpoint", "lines/s", appended, [APPENDS_PER_SECOND], 1.0),
        Result(
            "line committed → signed for, at 200/s, p99", "ms", signed, [SIGNED_WITHIN_MS], 1.0, less_is_better=True
        ),
        Result(f"inclusion proof {proven}", "ms", included, [PROVEN_WITHIN_MS], 1.0, less_is_better=True),
        Result(f"consistency proof {proven}", "ms", consistent, [PROVEN_WITHIN_MS], 1.0, less_is_better=True),
    ]


async def appends(made: Stage, count: int) -> float:
    """Lines per second, from the broker's queue to the signed checkpoint that covers the last of them."""
    kind = AuthAuditRecorded.type
    for start in range(0, count, 1_000):
        lines = [made.line(number) for number in range(start, start + 1_000)]
        await made.broker.publish(
            [Message(made.topology.events, kind, encode(line), str(line.id), kind) for line in lines]
        )
    consumer = Consumer(made.database, made.broker, made.topology, "compliance", SUBSCRIPTIONS)
    started = time.perf_counter()
    async with made.working(Loop("consumer", consumer.run, grace=35.0)):
        while await made.size() < count:  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.02)
        took = time.perf_counter() - started
    await made.account()
    return count / took


async def lags(made: Stage, count: int) -> list[float]:
    """Milliseconds from the commit of each line until it is signed for."""
    handler = next(each for each in SUBSCRIPTIONS if each.event is AuthAuditRecorded).many
    assert handler is not None
    committed: list[float] = []
    found: list[float] = []

    async def emit() -> None:
        began = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number * 0.005 - time.perf_counter()))
            line = made.line(number)
            async with made.database.transaction(line.organization) as tx:
                await handler([line], tx)
            committed.append(time.perf_counter())

    async with made.working():
        emitting = asyncio.create_task(emit())
        while len(found) < count:
            size, now = await made.size(), time.perf_counter()
            found += [1000 * (now - at) for at in committed[len(found) : size]]
            await asyncio.sleep(0.003)
        await emitting
    await made.account()
    return found


async def proofs(made: Stage, count: int, rounds: int) -> tuple[list[float], list[float]]:
    """The p99 of each round, in milliseconds."""
    ids = await filled(made, count)
    chosen = random.Random(7)
    included, consistent = [], []
    for _ in range(rounds):
        included.append(await p99(lambda each: made.parts.audit.prove(CALLER, each), ids))
        sizes = [chosen.randrange(1, LEAVES) for _ in range(count)]
        consistent.append(await p99(lambda each: made.parts.audit.consistency(each, None), sizes))
    return included, consistent


async def p99(ask: Callable[[T], Awaitable[object]], about: Sequence[T]) -> float:
    took = []
    for each in about:
        started = time.perf_counter()
        await ask(each)
        took.append(1000 * (time.perf_counter() - started))
    return percentile(took, 99)


async def filled(made: Stage, count: int) -> list[UUID]:
    """A log of a million entries, of which so many are there to be asked for; their ids."""
    places = sorted(random.Random(7).sample(range(LEAVES), count))
    now, own = made.database.clock.now(), {}
    for sequence, place in enumerate(places, 1):
        line = Line(
            0, CALLER.organization_id, new_id(), now, "auth.member.added", "user", None, "member", "x", {}, None
        )
        own[place] = (sequence, line, line.leaf(sequence))
    hashes = [leaf_hash(own[place][2] if place in own else place.to_bytes(8, "big")) for place in range(LEAVES)]
    grown = append({}, 0, hashes)
    signer = await made.parts.log_keys.signer()
    tiles = list(grown.tiles.items())
    async with made.database.transaction(CALLER.organization_id) as tx:
        log = LogRepository(tx)
        for place, entry in own.items():
            await log.add(place, [entry])
        for start in range(0, len(tiles), 500):
            await log.save_tiles(dict(tiles[start : start + 500]))
        note = signer.checkpoint(grown.size, grown.root)
        await log.save_checkpoint(Checkpoint(grown.size, grown.root, note))
    return [line.id for _, line, _ in own.values()]


if __name__ == "__main__":
    harness.run("audit", measure)
