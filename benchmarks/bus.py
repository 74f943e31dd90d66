"""How fast facts travel, outbox → relay → RabbitMQ → handler, beside a bare publisher and BullMQ.

What each clock covers:

- **Relay**: rows stand in the outbox, the relay's process is up and idle. From the start of its two loops until every
  publish is confirmed and its row deleted; beside it a bare publisher sends the same bodies by the same route from
  memory. Both pay for the exchange and the quorum queue, the relay for the history as well.
- **Handlers**: 10,000 events of 1 KB of 100 organizations are added first, then drained: from the start of the relay
  until the last event's commit, in a consumer that is up and idle. BullMQ's clock likewise leaves out the adding and
  runs from the worker's start to the last job completed; it has its jobs in memory and does nothing with them, where
  ours are moved to a durable queue, written under row-level security and marked as processed. `whole` gives the rates
  with the adding.
- **Idle**: one event at a time; from when its commit is known to the producer until another process has it from the
  broker, and until its handler runs there, in a transaction that has marked it as processed. It is measured first:
  after the others some hundred thousand dead rows wait for the vacuum, which costs a claim a third of a millisecond.

After each drain the tables are asked: every event applied once, the outbox empty.
"""

import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from benchmarks import harness, peers, tables
from benchmarks.backbone import CONSUMERS, SCHEMA, Command, Told
from benchmarks.harness import Result, Size, percentile
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.testing.databases import Databases, TestDatabase
from kit.testing.plugin import BROKER_URL
from kit.testing.ports import free_port

ROUNDS, CONCURRENCY = 3, 100
MOVED = {"short": 20_000, "full": 200_000}
HANDLED = {"short": 10_000, "full": 50_000}
HEARD_FROM = 1_000_000
TOLD, PAUSE = {"short": 150, "full": 1_000}, 0.01


@dataclass(slots=True)
class Talking:
    """One process of the backbone, told what to do by lines."""

    process: asyncio.subprocess.Process

    async def ask(self, **command: object) -> Command:
        await self.tell(**command)
        return await self.answer()

    async def tell(self, **command: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        await self.process.stdin.drain()

    async def answer(self) -> Command:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the benchmark ended with {await self.process.wait()}")
        answer: Command = json.loads(line)
        return answer


@dataclass(slots=True)
class Stage:
    """The processes, the database and the broker on which everything is measured."""

    place: TestDatabase
    topology: Topology
    broker: Broker
    parts: dict[str, Talking] = field(default_factory=dict)
    applied: int = 0
    heard: int = 0

    async def start(self, stack: AsyncExitStack, role: str) -> None:
        arguments = (role, self.place.url(SCHEMA), BROKER_URL, self.topology.namespace)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.backbone", *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        )  # fmt: skip
        self.parts[role] = Talking(process)
        stack.push_async_callback(_end, process)
        await self.parts[role].answer()

    async def moved(self, count: int) -> tuple[float, float]:
        """Events per second of the relay, and of the bare publisher."""
        await self.parts["producer"].ask(kind="moved", first=0, count=count)
        ours = await self.parts["relay"].ask(do="go", count=count)
        await self.parts["relay"].ask(do="halt")
        await self._account(self.applied)
        await self._purge(count)
        theirs = await self.parts["bare"].ask(count=count)
        await self._purge(count)
        return count / (ours["ended"] - ours["began"]), count / (theirs["ended"] - theirs["began"])

    async def handled(self, kind: str, count: int) -> tuple[float, float]:
        """Events per second from the outbox to the last commit of a handler, without and with the adding."""
        added = await self.parts["producer"].ask(kind=kind, first=self.applied, count=count)
        await self.parts["consumer"].tell(count=count)
        began = (await self.parts["relay"].ask(do="go"))["began"]
        ended = (await self.parts["consumer"].answer())["ended"]
        await self.parts["relay"].ask(do="halt")
        await self._account(self.applied + count)
        return count / (ended - began), count / (ended - began + added["ended"] - added["began"])

    async def told(self, kind: str, count: int) -> list[float]:
        """Milliseconds from commit to arrival, one event at a time: `heard` by a reader, `one` by its handler."""
        handled = count if kind == "one" else 0
        first = self.applied if handled else HEARD_FROM + self.heard
        self.heard += count - handled
        numbers = list(range(first, first + count))
        await self.parts["relay"].ask(do="go")
        await asyncio.sleep(0.3)
        sent = await self.parts["producer"].ask(kind=kind, first=numbers[0], count=count, pause=PAUSE)
        got = await self.parts["consumer"].ask(count=handled, arrived=numbers)
        await self.parts["relay"].ask(do="halt")
        await self._account(self.applied + handled)
        return [1000 * (late - early) for early, late in zip(sent["committed"], got["arrived"], strict=True)]

    async def _account(self, applied: int) -> None:
        """Every event was applied once, and nothing is left."""
        connection = await asyncpg.connect(self.place.admin_url)
        try:
            found = await connection.fetchrow(
                f"""
                SELECT (SELECT count(*) FROM {SCHEMA}.outbox) AS outbox,
                       (SELECT count(*) FROM {SCHEMA}.processed_messages) AS processed,
                       (SELECT count(*) FROM {SCHEMA}.tellings) AS tellings,
                       (SELECT count(DISTINCT number) FROM {SCHEMA}.tellings) AS numbers
                """
            )
        finally:
            await connection.close()
        assert found is not None
        if tuple(found) != (0, applied, applied, applied):
            raise RuntimeError(f"not applied once: {dict(found)}, and there were {applied} events")
        self.applied = applied

    async def _purge(self, count: int) -> None:
        connection = await self.broker.connect("purge")
        async with connection, connection.channel() as channel:
            queue = await channel.declare_queue(self.topology.queue("nobody", Told.type), passive=True)
            purged = await queue.purge()
        if (purged.message_count or 0) < count:
            raise RuntimeError(f"{count} events were confirmed, and {purged.message_count} are in the queue")


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(20):
            await process.wait()
    except TimeoutError:
        process.kill()


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Database, topology and processes of their own; everything is taken down at the end."""
    async with AsyncExitStack() as stack:
        databases = Databases()
        stack.push_async_callback(databases.close)
        topology, broker = Topology(f"bench{secrets.token_hex(4)}"), Broker(BROKER_URL, name="bench")
        connection = await broker.connect("topology")
        stack.push_async_callback(connection.close)
        await topology.declare(connection, CONSUMERS)
        stack.push_async_callback(topology.delete, connection, CONSUMERS)
        stage = Stage(await databases.clone({SCHEMA: tables}), topology, broker)
        for role in ("producer", "relay", "consumer", "bare"):
            await stage.start(stack, role)
        yield stage


@asynccontextmanager
async def redis() -> AsyncIterator[int]:
    """A Redis of its own without persistence, by its port."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    try:
        await harness.listening(port)
        yield port
    finally:
        server.terminate()
        await server.wait()


async def bullmq(folder: Path, port: int, count: int) -> tuple[float, float]:
    """BullMQ's no-op jobs per second: draining alone, and with the adding."""
    script = Path(__file__).with_name("bullmq.mjs")
    process = await asyncio.create_subprocess_exec(
        "node", str(script), str(port), str(count), str(CONCURRENCY), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"BullMQ ended with {process.returncode}")
    took = json.loads(output)
    return count / took["drain"], count / (took["add"] + took["drain"])


async def relayed(stage: Stage, size: Size) -> Result:
    await stage.moved(2_000)  # warm
    pairs = [await stage.moved(MOVED[size]) for _ in range(ROUNDS)]
    ours, theirs = zip(*pairs, strict=True)
    return Result("relay, confirmed by a quorum queue; beside a bare publisher", "events/s", ours, theirs, bar=0.4)


async def handlers(stage: Stage, size: Size) -> list[Result]:
    """Ours and BullMQ's alternating; without BullMQ our rates alone."""
    bars, missing = {"many": 0.8, "one": 0.2}, ""
    ours: dict[str, list[tuple[float, float]]] = {kind: [] for kind in bars}
    theirs: dict[str, list[tuple[float, float]]] = {kind: [] for kind in bars}
    async with AsyncExitStack() as stack:
        try:
            folder, port = peers.bullmq(), await stack.enter_async_context(redis())
            await bullmq(folder, port, 1_000)  # warm
        except (peers.Missing, FileNotFoundError) as trouble:
            missing = str(trouble)
        for kind in bars:
            await stage.handled(kind, 1_000)  # warm
            for _ in range(ROUNDS):
                ours[kind].append(await stage.handled(kind, HANDLED[size]))
                if not missing:
                    theirs[kind].append(await bullmq(folder, port, HANDLED[size]))
    return [_beside_bullmq(kind, bar, ours[kind], theirs[kind], missing) for kind, bar in bars.items()]


def _beside_bullmq(
    kind: str, bar: float, ours: Sequence[tuple[float, float]], theirs: Sequence[tuple[float, float]], missing: str
) -> Result:
    whole = {"whole": round(sorted(each[1] for each in ours)[len(ours) // 2])}
    if theirs:
        whole["whole_reference"] = round(sorted(each[1] for each in theirs)[len(theirs) // 2])
    return Result(
        f"outbox → `{kind}` handler, applied once; beside BullMQ's no-op",
        "events/s",
        [each[0] for each in ours],
        [each[0] for each in theirs],
        bar=bar,
        missing=missing,
        more=whole,
    )


async def idle(stage: Stage, size: Size) -> list[Result]:
    runs: dict[str, list[list[float]]] = {}
    for kind in ("heard", "one"):
        await stage.told(kind, 20)  # warm
        runs[kind] = [await stage.told(kind, TOLD[size]) for _ in range(ROUNDS)]
    return [
        *(_late("commit → consumer in another process", runs["heard"], *limit) for limit in ((50, 2.0), (99, 10.0))),
        *(_late("commit → handler there, in its transaction", runs["one"], percent) for percent in (50, 99)),
    ]


def _late(what: str, runs: Sequence[Sequence[float]], percent: int, limit: float | None = None) -> Result:
    values, limits = [percentile(run, percent) for run in runs], [] if limit is None else [limit]
    bar = None if limit is None else 1.0
    return Result(f"{what}, idle, p{percent}", "ms", values, limits, bar, less_is_better=True)


async def measure(size: Size) -> list[Result]:
    began = time.monotonic()
    async with staged() as stage:
        late = await idle(stage, size)  # before hundreds of thousands of dead rows lie about
        results = [await relayed(stage, size), *await handlers(stage, size), *late]
    print(f"bus: {time.monotonic() - began:.0f} s")
    return results


if __name__ == "__main__":
    harness.run("bus", measure)
