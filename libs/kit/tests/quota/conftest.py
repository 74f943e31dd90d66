from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.quota import Crossing, Meter, Quota, Use, on_entitlements
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase

POSTS = Meter("posts_per_month", before_first=2)
ACCOUNTS = Meter("connected_accounts", before_first=1, held=True)

Forward = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Said:
    """What billing says of an organization."""

    organization_id: UUID
    version: int
    limits: Mapping[str, int | None]
    plan: str = "pro"


@dataclass
class Counted:
    """One organization that uses up what it may."""

    database: Database
    id: UUID = field(default_factory=new_id)
    quota: Quota = field(default_factory=lambda: Quota([POSTS, ACCOUNTS]))

    async def told(self, version: int = 1, **limits: int | None) -> None:
        async with self.database.transaction(self.id) as tx:
            await on_entitlements(Said(self.id, version, limits), tx)

    async def reserve(self, amount: int = 1, *, meter: Meter = POSTS, life: float = 3600) -> UUID:
        reservation_id = new_id()
        async with self.database.transaction(self.id) as tx:
            await self.quota.reserve(tx, meter, amount, reservation_id, timedelta(seconds=life))
        return reservation_id

    async def settle(self, reservation_id: UUID, amount: int | None = None) -> list[Crossing]:
        async with self.database.transaction(self.id) as tx:
            return await self.quota.settle(tx, reservation_id, amount)

    async def release(self, reservation_id: UUID) -> bool:
        async with self.database.transaction(self.id) as tx:
            return await self.quota.release(tx, reservation_id)

    async def take(self, meter: Meter = ACCOUNTS, amount: int = 1) -> list[Crossing]:
        async with self.database.transaction(self.id) as tx:
            return await self.quota.take(tx, meter, amount)

    async def give_back(self, meter: Meter = ACCOUNTS, amount: int = 1) -> None:
        async with self.database.transaction(self.id) as tx:
            await self.quota.give_back(tx, meter, amount)

    async def use(self, meter: Meter = POSTS) -> Use:
        async with self.database.transaction(self.id) as tx:
            return await self.quota.use(tx, meter)

    async def upkeep(self) -> None:
        """Let the loops go round once."""
        for loop in self.quota.loops(self.database):
            work = cast("Callable[[], Awaitable[bool]]", loop.work)
            while await work():
                pass


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


@pytest.fixture
def acme(database: Database) -> Counted:
    return Counted(database)


@pytest.fixture
def other(database: Database) -> Counted:
    return Counted(database)


@pytest.fixture
def forward(place: TestDatabase, database: Database) -> Forward:
    async def move(seconds: float) -> None:
        await place.forward(seconds)
        await database.clock.synchronise()

    return move
