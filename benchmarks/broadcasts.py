"""Broadcasts as they arrive: the pace of one number, what a worker does without one, and ten numbers of five tenants.

Workers are processes with the inbox's own parts; what they call is a receiver that answers as WhatsApp does and notes
when which recipient's message arrived. `full` is 100,000 recipients at 1,000 a second, and beside it the same by
BullMQ with its rate limiter. Nobody may arrive twice, and nobody may be missing; both are checked, not measured.
What each process takes of the machine is told too, for all of them share it, and what the calls alone reach that a
worker makes: nobody can do more before the same receiver.
"""

import asyncio
import os
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from benchmarks import harness, peers
from benchmarks.bus import redis
from benchmarks.harness import Result, Size
from benchmarks.spent import Watch
from inbox import migrations
from inbox.bootstrap import Parts, build
from inbox.broadcasts.composing import frozen
from inbox.broadcasts.feeding import EVERY
from inbox.broadcasts.model import Broadcast, State, Variant
from inbox.broadcasts.repository import BroadcastRepository
from inbox.channels.model import Check
from inbox.channels.repository import ChannelRepository
from inbox.contacts.recognizing import IDENTITY, NAME, subject
from inbox.messages.content import TOKEN
from inbox.outside import Meta
from inbox.templates.model import Status, Template
from inbox.templates.repository import TemplateRepository
from kit.db.database import Database
from kit.http.client import Outbound
from kit.http.http1 import Http1Transport
from kit.ids import new_id
from kit.process import Loop, run, supervise
from kit.seal import Keyring, LocalMasterKey
from kit.telemetry import logging
from kit.testing.databases import Databases
from kit.testing.ports import free_port

MASTER: Final = "A" * 43
SIZES: Final = {"short": 4_000, "full": 100_000}
PACE: Final = 1000
ABOVE: Final = 1.01
WORKER: Final = "worker "
_CONTACTS: Final = """
    WITH person AS (
        SELECT * FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[]) AS t (id, name, blind, sealed)
    ), there AS (
        INSERT INTO contacts (id, organization_id, name_sealed) SELECT id, $1, name FROM person
    )
    INSERT INTO contact_identities (organization_id, kind, blind, contact_id, scope, sealed)
    SELECT $1, 'whatsapp_id', blind, id, '', sealed FROM person
"""
_AT_WORK: Final = """
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE application_name LIKE 'bench worker %' AND datname = current_database() AND query LIKE '%ledger_%'
"""
_BODY: Final = {"type": "BODY", "text": "Hello {{1}}, see what is new."}


def parts_of(database: Database, receiver: str, folder: Path) -> tuple[Parts, Keyring, Outbound]:
    """The inbox before the receiver."""
    outbound = Outbound(transport=Http1Transport(connect=30.0, read=30.0))
    keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
    return build(database, keyring, outbound, Meta(receiver, "v23.0", "secret", "verify"), folder), keyring, outbound


async def worker(url: str, receiver: str, stop: asyncio.Event) -> None:
    """What feeds and sends."""
    logging.configure("bench", "error")
    database = await Database.open(url, name=f"bench worker {os.getpid()}", pool_size=8, acquire_within=20)
    with tempfile.TemporaryDirectory() as folder:
        parts, _, outbound = parts_of(database, receiver, Path(folder))
        loops = [Loop("feed", parts.feeding.run, every=EVERY), Loop("fold", parts.feeding.fold, every=2.0)]
        try:
            await supervise([*loops, *parts.ledger.loops()], stop)
        finally:
            await outbound.close()
            await database.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    lowered = head.lower()
    at = lowered.find(b"content-length: ")
    return b"" if at < 0 else await reader.readexactly(int(lowered[at + 16 :].split(b"\r\n", 1)[0]))


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of processor by process; the largest memory a worker has held, in MiB."""

    seconds: Mapping[str, float]
    at: float
    peak: float


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next((int(each.split()[1]) / 1024 for each in lines if each.startswith("VmHWM")), 0.0)


def costs(what: str, before: Used, after: Used, messages: int) -> list[Result]:
    """What a message cost by process, and how much of the machine all of them had together."""
    used = {name: seconds - before.seconds.get(name, 0.0) for name, seconds in after.seconds.items()}
    workers = sum(seconds for name, seconds in used.items() if name.startswith(WORKER))
    others = {name: seconds for name, seconds in used.items() if not name.startswith(WORKER)}
    share = sum(used.values()) / (after.at - before.at) / (os.cpu_count() or 1)
    return [
        *(
            Result(f"{what}: processor of {name} for one", "us", [seconds * 1e6 / messages])
            for name, seconds in {"the workers": workers, **others}.items()
        ),
        Result(f"{what}: largest memory of a worker", "MiB", [after.peak]),
        Result(f"{what}: what all of these had of the processors", "share", [share]),
    ]


@dataclass
class Post:
    """A database with broadcasts in it, a receiver, and workers as processes."""

    url: str
    administrators_url: str
    port: int
    database: Database
    parts: Parts
    keyring: Keyring
    receiver: asyncio.subprocess.Process
    workers: list[asyncio.subprocess.Process]
    organizations: Sequence[UUID] = ()

    async def work(self, workers: int) -> None:
        for _ in range(workers):
            self.workers.append(await _program("worker", self.url, f"http://127.0.0.1:{self.port}"))
        async with asyncio.timeout(60):
            while len(await self.database.statement(_AT_WORK)) < len(self.workers):  # noqa: ASYNC110 - they are others
                await asyncio.sleep(0.1)

    async def rest(self) -> None:
        """End the workers."""
        while self.workers:
            each = self.workers.pop()
            each.kill()
            await each.wait()

    async def broadcast(self, organization_id: UUID, recipients: int, number: int, rate: int = PACE) -> UUID:
        """One that has just begun, of a number of its own."""
        now, number_id = self.database.clock.now(), str(100_000_000 + number)
        contacts = await self._contacts(organization_id, recipients, number)
        async with self.database.transaction(organization_id) as tx:
            token = await self.keyring.seal(organization_id, b"a-token-of-whatsapp", TOKEN)
            check = Check(new_id(), number_id, f"2{number_id}", rate, new_id())
            channel = await ChannelRepository(tx).connect(check, token, "Bench", f"1555{number_id}")
            assert channel is not None
            template = _template(channel.waba_id, now)
            await TemplateRepository(tx).add(template)
            words = Variant(
                template_id=template.id, variables={"1": "{{contact.first_name|there}}"}, frozen=frozen(template)
            )
            broadcast = Broadcast(
                id=new_id(),
                channel_id=channel.id,
                name="Bench",
                state=State.RUNNING,
                audience={"named": recipients},
                variants=[words],
                purpose="utility",
                zone="UTC",
                prepared_at=now,
                started_at=now,
                created_at=now,
                changed_at=now,
            )
            await BroadcastRepository(tx).add(broadcast)
            for begin in range(0, len(contacts), 1000):
                await self.parts.broadcasts.preparing.add(tx, broadcast, contacts[begin : begin + 1000])
        return broadcast.id

    async def _contacts(self, organization_id: UUID, count: int, number: int) -> list[UUID]:
        made: list[UUID] = []
        for begin in range(0, count, 500):
            ids = [new_id() for _ in range(min(500, count - begin))]
            await self.keyring.prepare(organization_id, {subject(each) for each in ids})
            names = [await self._sealed(organization_id, b"Sheena Nelson", NAME, each) for each in ids]
            persons = [f"1650{number:02d}{place:06d}".encode() for place in range(begin, begin + len(ids))]
            known = [
                await self._sealed(organization_id, person, IDENTITY, each)
                for person, each in zip(persons, ids, strict=True)
            ]
            async with self.database.transaction(organization_id) as tx:
                await tx.execute(_CONTACTS, organization_id, ids, names, [each.bytes for each in ids], known)
            made += ids
        return made

    async def _sealed(self, organization_id: UUID, value: bytes, place: bytes, contact_id: UUID) -> bytes:
        return await self.keyring.seal(organization_id, value, place, subject=subject(contact_id))

    async def begin(self) -> float:
        """Let all of them be looked at from now on; when that was.

        What a server does by itself within a minute of so many new rows is done before: it counts them (ANALYZE).
        """
        administrator = await asyncpg.connect(self.administrators_url)
        await administrator.execute("ANALYZE")
        await administrator.close()
        async with self.database.transaction(*self.organizations) as tx:
            await tx.execute("UPDATE broadcasts SET work_at = kit_now() WHERE state = 'running'")
        return time.monotonic()

    async def settled(self, recipients: int, within: float) -> float:
        """Wait until all are settled, which must be as sent; how many were so in a second."""
        async with asyncio.timeout(within):
            while await self._any_open():  # noqa: ASYNC110 - other processes do it
                await asyncio.sleep(0.5)
        async with self.database.snapshot(*self.organizations) as tx:
            sent = await tx.fetchrow(
                """
                SELECT count(*) AS n, extract(epoch FROM max(state_at) - min(state_at))::float8 AS seconds
                FROM broadcast_recipients WHERE state = 'sent'
                """
            )
        assert sent is not None
        assert sent["n"] == recipients, f"{recipients - sent['n']} were not sent"
        return float(recipients / sent["seconds"])

    async def _any_open(self) -> bool:
        async with self.database.snapshot(*self.organizations) as tx:
            return bool(
                await tx.fetchval(
                    """
                    SELECT EXISTS (SELECT FROM broadcasts AS b, LATERAL (
                        SELECT FROM broadcast_recipients AS r
                        WHERE r.broadcast_id = b.id AND r.state IN ('waiting', 'handed', 'unknown') LIMIT 1) AS open)
                    """
                )
            )

    def used(self) -> Used:
        """What the processes have used of the machine so far."""
        ours = {f"{WORKER}{number}": each.pid for number, each in enumerate(self.workers)}
        watch = Watch({**ours, "the receiver": self.receiver.pid}, self.url.rpartition("/")[2])
        peak = max((_peak(each.pid) for each in self.workers), default=0.0)
        return Used(watch.now(), time.monotonic(), peak)

    async def bare(self, calls: int) -> Mapping[str, float]:
        """What these calls alone reach before this receiver; `rate` in a second, `each` in seconds of processor."""
        program = (sys.executable, "-m", "benchmarks.broadcast_bare", f"http://127.0.0.1:{self.port}", str(calls))
        process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
        told, _ = await process.communicate()
        assert len(await self.arrivals()) == calls, "not all of the bare calls arrived"
        found: Mapping[str, float] = orjson.loads(told)
        return found

    async def arrivals(self) -> list[tuple[float, str]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**28)
        writer.write(b"GET /arrivals HTTP/1.1\r\n\r\n")
        body = await _body(reader, await reader.readuntil(b"\r\n\r\n"))
        writer.close()
        return [(at, ours) for at, ours in orjson.loads(body)]


def _template(waba_id: str, now: Any) -> Template:
    return Template(
        id=new_id(),
        waba_id=waba_id,
        name="news",
        language="en_US",
        provider_id="1",
        category="UTILITY",
        next_category="",
        next_category_at=None,
        status=Status.APPROVED,
        reason_code="",
        reason="",
        quality="GREEN",
        components=[_BODY],
        fallbacks={},
        last_number=1,
        approved_number=1,
        told_at=None,
        version=1,
        created_at=now,
        changed_at=now,
    )


async def _program(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.broadcasts", *arguments)


@asynccontextmanager
async def post() -> AsyncIterator[Post]:
    databases, port = Databases(), free_port()
    place = await databases.clone({"inbox": migrations})
    receiver = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.broadcast_receiver", str(port))
    database = await Database.open(place.url("inbox"), name="bench", pool_size=4)
    with tempfile.TemporaryDirectory() as folder:
        parts, keyring, outbound = parts_of(database, f"http://127.0.0.1:{port}", Path(folder))
        opened = Post(place.url("inbox"), place.admin_url, port, database, parts, keyring, receiver, [])
        try:
            await harness.listening(port)
            yield opened
        finally:
            await opened.rest()
            receiver.kill()
            await receiver.wait()
            await outbound.close()
            await database.close()
            await databases.close()


def most_in_a_second(times: Sequence[float]) -> int:
    return max(bisect_left(times, start + 1.0) - place for place, start in enumerate(times))


def each_once(arrivals: Sequence[tuple[float, str]], recipients: int) -> None:
    """Nobody twice, nobody forgotten."""
    counted = Counter(ours for _, ours in arrivals)
    assert max(counted.values()) == 1, "somebody got it twice"
    assert len(counted) == recipients, f"{recipients - len(counted)} did not get it"


async def one_number(recipients: int) -> list[Result]:
    """Two workers, one number at its pace; then BullMQ with its limiter before the same receiver."""
    async with post() as bench:
        organization_id = new_id()
        bench.organizations = [organization_id]
        await bench.broadcast(organization_id, recipients, 1)
        await bench.work(2)
        await asyncio.sleep(3.0)
        before = bench.used()
        await bench.begin()
        await bench.settled(recipients, 120 + recipients / 100)
        after = bench.used()
        arrivals = await bench.arrivals()
        each_once(arrivals, recipients)
        return [
            *paced(f"{recipients:,} recipients on one number", arrivals, bars=True),
            *costs("one number", before, after, recipients),
            *await beside(bench, recipients),
        ]


def paced(what: str, arrivals: Sequence[tuple[float, str]], *, bars: bool = False) -> list[Result]:
    """How fast they came, and how many of them in the fullest second, wherever that begins."""
    times = sorted(at for at, _ in arrivals)
    mean, most = (len(times) - 1) / (times[-1] - times[0]), float(most_in_a_second(times))
    return [
        Result(f"{what}: mean", "messages/s", [mean], [float(PACE)], 0.97 if bars else None),
        Result(
            f"{what}: most in any second at the receiver",
            "messages",
            [most],
            [PACE * ABOVE],
            1.0 if bars else None,
            less_is_better=True,
        ),
    ]


async def beside(bench: Post, recipients: int) -> list[Result]:
    """BullMQ with its rate limiter: no consent, no record, no outcome, one request for each job."""
    try:
        folder = peers.bullmq()
        async with redis() as port:
            script = Path(__file__).with_name("bullmq_paced.mjs").resolve()
            numbers = (port, bench.port, recipients, PACE, 200)
            process = await asyncio.create_subprocess_exec(
                "node", str(script), *map(str, numbers), cwd=folder, stdout=asyncio.subprocess.PIPE
            )
            output, _ = await process.communicate()
    except (peers.Missing, FileNotFoundError) as trouble:
        return [Result("BullMQ with its limiter: mean", "messages/s", missing=str(trouble))]
    told = orjson.loads(output)
    return [
        *paced("BullMQ with its limiter", await bench.arrivals()),
        Result("BullMQ with its limiter: processor of Node for one", "us", [told["cpu"] * 1e6 / recipients]),
        Result("BullMQ with its limiter: largest memory of Node", "MiB", [told["peak"]]),
    ]


async def ten_numbers(recipients: int) -> list[Result]:
    """Ten numbers of five tenants, far more than one worker can do: what it settles, and how even between tenants."""
    async with post() as bench:
        tenants = [new_id() for _ in range(5)]
        bench.organizations = tenants
        whose = {await bench.broadcast(tenants[each % 5], recipients // 10, each): each % 5 for each in range(10)}
        await bench.work(1)
        await asyncio.sleep(3.0)
        before = bench.used()
        await bench.begin()
        rate = await bench.settled(recipients, 120 + recipients / 100)
        after = bench.used()
        arrivals = await bench.arrivals()
        async with bench.database.snapshot(*tenants) as tx:
            rows = await tx.fetch("SELECT id::text, broadcast_id FROM broadcast_recipients")
        await bench.rest()
        bare = await bench.bare(recipients)
    each_once(arrivals, recipients)
    tenant = {row["id"]: whose[row["broadcast_id"]] for row in rows}
    return [
        Result("ten numbers, one worker: settled", "messages/s", [rate], [3000.0], 1.0),
        Result("ten numbers, one worker: beside its calls alone", "messages/s", [rate], [bare["rate"]]),
        Result("its calls alone: processor for one", "us", [bare["each"] * 1e6]),
        *costs("ten numbers", before, after, recipients),
        Result("ten numbers: least of most of five tenants", "share", [evenness(tenant, arrivals)], [1.0], 0.8),
    ]


def evenness(tenant: Mapping[str, int], arrivals: Sequence[tuple[float, str]]) -> float:
    """What the slowest tenant had of the fastest, when one of them had no work left: until then all had some."""
    last = {tenant[ours]: at for at, ours in sorted(arrivals)}
    until = min(last.values())
    came = Counter(tenant[ours] for at, ours in arrivals if at <= until)
    return min(came[each] for each in last) / max(came.values())


async def measure(size: Size) -> Sequence[Result]:
    """One number at its pace, then ten at once."""
    recipients = SIZES[size]
    return [*await one_number(recipients), *await ten_numbers(4 * SIZES["short"] if size == "short" else 50_000)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        run(partial(worker, sys.argv[2], sys.argv[3]))
    else:
        harness.run("broadcasts", measure)
