"""Broadcasts as they arrive: the pace of one number, what a worker does without one, and ten numbers of five tenants.

Workers are processes with the inbox's own parts; what they call is a receiver that answers as WhatsApp does and notes
when which recipient's message arrived. `full` is 100,000 recipients at 1,000 a second. Nobody may arrive twice, and
nobody may be missing; both are checked, not measured.
"""

import asyncio
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from benchmarks import harness
from benchmarks.harness import Result, Size
from inbox import migrations
from inbox.bootstrap import Parts, build
from inbox.broadcasts.composing import frozen
from inbox.broadcasts.feeding import EVERY
from inbox.broadcasts.model import Broadcast, State, Variant
from inbox.broadcasts.repository import BroadcastRepository
from inbox.channels.model import Check
from inbox.channels.repository import ChannelRepository
from inbox.contacts.recognizing import IDENTITY, NAME, subject
from inbox.contacts.repository import ContactRepository, NewIdentity
from inbox.messages.content import TOKEN
from inbox.outside import Meta
from inbox.templates.model import Status, Template
from inbox.templates.repository import TemplateRepository
from kit.db.database import Database
from kit.http.client import Outbound
from kit.http.transport import PyreqwestTransport
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
_BODY: Final = {"type": "BODY", "text": "Hello {{1}}, see what is new."}


def parts_of(database: Database, receiver: str, folder: Path) -> tuple[Parts, Keyring, Outbound]:
    """The inbox before the receiver."""
    outbound = Outbound(transport=PyreqwestTransport(connect=30.0, read=30.0))
    keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
    return build(database, keyring, outbound, Meta(receiver, "v23.0", "secret", "verify"), folder), keyring, outbound


async def worker(url: str, receiver: str, stop: asyncio.Event) -> None:
    """What feeds and sends."""
    logging.configure("bench", "error")
    database = await Database.open(url, name="bench worker", pool_size=8, acquire_within=20)
    with tempfile.TemporaryDirectory() as folder:
        parts, _, outbound = parts_of(database, receiver, Path(folder))
        loops = [Loop("feed", parts.feeding.run, every=EVERY), Loop("fold", parts.feeding.fold, every=2.0)]
        try:
            await supervise([*loops, *parts.ledger.loops()], stop)
        finally:
            await outbound.close()
            await database.close()


async def receive(port: int, stop: asyncio.Event) -> None:
    """Take messages as WhatsApp does; `GET /arrivals` says when which came."""
    arrivals: list[tuple[float, str]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = await _body(reader, head)
                if head.startswith(b"GET"):
                    answer = orjson.dumps(arrivals)
                else:
                    arrivals.append((time.monotonic(), orjson.loads(body)["biz_opaque_callback_data"]))
                    answer = b'{"messages":[{"id":"wamid.%d"}]}' % len(arrivals)
                kind = b"content-type: application/json\r\n"
                writer.write(b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n%s" % (kind, len(answer), answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=2**20)
    async with server:
        await stop.wait()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    lowered = head.lower()
    at = lowered.find(b"content-length: ")
    return b"" if at < 0 else await reader.readexactly(int(lowered[at + 16 :].split(b"\r\n", 1)[0]))


@dataclass
class Post:
    """A database with broadcasts in it, a receiver, and workers as processes."""

    url: str
    port: int
    database: Database
    parts: Parts
    keyring: Keyring
    workers: list[asyncio.subprocess.Process]
    organizations: Sequence[UUID] = ()

    async def work(self, workers: int) -> None:
        for _ in range(workers):
            self.workers.append(await _program("worker", self.url, f"http://127.0.0.1:{self.port}"))

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
        now = self.database.clock.now()
        for begin in range(0, count, 500):
            ids = [new_id() for _ in range(min(500, count - begin))]
            await self.keyring.prepare(organization_id, {subject(each) for each in ids})
            async with self.database.transaction(organization_id) as tx:
                contacts = ContactRepository(tx)
                for place, each in enumerate(ids, begin):
                    person, owner = f"1650{number:02d}{place:06d}".encode(), subject(each)
                    name = await self.keyring.seal(organization_id, b"Sheena Nelson", NAME, subject=owner)
                    known = await self.keyring.seal(organization_id, person, IDENTITY, subject=owner)
                    await contacts.add(each, name)
                    await contacts.claim(each, NewIdentity("whatsapp_id", each.bytes, "", known), now)
            made += ids
        return made

    async def begin(self) -> float:
        """Let all of them be looked at from now on; when that was."""
        async with self.database.transaction(*self.organizations) as tx:
            await tx.execute("UPDATE broadcasts SET work_at = kit_now() WHERE state = 'running'")
        return time.monotonic()

    async def settled(self, recipients: int, within: float) -> None:
        """Wait until so many are settled as sent."""
        async with asyncio.timeout(within):
            while await self._sent() < recipients:  # noqa: ASYNC110 - other processes do it
                await asyncio.sleep(0.1)

    async def _sent(self) -> int:
        async with self.database.snapshot(*self.organizations) as tx:
            found: int = await tx.fetchval("SELECT count(*) FROM broadcast_recipients WHERE state = 'sent'")
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
    receiver = await _program("receiver", str(port))
    database = await Database.open(place.url("inbox"), name="bench", pool_size=4)
    with tempfile.TemporaryDirectory() as folder:
        parts, keyring, outbound = parts_of(database, f"http://127.0.0.1:{port}", Path(folder))
        opened = Post(place.url("inbox"), port, database, parts, keyring, [])
        try:
            await harness.listening(port)
            yield opened
        finally:
            for each in [*opened.workers, receiver]:
                each.kill()
                await each.wait()
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
    async with post() as bench:
        organization_id = new_id()
        bench.organizations = [organization_id]
        await bench.broadcast(organization_id, recipients, 1)
        await bench.work(2)
        await asyncio.sleep(3.0)
        await bench.begin()
        await bench.settled(recipients, 60 + recipients / 200)
        arrivals = await bench.arrivals()
    each_once(arrivals, recipients)
    times = sorted(at for at, _ in arrivals)
    mean = (len(times) - 1) / (times[-1] - times[0])
    return [
        Result(f"{recipients:,} recipients on one number, mean", "messages/s", [mean], [float(PACE)], 0.97),
        Result(
            "most in any second at the receiver",
            "messages",
            [float(most_in_a_second(times))],
            [PACE * ABOVE],
            1.0,
            less_is_better=True,
        ),
    ]


async def ten_numbers(recipients: int) -> list[Result]:
    """Ten numbers of five tenants, one worker: what it settles in all, and how even it is between tenants."""
    async with post() as bench:
        tenants = [new_id() for _ in range(5)]
        bench.organizations = tenants
        whose = {await bench.broadcast(tenants[each % 5], recipients // 10, each): each % 5 for each in range(10)}
        await bench.work(1)
        await asyncio.sleep(3.0)
        await bench.begin()
        await bench.settled(recipients, 60 + recipients / 100)
        arrivals = await bench.arrivals()
        async with bench.database.snapshot(*tenants) as tx:
            rows = await tx.fetch("SELECT id::text, broadcast_id FROM broadcast_recipients")
    each_once(arrivals, recipients)
    tenant = {row["id"]: whose[row["broadcast_id"]] for row in rows}
    times = sorted(at for at, _ in arrivals)
    half = Counter(tenant[ours] for at, ours in arrivals if at <= times[len(times) // 2])
    return [
        Result(
            "ten numbers, one worker: settled", "messages/s", [(len(times) - 1) / (times[-1] - times[0])], [3000.0]
        ),
        Result("five tenants at half time, least of most", "share", [min(half.values()) / max(half.values())], [1.0]),
    ]


async def measure(size: Size) -> Sequence[Result]:
    """One number at its pace, then ten at once."""
    recipients = SIZES[size]
    return [*await one_number(recipients), *await ten_numbers(min(recipients, 20_000))]


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        run(partial(worker, sys.argv[2], sys.argv[3]))
    elif sys.argv[1:2] == ["receiver"]:
        run(partial(receive, int(sys.argv[2])))
    else:
        harness.run("broadcasts", measure)
