from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from auth import migrations
from auth.passwords.hashing import Passwords
from kit.db.database import Database
from kit.testing.databases import Databases, TestDatabase
from kit.testing.outside import Sandbox, running_sandbox

from .federating import Federated
from .oauth import Clients, Program
from .story import Person, Story, settings

Forward = Callable[[float], Awaitable[None]]


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    """One pool of hashing threads for all tests, cheap: what hashing costs is tested on its own."""
    return Passwords(memory_kib=64, passes=1)


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"auth": migrations})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("auth"), name="auth test", pool_size=4, acquire_within=60)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def otherwise() -> dict[str, Any]:
    """Settings that a module of tests wants otherwise."""
    return {}


@pytest.fixture
async def story(
    place: TestDatabase, database: Database, passwords: Passwords, otherwise: dict[str, Any]
) -> AsyncIterator[Story]:
    """The real application on a real database, with a mail server that remembers."""
    told = Story(place, database, passwords, settings(place, **otherwise))
    await told.begin()
    try:
        yield told
    finally:
        await told.end()


@pytest.fixture
async def clients(story: Story) -> Clients:
    """A partner's organization, which registers programs."""
    owner = await story.person("ada@partner.test")
    return Clients(story, owner, await owner.create("Partner Ltd"))


@pytest.fixture
async def program(story: Story, clients: Clients) -> Program:
    return Program(story, await clients.registered())


@pytest.fixture
async def bob(story: Story) -> Person:
    """Somebody whom a program asks."""
    return await story.person("bob@customer.test")


@pytest.fixture
async def acme(bob: Person) -> str:
    return await bob.create("Acme")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The outside world, once per process; every story begins with it as new."""
    with running_sandbox() as started:
        yield started


@pytest.fixture
async def federated(
    place: TestDatabase, database: Database, passwords: Passwords, sandbox: Sandbox
) -> AsyncIterator[Federated]:
    """The application with identity providers."""
    async with Federated.told(place, database, passwords, sandbox) as told:
        yield told


@pytest.fixture
def forward(place: TestDatabase, database: Database) -> Forward:
    """Moves the platform's time on by so many seconds."""

    async def move(seconds: float) -> None:
        await place.forward(seconds)
        await database.clock.synchronise()

    return move
