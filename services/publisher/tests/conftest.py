from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.messaging.topology import Topology
from kit.testing.databases import Databases, TestDatabase
from kit.testing.outside import Sandbox, running_sandbox
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer
from publisher import migrations
from publisher.api import ROUTERS
from publisher.partner_queues.service import PartnerQueueService
from publisher.partner_queues.work import PartnerQueueWork

from .fakes import FakeQueues
from .rows import Rows
from .story import Story

Asking = Callable[..., httpx.AsyncClient]
Forward = Callable[[float], Awaitable[None]]


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"publisher": migrations})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("publisher"), name="publisher test", pool_size=8, acquire_within=20)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def forward(place: TestDatabase) -> Forward:
    """Moves the platform's time on by so many seconds."""

    async def move(seconds: float) -> None:
        await place.forward(seconds)

    return move


@pytest.fixture
def rows(database: Database) -> Rows:
    return Rows(database)


@pytest.fixture
def broker_side() -> FakeQueues:
    return FakeQueues()


@pytest.fixture
def work(database: Database, broker_side: FakeQueues) -> PartnerQueueWork:
    return PartnerQueueWork(database, broker_side)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def asking(database: Database, issuer: Issuer) -> AsyncIterator[Asking]:
    """A client of the real application, with the token of a member of that organization."""
    app = create_app(
        service="publisher",
        title="Publisher",
        routers=ROUTERS,
        parts=[PartnerQueueService(database), Topology("shown")],
        verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
    )
    clients: list[httpx.AsyncClient] = []

    def client(organization_id: UUID | None, by: Issuer = issuer, **claims: Any) -> httpx.AsyncClient:
        token = by.token(database.clock.now(), organization_id, **claims)
        clients.append(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="http://publisher.test",
                headers={"authorization": f"Bearer {token}"},
            )
        )
        return clients[-1]

    yield client
    for opened in clients:
        await opened.aclose()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The outside world, once per process; every story begins with it as new."""
    with running_sandbox() as started:
        yield started


@pytest.fixture
async def story(place: TestDatabase, database: Database, sandbox: Sandbox) -> AsyncIterator[Story]:
    async with Story.told(place, database, sandbox) as told:
        yield told
