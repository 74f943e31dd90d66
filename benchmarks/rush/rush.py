"""One rush, and everything that it needs."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.harness import Size
from benchmarks.rush import books
from benchmarks.rush.loading import Connected, connect, schedule, within
from benchmarks.rush.outside import World, sandboxes
from benchmarks.rush.setting import CONTENT, MASTER, Pictures, settings
from kit.db.database import Database
from kit.db.provision import move_clock
from kit.http.caller import MemberCaller
from kit.http.client import Outbound
from kit.ids import new_id
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import Databases, TestDatabase
from postrules.limits import Platform as Name
from publisher import migrations
from publisher.bootstrap import Publishing, publishing

WORKERS: Final = 3
LEASE: Final = 27.0
"""Seconds after which what a dead worker had claimed is anybody's."""

_PATIENCE: Final = 900.0
_WORKING: Final = 150.0
"""Seconds for which steps are waited for: TikTok takes six calls a minute, and a film has some."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How big a rush is; `hurried` lets leases of the dead lapse at once."""

    posts: int
    accounts: int
    spread: float
    hurried: bool = False


SIZES: Final[Mapping[Size, Measure]] = {"short": Measure(200, 100, 5.0), "full": Measure(10_000, 5_000, 60.0)}
SMALL: Final = Measure(70, 35, 1.0, hurried=True)


@dataclass
class Rush:
    """One rush: what it needs, and its steps in order."""

    size: Measure
    place: TestDatabase
    database: Database
    made: Publishing
    world: World
    urls: Mapping[Name, str]
    media_url: str
    admin: "asyncpg.Connection[Any]"
    bar: Progress
    accounts: list[Connected] = field(default_factory=list)
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)
    marks: dict[UUID, str] = field(default_factory=dict)
    scheduled: int = 0

    async def prepare(self, workers: int = WORKERS) -> None:
        """Accounts on all platforms, connected by consents of their people, and workers that have nothing to do."""
        self.workers += await asyncio.gather(*(self._worker() for _ in range(workers)))
        opened = []
        shares = {name: self.size.accounts // len(Name) for name in Name}
        shares[Name.X] += self.size.accounts - sum(shares.values())
        task = self.bar.add_task("accounts", total=self.size.accounts)
        for name, share in shares.items():
            people = await self.world.settle_in(name, share)
            found = await self.world.consents(name, self.made.posts.sending.platforms[name], people)
            opened += [(name, tokens, identity) for tokens, identity in found]
            self.bar.update(task, completed=len(opened))
        self.accounts = await connect(self.database, self.made, opened)

    async def run(self) -> books.Verdict:
        """Schedule, kill one halfway, and go on until all has come to an end."""
        since = self.database.clock.now() + timedelta(seconds=1 + self.size.posts / 500)
        self.marks = await schedule(
            self.database, self.made, self.accounts, within(since, self.size.posts, self.size.spread)
        )
        await self.world.misbehave()
        began = time.monotonic()
        await self._until_half()
        self.workers[0].kill()
        await self.workers[0].wait()
        await self._until_settled()
        seconds = time.monotonic() - began
        lost_answers = await self.world.behave()
        live = await self.world.live()
        told = await books.verdict(self.admin, self.marks, live, seconds)
        self.bar.console.print(f"answers lost after the effect: {lost_answers}")
        for line in await books.outcomes(self.admin):
            self.bar.console.print(f"  {line}", markup=False)
        return told

    async def calm(self) -> Sequence[float]:
        """Schedule, and let all go well; how late each call began, in milliseconds.

        The clock is left alone, and nothing is asked meanwhile that grows with the tables.
        """
        since = self.database.clock.now() + timedelta(seconds=5 + self.size.posts / 40)
        due = within(since, self.size.posts, self.size.spread)
        self.marks = await schedule(self.database, self.made, self.accounts, due, self.scheduled)
        self.scheduled += self.size.posts
        if self.database.clock.now() > since:
            raise RuntimeError("The first posts were due before the last were written.")
        task = self.bar.add_task("called", total=self.size.posts)
        async with asyncio.timeout(_PATIENCE):
            while (called := await books.called(self.admin, list(self.marks))) < self.size.posts:
                self.bar.update(task, completed=called)
                await asyncio.sleep(1.0)
        self.bar.update(task, completed=self.size.posts)
        await self._until_ended(list(self.marks))
        return await books.late(self.admin, list(self.marks))

    async def stopped(self) -> float:
        """Schedule, and stop every organization halfway; how long after its stop the last call began, in ms."""
        since = self.database.clock.now() + timedelta(seconds=5 + self.size.posts / 40)
        due = within(since, self.size.posts, self.size.spread)
        self.marks = await schedule(self.database, self.made, self.accounts, due, self.scheduled)
        self.scheduled += self.size.posts
        async with asyncio.timeout(_PATIENCE):
            while await books.called(self.admin, list(self.marks)) < self.size.posts // 2:  # noqa: ASYNC110 - in a worker
                await asyncio.sleep(0.1)
        stops = dict[UUID, datetime]()
        for organization_id in {account.organization_id for account in self.accounts}:
            caller = MemberCaller(new_id(), new_id(), organization_id, "owner", 0)
            await self.made.scheduling.stops.stop(caller, None, "a mistake")
            stops[organization_id] = self.database.clock.now()
        await asyncio.sleep(self.size.spread)
        left = self.size.posts - await books.called(self.admin, list(self.marks))
        self.bar.console.print(f"{left:,} of {self.size.posts:,} posts were held by {len(stops)} stops")
        return await books.slipped(self.admin, stops)

    async def _until_ended(self, deliveries: Sequence[UUID]) -> None:
        """Wait until no lane has anything left, or the next round would stand behind it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_WORKING):
                while await books.under_way(self.admin, deliveries):  # noqa: ASYNC110 - it happens in the worker
                    await asyncio.sleep(1.0)

    async def _until_half(self) -> None:
        called = "SELECT count(*) FROM publisher.ledger_entries WHERE kind = 'publisher.delivery' AND attempt > 0"
        task = self.bar.add_task("called, until one worker is killed", total=self.size.posts // 2)
        async with asyncio.timeout(_PATIENCE):
            while (count := await self.admin.fetchval(called)) < self.size.posts // 2:
                self.bar.update(task, completed=count)
                await asyncio.sleep(0.1)
        self.bar.update(task, completed=self.size.posts // 2)

    async def _until_settled(self) -> None:
        """What nobody can decide yet waits for proof, at most an hour by the platform's clock."""
        task = self.bar.add_task("published", total=self.size.posts)
        published = "SELECT count(*) FROM publisher.deliveries WHERE status = 'published'"
        quiet_since, before = time.monotonic(), -1
        async with asyncio.timeout(_PATIENCE):
            while True:
                left = await books.still_open(self.admin)
                self.bar.update(task, completed=await self.admin.fetchval(published))
                if left.total == 0:
                    return
                if left.total != before:
                    before, quiet_since = left.total, time.monotonic()
                if self.size.hurried and left.calling and time.monotonic() - quiet_since > 1.0:
                    await self.admin.execute(
                        "UPDATE publisher.ledger_entries SET leased_until = now() WHERE status = 'calling'"
                    )
                elif not left.calling and time.monotonic() - quiet_since > 1.0:
                    await move_clock(self.place.admin_url, 301.0 if self.size.hurried else 31.0)
                    quiet_since = time.monotonic() - 0.5
                await asyncio.sleep(0.25)

    async def _worker(self) -> asyncio.subprocess.Process:
        environment = {
            "RUSH_DATABASE_URL": self.place.url("publisher"),
            "RUSH_SANDBOXES": json.dumps(self.urls),
            "RUSH_MEDIA_URL": self.media_url,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.rush.worker",
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
        )
        if process.stdout is None or await process.stdout.readline() != b"ready\n":
            raise RuntimeError("a worker did not start")
        return process


@asynccontextmanager
async def opened(size: Measure, bar: Progress) -> AsyncIterator[Rush]:
    """Everything that a rush needs, from nothing."""
    databases = Databases()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(databases.close)
        urls = stack.enter_context(sandboxes(size.accounts > 1000))
        place = await databases.clone({"publisher": migrations})
        url = place.url("publisher")
        database = await Database.open(url, name="rush", pool_size=6)
        stack.push_async_callback(database.close)
        outbound = Outbound()
        stack.push_async_callback(outbound.close)
        media_url = await stack.enter_async_context(_served())
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
        made = publishing(settings(url, urls), database, keyring, outbound, Pictures(media_url))
        admin = await asyncpg.connect(place.admin_url)
        stack.push_async_callback(admin.close)
        rush = Rush(size, place, database, made, World(urls, http), urls, media_url, admin, bar)
        try:
            yield rush
        finally:
            for worker in rush.workers:
                if worker.returncode is None:
                    worker.terminate()
                    await worker.wait()


@asynccontextmanager
async def _served() -> AsyncIterator[str]:
    """The picture and the film where a platform fetches them."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        media_id = UUID(head.split(" ")[1].rsplit("/", 1)[-1].partition(".")[0])
        body, mime = CONTENT[media_id], "video/mp4" if ".mp4" in head else "image/jpeg"
        told = f"HTTP/1.1 200 OK\r\ncontent-type: {mime}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(told.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextmanager
def watched() -> Iterator[Progress]:
    """Bars for whoever waits."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as bar:
        yield bar
