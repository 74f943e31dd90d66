import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.ids import new_id
from kit.ledger.deliveries import Deliveries
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.looking import Looking
from kit.ledger.model import Effect, Entry, Lane, Look, NotFound, Receipt, Settled, Status
from kit.ledger.sweeping import Sweeping
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase

QUICK = Timing(
    call_within=30.0,
    looks_after=(0.02, 0.02),
    absent_after=0.0,
    unconfirmed_after=60.0,
    backoff_first=0.02,
    backoff_longest=0.05,
)


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"sample": sample})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("sample"), name="test", pool_size=8, acquire_within=30)
    try:
        yield opened
    finally:
        await opened.close()


Calls = Callable[[Entry], Awaitable[Receipt]]
Looks = Callable[[Entry], Awaitable[Look]]


async def took_it(entry: Entry) -> Receipt:
    return Receipt(external_id=f"x-{entry.subject_id.hex}", said="ok")


async def not_there(_entry: Entry) -> Look:
    return NotFound("nothing of the kind")


@dataclass
class Sending:
    """A kind whose other side is a function; what it recorded is remembered, in order."""

    name: str = "sample.sending"
    timing: Timing = QUICK
    answers: Calls = took_it
    sees: Looks = not_there
    withdrawn: set[UUID] = field(default_factory=set)
    poison: set[UUID] = field(default_factory=set)
    unrecordable: set[UUID] = field(default_factory=set)
    calls: list[Entry] = field(default_factory=list)
    looks: list[Entry] = field(default_factory=list)
    recorded: list[Settled] = field(default_factory=list)

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, str]:
        if any(entry.organization_id for entry in entries):
            await tx.fetch("SELECT id FROM notes")
        if self.poison & {entry.subject_id for entry in entries}:
            raise LookupError("this one cannot be read")
        return {entry.id: "text" for entry in entries if entry.subject_id not in self.withdrawn}

    async def call(self, entry: Entry, work: str) -> Receipt:
        assert work == "text"
        self.calls.append(entry)
        return await self.answers(entry)

    async def look(self, entry: Entry, work: str) -> Look:
        assert work == "text"
        self.looks.append(entry)
        return await self.sees(entry)

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        if self.unrecordable & {each.entry.subject_id for each in settled}:
            raise LookupError("this one cannot be recorded")
        self.recorded += settled
        settled = [each for each in settled if each.entry.organization_id]
        if not settled:
            return
        await tx.execute(
            """
            INSERT INTO notes (id, organization_id, text)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS t (id, organization_id, text)
            ON CONFLICT (id) DO UPDATE SET version = notes.version + 1, text = excluded.text
            """,
            [each.entry.subject_id for each in settled],
            [each.entry.organization_id for each in settled],
            [each.status.value for each in settled],
        )

    def statuses(self, subject_id: UUID) -> list[Status]:
        return [each.status for each in self.recorded if each.entry.subject_id == subject_id]


@dataclass
class Bench:
    """A ledger with its loops in the test's hand."""

    database: Database
    kind: Sending
    ledger: Ledger

    @asynccontextmanager
    async def working(self, workers: int = 1) -> AsyncIterator[None]:
        """Everything a worker does, so many times."""
        stop, tasks = asyncio.Event(), []
        for _ in range(workers):
            deliveries = Deliveries(self.database, self.ledger.kinds)
            tasks.append(asyncio.create_task(deliveries.run(stop)))
            tasks.append(asyncio.create_task(Looking(self.database, self.ledger.kinds).run(stop)))
            tasks.append(asyncio.create_task(_again(Sweeping(self.database, self.ledger.kinds).sweep, stop)))
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def add(self, *effects: Effect) -> None:
        organizations = {each.lane.organization_id for each in effects} - {None}
        async with self.database.transaction(*(each for each in organizations if each)) as tx:
            await self.ledger.add(tx, *effects)

    async def status(self, effect: Effect) -> Status | None:
        async with self.database.transaction(*filter(None, [effect.lane.organization_id])) as tx:
            state = (await self.ledger.states(tx, effect.kind, [effect.subject_id])).get(effect.subject_id)
        return state.status if state else None

    async def outcomes(self, effect: Effect) -> list[str]:
        async with self.database.transaction(*filter(None, [effect.lane.organization_id])) as tx:
            tried = await self.ledger.attempts(tx, [effect.kind], [effect.subject_id])
            return [each.outcome for each in tried.get(effect.subject_id, ())]

    async def until(self, effect: Effect, status: Status, within: float = 60) -> None:
        await until(lambda: self.status(effect), equals=status, within=within)


async def _again(step: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        with suppress(TransientError):  # as a loop of a worker, it goes on when the database answers again
            await step()
        await asyncio.sleep(0.01)


@pytest.fixture
def kind() -> Sending:
    return Sending()


@pytest.fixture
def bench(database: Database, kind: Sending) -> Bench:
    return Bench(database, kind, Ledger(database, [kind]))


def effect(organization_id: UUID | None, key: str = "lane", *, rate: float | None = None) -> Effect:
    return Effect("sample.sending", Lane(organization_id, key, rate), new_id())


async def until(ask: Callable[[], Awaitable[object]], *, equals: object = True, within: float = 60) -> None:
    """Ask again and again until the answer is the wanted one."""
    answer: object = None
    try:
        async with asyncio.timeout(within):
            while (answer := await ask()) != equals:  # noqa: ASYNC110 - what is asked changes in the database
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"still {answer!r} after {within:g} s, not {equals!r}") from None
