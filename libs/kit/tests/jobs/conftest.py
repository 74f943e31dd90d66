from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.jobs.jobs import Jobs
from kit.jobs.model import Done, Failed, Found, Handed, Item, ItemState, Job, NewItem, Outcome, Skipped, Submission
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase

KIND = "sample.notes"
DONE = Done()


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


@dataclass
class Writing:
    """Writes a note for every item; the note's version counts how often. What is to go wrong is said by subject."""

    name: str = KIND
    batch: int = 10
    prepares: bool = False
    subjects: Sequence[UUID] = ()
    skipped: set[UUID] = field(default_factory=set)
    failing: set[UUID] = field(default_factory=set)
    poison: set[UUID] = field(default_factory=set)
    handed: set[UUID] = field(default_factory=set)
    before_work: Callable[[Job], Awaitable[None]] | None = None
    find_trouble: Exception | None = None
    passing: list[Exception] = field(default_factory=list)
    prepared: list[int] = field(default_factory=list)
    worked: list[UUID | None] = field(default_factory=list)
    ends: list[Job] = field(default_factory=list)

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        del tx, job
        if self.find_trouble:
            raise self.find_trouble
        limit, start = min(limit, 700), cursor or 0
        page = self.subjects[start : start + limit]
        more = start + limit < len(self.subjects)
        return Found([NewItem(each) for each in page], start + limit if more else None)

    async def prepare(self, job: Job, items: Sequence[Item]) -> dict[int, str]:
        del job
        self.prepared += [item.number for item in items]
        return {item.number: "ready" for item in items}

    async def work(self, tx: Transaction, job: Job, items: Sequence[Item], prepared: Any) -> Mapping[int, Outcome]:
        if self.before_work:
            await self.before_work(job)
        if self.passing:
            raise self.passing.pop(0)
        if self.prepares:
            assert set(prepared) >= {item.number for item in items}
        if self.poison & {item.subject_id for item in items}:
            raise LookupError("this one cannot be worked")
        self.worked.append(job.organization_id)
        outcomes = {item.number: self._outcome(item) for item in items}
        await tx.execute(
            """
            INSERT INTO notes (id, organization_id, text) SELECT id, $2, 'done' FROM unnest($1::uuid[]) AS t (id)
            ON CONFLICT (id) DO UPDATE SET version = notes.version + 1
            """,
            [each.subject_id for each in items if isinstance(outcomes[each.number], Done)],
            job.organization_id or UUID(int=0),
        )
        return outcomes

    def _outcome(self, item: Item) -> Outcome:
        if item.subject_id in self.skipped:
            return Skipped("unwanted", "It is not wanted.")
        if item.subject_id in self.failing:
            return Failed("broken", "=It is broken.")
        return Handed() if item.subject_id in self.handed else DONE

    async def ended(self, tx: Transaction, job: Job) -> None:
        del tx
        self.ends.append(job)


@dataclass
class Bench:
    """Jobs worked by hand."""

    database: Database
    kind: Writing
    place: TestDatabase

    @property
    def jobs(self) -> Jobs:
        return Jobs(self.database, [self.kind])

    async def submit(self, organization_id: UUID | None, count: int | None = None, **more: Any) -> Job:
        wanted = Submission(KIND, more.pop("key", str(new_id())), organization_id, **more)
        if count is not None:
            wanted = replace(wanted, items=[NewItem(new_id()) for _ in range(count)])
        async with self.database.transaction(*bound(organization_id)) as tx:
            return await self.jobs.submit(tx, wanted)

    async def work(self, turns: int = 10_000) -> None:
        """Take turns until nothing is ready."""
        worker = self.jobs.worker()
        for _ in range(turns):
            if await worker.turn():
                return

    async def finish(self, job: Job) -> Job:
        """Work until the job has ended."""
        worker = self.jobs.worker()
        while not (now := await self.show(job)).ended:
            await worker.turn()
        return now

    async def show(self, job: Job) -> Job:
        async with self.database.transaction(*bound(job.organization_id)) as tx:
            return await self.jobs.show(tx, job.id)

    async def subjects(self, job: Job, *states: ItemState) -> list[UUID | None]:
        async with self.database.transaction(*bound(job.organization_id)) as tx:
            items = await self.jobs.items(tx, job.id, states=states or None, limit=1_000_000)
        return [item.subject_id for item in items]

    async def versions(self, organization_id: UUID | None) -> list[int]:
        """How often each note was written."""
        async with self.database.transaction(organization_id or UUID(int=0)) as tx:
            return [row["version"] for row in await tx.fetch("SELECT version FROM notes")]


def bound(organization_id: UUID | None) -> list[UUID]:
    # The sample's notes need an organization; the platform's own are written as those of nobody.
    return [organization_id or UUID(int=0)]


def counts(job: Job) -> tuple[int, int, int, int]:
    return job.total, job.done, job.failed, job.skipped


@pytest.fixture
def kind() -> Writing:
    return Writing()


@pytest.fixture
def bench(database: Database, kind: Writing, place: TestDatabase) -> Bench:
    return Bench(database, kind, place)
