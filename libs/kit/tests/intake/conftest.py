import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from kit.db.database import Database, DatabaseUnavailable
from kit.http.app import create_app
from kit.http.serving import serve
from kit.intake.intake import Intake
from kit.process import supervise
from kit.testing import letters
from kit.testing.databases import Databases, TestDatabase
from kit.testing.letters import ACME, PATH, Letters, delivery, keyring, signed


@dataclass
class House:
    """One database with its intake, behind a real server whose sending is always ill."""

    place: TestDatabase
    database: Database
    intake: Intake
    source: Letters
    client: httpx.AsyncClient

    async def send(self, *written: Mapping[str, object]) -> int:
        """Deliver letters and give the status of the answer."""
        return await self.post(delivery(*written))

    async def post(self, body: bytes) -> int:
        return (await self.client.post(PATH, content=body, headers=signed(body))).status_code

    async def rows(self, sql: str, *args: object) -> list[Any]:
        return await self.database.statement(sql, *args)

    async def value(self, sql: str, *args: object) -> Any:
        return (await self.database.statement(sql, *args))[0][0]

    async def verdicts(self) -> dict[str | None, int]:
        rows = await self.rows("SELECT verdict, count(*) AS n FROM intake_items GROUP BY 1")
        return {row["verdict"]: row["n"] for row in rows}

    async def applied(self, organization_id: UUID = ACME, sender: str = "anna") -> list[str]:
        """The texts that were applied, in the order in which they were."""
        async with self.database.transaction(organization_id) as tx:
            rows = await tx.fetch("SELECT body FROM letters WHERE sender = $1 ORDER BY place", sender)
        return [row["body"] for row in rows]

    async def settled(self) -> bool:
        """Whether every delivery was taken apart and every item has its verdict."""
        answer: bool = await self.value(
            """
            SELECT NOT EXISTS (SELECT FROM intake_deliveries WHERE state = 'received')
               AND NOT EXISTS (SELECT FROM intake_items WHERE verdict IS NULL)
            """
        )
        return answer

    @asynccontextmanager
    async def working(self, workers: int = 1) -> AsyncIterator[None]:
        """So many workers, until the block ends."""
        loops = [loop for _ in range(workers) for loop in self.intake.loops()]
        stop = asyncio.Event()
        task = asyncio.create_task(supervise(loops, stop))
        try:
            yield
        finally:
            stop.set()
            await task

    async def work(self, workers: int = 1) -> None:
        """Let workers run until everything is settled."""
        async with self.working(workers):
            await until(self.settled)


async def until(ask: Callable[[], Awaitable[object]], *, equals: object = True, within: float = 60) -> None:
    """Ask again and again until the answer is the wanted one."""
    answer: object = ...
    try:
        async with asyncio.timeout(within):
            while answer != equals:  # what is asked lives elsewhere
                with suppress(DatabaseUnavailable):
                    answer = await ask()
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"still {answer!r} after {within:g} s, not {equals!r}") from None


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"letters": letters})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("letters"), name="test", pool_size=8, acquire_within=30)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def house(place: TestDatabase, database: Database) -> AsyncIterator[House]:
    async with opened(place, database, Letters()) as made:
        yield made


@asynccontextmanager
async def opened(place: TestDatabase, database: Database, source: Letters, **options: Any) -> AsyncIterator[House]:
    intake = Intake(database, [source], keyring(database), **options)
    app = create_app(
        service="letters", title="Letters", mounts={PATH: intake.asgi("letters")}, overloaded=lambda: "sending is ill"
    )
    async with served(app) as client:
        yield House(place, database, intake, source, client)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The application behind a real server on loopback."""
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, stop, bound=port.set_result))
    try:
        address = f"http://127.0.0.1:{await port}"
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30, verify=False) as client:
            yield client
    finally:
        stop.set()
        await task
