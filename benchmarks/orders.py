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
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import orjson
from rich.console import Console
from rich.table import Table

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
NUMBER, ACCOUNT = "100000000000001", "200000000000001"
BEGAN: Final = 1_790_000_000
PER_DELIVERY: Final = 20
WITHIN: Final = 1_800.0
"""Seconds after which it is given up; a machine with other work on it is slow."""

_ROOT: Final = Path(__file__).parent.parent

Change = dict[str, Any]
Projection = dict[str, Any]
Restart = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Story:
    """What happens: so many items over so many conversations, the same for the same seed."""

    items: int
    conversations: int
    seed: int = 7

    def changes(self) -> list[Change]:
        """Every item as WhatsApp tells it, in the order in which it happened."""
        chance = random.Random(self.seed)
        people = [
            _Person(f"1650{number:07d}", random.Random(f"{self.seed}/{number}"))
            for number in range(self.conversations)
        ]
        return [
            (people[number] if number < len(people) else chance.choice(people)).next(number)
            for number in range(self.items)
        ]

    def assignments(self) -> dict[str, int]:
        """Which person's conversation is given to which agent: one in five."""
        return {f"1650{number:07d}": number % 7 for number in range(0, self.conversations, 5)}


@dataclass(slots=True)
class _Person:
    number: str
    chance: random.Random
    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    at: int = BEGAN

    def next(self, place: int) -> Change:
        """The next thing between them and the organization; no two of one person in the same second."""
        self.at += 1 + self.chance.randrange(20)
        what = self.chance.random()
        if not self.said or what < 0.60:
            return self._writes(place)
        if what < 0.72:
            return self._marks(place)
        if not self.heard or what < 0.82:
            return self._hears(place)
        return self._reports()

    def _writes(self, place: int) -> Change:
        message = self._message(f"wamid.in.{place}", type="text", text={"body": f"{place} of {self.number}"})
        self.said.append(message["id"])
        return self._told(
            "messages", messages=[message], contacts=[{"wa_id": self.number, "profile": {"name": self.number}}]
        )

    def _marks(self, place: int) -> Change:
        target, kind = self.chance.choice(self.said), self.chance.choice(("reaction", "reaction", "edit", "revoke"))
        part: dict[str, Any] = {"original_message_id": target}
        if kind == "reaction":
            part = {"message_id": target, "emoji": self.chance.choice(("👍", "❤", ""))}
        if kind == "edit":
            part["message"] = {"type": "text", "text": {"body": f"corrected by {place}"}}
        return self._told("messages", messages=[self._message(f"wamid.mark.{place}", type=kind, **{kind: part})])

    def _hears(self, place: int) -> Change:
        """Written on the organization's own telephone."""
        message = {
            "from": "15550001",
            "to": self.number,
            "id": f"wamid.out.{place}",
            "timestamp": str(self.at),
            "type": "text",
            "text": {"body": f"answer {place} to {self.number}"},
        }
        self.heard.append(str(message["id"]))
        return self._told("smb_message_echoes", message_echoes=[message])

    def _reports(self) -> Change:
        told = {
            "id": self.chance.choice(self.heard),
            "status": self.chance.choice(("sent", "delivered", "delivered", "read")),
            "timestamp": str(self.at),
            "recipient_id": self.number,
        }
        return self._told("messages", statuses=[told])

    def _message(self, identity: str, **part: Any) -> dict[str, Any]:
        return {"from": self.number, "id": identity, "timestamp": str(self.at), **part}

    def _told(self, kind: str, **members: Any) -> Change:
        metadata = {"display_phone_number": "15550001", "phone_number_id": NUMBER}
        return {"field": kind, "value": {"messaging_product": "whatsapp", "metadata": metadata, **members}}


@dataclass(slots=True)
class Inbox:
    """An inbox over one database: its door, its conversations, and workers as processes."""

    url: str
    database: Database
    parts: Parts
    organization_id: UUID
    client: httpx.AsyncClient
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)

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

    async def start_worker(self) -> None:
        """One more worker, as a process."""
        command = (sys.executable, "-m", "benchmarks.orders", "worker", self.url)
        self.workers.append(await asyncio.create_subprocess_exec(*command, cwd=_ROOT))

    async def kill_worker(self) -> None:
        """The oldest worker dies at once, and another one is started."""
        worker = self.workers.pop(0)
        worker.kill()
        await worker.wait()
        await self.start_worker()

    async def stop_workers(self) -> None:
        """Let all finish and leave."""
        for worker in self.workers:
            if worker.returncode is None:
                worker.send_signal(signal.SIGTERM)
        await asyncio.gather(*(worker.wait() for worker in self.workers))
        self.workers.clear()

    async def rows(self, sql: str, *args: Any) -> Sequence[Any]:
        """Rows of the organization, once the database answers."""
        while True:
            try:
                async with self.database.transaction(self.organization_id) as tx:
                    return await tx.fetch(sql, *args)
            except (TransientError, OSError):
                await asyncio.sleep(0.2)

    async def reduced(self, items: int) -> bool:
        """Whether every delivery was taken apart, as many items were applied, and none waits."""
        (row,) = await self.rows(
            """
            SELECT (SELECT count(*) FROM intake_deliveries WHERE state = 'received') AS deliveries,
                   (SELECT count(*) FROM intake_items WHERE verdict IS NULL) AS waiting,
                   (SELECT count(*) FROM intake_items WHERE verdict = 'applied') AS applied
            """
        )
        return bool(row["deliveries"] == 0 and row["waiting"] == 0 and row["applied"] >= items)

    async def applied(self) -> int:
        """How many items are applied by now."""
        (row,) = await self.rows("SELECT count(*) AS n FROM intake_items WHERE verdict = 'applied'")
        return int(row["n"])

    async def assign(self, wanted: Mapping[str, int]) -> None:
        """Give conversations to agents as they come up, by what was written in them."""
        left, seen = dict(wanted), set[UUID]()
        while left:
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
            await asyncio.sleep(0.5)

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
async def inbox(url: str) -> AsyncIterator[Inbox]:
    """An inbox with one connected number."""
    database = await Database.open(url, name="orders", pool_size=8, acquire_within=60)
    with tempfile.TemporaryDirectory() as folder:
        parts = parts_of(database, Path(folder))
        transport = httpx.ASGITransport(app=parts.intake.asgi("whatsapp"))
        async with httpx.AsyncClient(transport=transport, base_url="http://inbox.test", timeout=120) as client:
            made = Inbox(url, database, parts, new_id(), client)
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
                await made.stop_workers()
                await database.close()


def deliveries(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Some items at once, as the platform batches them."""
    return (changes[place : place + PER_DELIVERY] for place in range(0, len(changes), PER_DELIVERY))


async def _all_reduced(one: Inbox, items: int, within: float) -> None:
    async with asyncio.timeout(within):
        while not await one.reduced(items):  # noqa: ASYNC110 - other processes do it
            await asyncio.sleep(0.2)


async def in_order(one: Inbox, story: Story, within: float = WITHIN) -> Projection:
    """The story as it happened, by one worker whom nobody disturbs."""
    for delivery in deliveries(story.changes()):
        await one.tell(delivery)
    await one.start_worker()
    await asyncio.gather(_all_reduced(one, story.items, within), one.assign(story.assignments()))
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
    for _ in range(workers):
        await one.start_worker()

    async def send(share: Sequence[Sequence[Change]]) -> None:
        for place, delivery in enumerate(share):
            await asyncio.sleep(began + seconds * place / len(share) - time.monotonic())
            await one.tell(delivery)

    async def disturb() -> None:
        for place in range(kills):
            await asyncio.sleep(seconds / (kills + 1))
            await one.kill_worker()
            if place == 0 and restart is not None:
                await restart()

    senders = (send(sent[place::4]) for place in range(4))
    await asyncio.gather(*senders, disturb(), one.assign(story.assignments()))
    await _all_reduced(one, story.items, within)
    return await one.projection()


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


async def worker(url: str, stop: asyncio.Event) -> None:
    """Takes apart and applies, until it is told to stop or killed."""
    logging.configure("orders", "error")
    database = await Database.open(url, name="orders worker", pool_size=8, acquire_within=60)
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
        run(partial(worker, sys.argv[2]))
    else:
        numbers = [int(each) for each in sys.argv[1:4]] or [100_000, 5_000]
        sys.exit(asyncio.run(whole(*numbers)))
