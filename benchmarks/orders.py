"""Does order come out of chaos? The same story told in order and told doubled, shuffled, past dying workers.

People write, react, correct and withdraw; the team writes on its own telephone, and the platform reports what became
of that; meanwhile conversations are given to agents. In order it is told to one database. Then everything is
delivered twice and shuffled within a minute to another one, with three workers as processes, one of which is killed
twice, and the database is restarted once. What is shown afterwards (contents, order, statuses, assignments, unread
counters) must be the same to the last character. `make orders` runs it with 100,000 items on a PostgreSQL of its own;
where none can be started, all connections to its databases are broken instead of a restart, and it says so.
"""

import asyncio
import hashlib
import hmac
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.crew import Crew, Unfinished
from benchmarks.whatsapp_story import ACCOUNT, NUMBER, Change, Story
from inbox import migrations
from inbox.bootstrap import Parts, build
from inbox.contacts.recognizing import NAME
from inbox.messages.reading import opened, read_rows
from inbox.messages.repository import MessageRepository
from inbox.outside import Meta
from kit.db.database import Database
from kit.errors import TransientError
from kit.http.client import Outbound
from kit.ids import new_id
from kit.process import run, supervise
from kit.seal import Keyring, LocalMasterKey
from kit.telemetry import logging
from kit.testing.databases import ADMIN_URL, Databases

MASTER: Final = "A" * 43
SECRET: Final = "orders-app-secret"
PER_DELIVERY: Final = 20
WITHIN: Final = 1_800.0
"""Seconds after which it is given up; a machine with other work on it is slow."""

POOL: Final = 3
"""Connections of each process: a few, so that a crowded server has room for all."""

Projection = dict[str, Any]
Restart = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Progress:
    """Deliveries not yet taken apart, items without a verdict, items applied."""

    deliveries: int = 0
    waiting: int = 0
    applied: int = 0


@dataclass(slots=True)
class Inbox:
    """An inbox over one database: its door, its conversations, and workers as processes."""

    url: str
    database: Database
    parts: Parts
    organization_id: UUID
    client: httpx.AsyncClient
    crew: Crew

    async def tell(self, changes: Sequence[Change], again: float = 0.2) -> None:
        """One delivery; like the platform, again and again until it is acknowledged."""
        entry = {"id": ACCOUNT, "changes": list(changes)}
        body = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
        while True:
            answer = await self.client.post("/", content=body, headers={"x-hub-signature-256": signature(body)})
            if answer.status_code == 200:
                return
            if answer.status_code < 500:
                raise RuntimeError(answer.text)
            await asyncio.sleep(again)

    async def rows(self, sql: str, *args: Any) -> Sequence[Any]:
        """Rows of the organization, once the database answers."""
        while True:
            try:
                async with self.database.transaction(self.organization_id) as tx:
                    return await tx.fetch(sql, *args)
            except (TransientError, OSError):
                await asyncio.sleep(0.2)

    async def progress(self) -> Progress:
        """How far it has come by now."""
        (row,) = await self.rows(
            """
            SELECT (SELECT count(*) FROM intake_deliveries WHERE state = 'received') AS deliveries,
                   (SELECT count(*) FROM intake_items WHERE verdict IS NULL) AS waiting,
                   (SELECT count(*) FROM intake_items WHERE verdict = 'applied') AS applied
            """
        )
        return Progress(row["deliveries"], row["waiting"], row["applied"])

    async def finished(self, items: int, assignments: Mapping[str, int], within: float) -> None:
        """Wait until so many items are applied and none waits; conversations are given to agents as they come up.

        Raises:
            Unfinished: it does not come to that in time; says what is missing.
            CrewGone: workers end by themselves again and again.
        """
        left, seen, now = dict(assignments), set[UUID](), Progress()

        async def done() -> bool:
            nonlocal now
            await self._assign(left, seen)
            now = await self.progress()
            return not left and now.deliveries == now.waiting == 0 and now.applied >= items

        def missing() -> str:
            return f"{now.applied} of {items} items are applied, {now}, {len(left)} conversations are not there"

        await self.crew.until(done, missing, within=within, every=0.5)

    async def _assign(self, left: dict[str, int], seen: set[UUID]) -> None:
        """Give those that have come up to agents, by what was written in them."""
        if not left:
            return
        found = await self._by_number(seen)
        seen |= set(found.values())
        mine = {number: conversation_id for number, conversation_id in found.items() if number in left}
        await self.rows(
            """
            UPDATE conversations AS c SET assignee_id = t.user_id, queued_at = NULL, version = version + 1
            FROM unnest($1::uuid[], $2::uuid[]) AS t (id, user_id)
            WHERE c.id = t.id AND c.organization_id = $3
            """,
            list(mine.values()),
            [UUID(int=left.pop(number) + 1) for number in mine],
            self.organization_id,
        )

    async def _by_number(self, seen: Collection[UUID] = ()) -> dict[str, UUID]:
        """Conversations by the name of their contact, which is their number here, but for those known already."""
        rows = await self.rows(
            """
            SELECT v.id, c.name_sealed FROM conversations v JOIN contacts c ON c.id = v.contact_id
            WHERE v.organization_id = $1 AND c.name_sealed IS NOT NULL AND NOT v.id = ANY ($2)
            """,
            self.organization_id,
            list(seen),
        )
        sealed = [(row["name_sealed"], NAME) for row in rows]
        names = await self.parts.contacts.keyring.open_many(self.organization_id, sealed) if sealed else []
        return {name.decode(): row["id"] for row, name in zip(rows, names, strict=True) if name is not None}

    async def projection(self) -> Projection:
        """All that is shown, but for ids and times of our own, by the contact's number."""
        found = await self._by_number()
        return {number: await self._shown(conversation_id) for number, conversation_id in sorted(found.items())}

    async def _shown(self, conversation_id: UUID) -> Projection:
        async with self.database.snapshot(self.organization_id) as tx:
            row = await tx.fetchrow(
                "SELECT state, assignee_id, unread_count, last_message_at FROM conversations WHERE id = $1",
                conversation_id,
            )
            rows = await MessageRepository(tx).page(conversation_id, None, 100_000, newer=True)
            read = await read_rows(tx, rows)
        messages = await opened(self.parts.messages.sealing, self.organization_id, read)
        return {
            "conversation": dict(row or {}),
            "messages": [
                (
                    each.direction,
                    each.kind,
                    each.shown and each.shown.text,
                    each.provider_time,
                    each.status.value,
                    each.reaction,
                    each.withdrawn,
                )
                for each in messages
            ],
        }


def signature(body: bytes) -> str:
    """As Meta signs a delivery."""
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def parts_of(database: Database, folder: Path) -> Parts:
    """The inbox with nothing outside."""
    keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
    meta = Meta("http://127.0.0.1:9", "v23.0", SECRET, "orders-verify")
    return build(database, keyring, Outbound(), meta, folder)


@asynccontextmanager
async def inbox(url: str, pool: int = POOL) -> AsyncIterator[Inbox]:
    """An inbox with one connected number."""
    database = await Database.open(url, name="orders", pool_size=pool, acquire_within=60)
    with tempfile.TemporaryDirectory() as folder:
        parts = parts_of(database, Path(folder))
        transport = httpx.ASGITransport(app=parts.intake.asgi("whatsapp"))
        async with httpx.AsyncClient(transport=transport, base_url="http://inbox.test", timeout=120) as client:
            crew = Crew(("benchmarks.orders", "worker", url, str(pool)), Path(folder) / "workers.log")
            made = Inbox(url, database, parts, new_id(), client, crew)
            async with database.transaction(made.organization_id) as tx:
                await tx.execute(
                    """
                    INSERT INTO channels (id, organization_id, kind, phone_number_id, waba_id, rate)
                    VALUES ($1, $2, 'whatsapp', $3, $4, 80)
                    """,
                    new_id(),
                    made.organization_id,
                    NUMBER,
                    ACCOUNT,
                )
            try:
                yield made
            finally:
                await crew.stop()
                await database.close()


def deliveries(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Some items at once, as the platform batches them."""
    return (changes[place : place + PER_DELIVERY] for place in range(0, len(changes), PER_DELIVERY))


async def in_order(one: Inbox, story: Story, within: float = WITHIN) -> Projection:
    """The story as it happened, by one worker whom nobody disturbs."""
    async with _patience(within, "the story was not told"):
        for delivery in deliveries(story.changes()):
            await one.tell(delivery)
    await one.crew.start()
    await one.finished(story.items, story.assignments(), within)
    return await one.projection()


async def in_chaos(
    one: Inbox,
    story: Story,
    *,
    workers: int,
    seconds: float,
    kills: int,
    restart: Restart | None = None,
    within: float = WITHIN,
) -> Projection:
    """Everything twice and shuffled within so many seconds, past workers that die and a database that restarts."""
    both = [*story.changes(), *story.changes()]
    random.Random(story.seed + 1).shuffle(both)
    sent, began = list(deliveries(both)), time.monotonic()
    await one.crew.start(workers)

    async def send(share: Sequence[Sequence[Change]]) -> None:
        for place, delivery in enumerate(share):
            await asyncio.sleep(began + seconds * place / len(share) - time.monotonic())
            await one.tell(delivery)

    async def disturb() -> None:
        for place in range(kills):
            await asyncio.sleep(seconds / (kills + 1))
            await one.crew.kill()
            if place == 0 and restart is not None:
                await restart()

    async with asyncio.TaskGroup() as group:
        for place in range(4):
            group.create_task(send(sent[place::4]))
        group.create_task(disturb())
        await one.finished(story.items, story.assignments(), within)
    await one.finished(story.items, {}, within)  # what was told last may have come after all was applied once
    return await one.projection()


@asynccontextmanager
async def _patience(within: float, missing: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(within):
            yield
    except TimeoutError as late:
        raise Unfinished(f"After {within:.0f} s: {missing}.") from late


def difference(clean: Projection, other: Projection) -> list[str]:
    """Whose conversations are shown differently, and the first thing that is."""
    told = []
    for number in sorted(clean.keys() | other.keys()):
        one, two = clean.get(number), other.get(number)
        if one != two:
            told.append(f"{number}: {_first(one, two)}")
    return told


def _first(one: Any, two: Any) -> str:
    if one is None or two is None:
        return "only in chaos" if one is None else "only in order"
    if one["conversation"] != two["conversation"]:
        return f"{one['conversation']} != {two['conversation']}"
    pairs = zip(one["messages"], two["messages"], strict=False)
    return next(
        (f"{a} != {b}" for a, b in pairs if a != b), f"{len(one['messages'])} != {len(two['messages'])} messages"
    )


async def worker(url: str, pool: int, stop: asyncio.Event) -> None:
    """Takes apart and applies, until it is told to stop or killed."""
    logging.configure("orders", "error")
    database = await Database.open(url, name="orders worker", pool_size=pool, acquire_within=60)
    with tempfile.TemporaryDirectory() as folder:
        try:
            await supervise(parts_of(database, Path(folder)).intake.loops(), stop)
        finally:
            await database.close()


@asynccontextmanager
async def server() -> AsyncIterator[tuple[str, Restart | None]]:
    """The address of a PostgreSQL of our own and how it is restarted; without one, that of everybody's and None."""
    from local.private_servers.postgres import PrivatePostgres  # noqa: PLC0415 - only this command needs it

    async with AsyncExitStack() as stack:
        if not PrivatePostgres.installed():
            yield ADMIN_URL, None
            return
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        own = stack.enter_context(PrivatePostgres(Path(folder)))

        async def restart() -> None:
            await asyncio.to_thread(own.restart)

        yield own.url, restart


async def break_connections(admin_url: str, database: str) -> None:
    """End every connection to a database, as its users see it when the server restarts."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database
        )
    finally:
        await connection.close()


async def whole(items: int, conversations: int, seconds: float = 60) -> int:
    """The whole of it; 1 when what is shown differs."""
    console, story, took = Console(width=120), Story(items, conversations), dict[str, float]()
    logging.configure("orders", "critical")  # what breaks when the server restarts is meant to
    async with server() as (url, own):
        databases = Databases(url)
        try:
            places = [await databases.clone({"inbox": migrations}) for _ in range(2)]
            restart = own or partial(break_connections, url, places[1].name)
            how = (
                "a PostgreSQL of its own is restarted"
                if own
                else ("no PostgreSQL can be started here: all connections to its database are broken")
            )
            console.print(f"{items:,} items over {conversations:,} conversations; {how}")
            async with inbox(places[0].url("inbox")) as one:
                began = time.monotonic()
                clean = await in_order(one, story)
                took["in order, one worker"] = time.monotonic() - began
            async with inbox(places[1].url("inbox")) as one:
                began = time.monotonic()
                found = await in_chaos(one, story, workers=3, seconds=seconds, kills=2, restart=restart)
                took["twice and shuffled, three workers"] = time.monotonic() - began
        finally:
            await databases.close()
    told = difference(clean, found)
    for each in told[:20]:
        console.print(f"[red]{each}[/]")
    console.print(_table(took, clean, found, len(told)))
    return 1 if told else 0


def _table(took: Mapping[str, float], clean: Projection, found: Projection, differ: int) -> Table:
    table = Table("delivered", box=None, header_style="bold", pad_edge=False)
    for column in ("seconds", "conversations", "messages", "assigned", "shown differently"):
        table.add_column(column, justify="right")
    for (name, seconds), shown in zip(took.items(), (clean, found), strict=True):
        messages = sum(len(each["messages"]) for each in shown.values())
        assigned = sum(each["conversation"]["assignee_id"] is not None for each in shown.values())
        differs = f"[{'red' if differ else 'green'}]{differ:,}[/]" if shown is found else ""
        table.add_row(name, f"{seconds:.0f}", f"{len(shown):,}", f"{messages:,}", f"{assigned:,}", differs)
    return table


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        run(partial(worker, sys.argv[2], int(sys.argv[3])))
    else:
        numbers = [int(each) for each in sys.argv[1:4]] or [100_000, 5_000]
        sys.exit(asyncio.run(whole(*numbers)))
