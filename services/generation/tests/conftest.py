from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest

from generation import migrations
from kit.testing.databases import Databases, TestDatabase
from kit.testing.mortal import Mortal
from kit.testing.outside import Sandbox, running_sandbox

from .story import Story


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"generation": migrations})


async def into_a_month(place: TestDatabase, database: Mortal) -> None:
    """Budgets are of a month: none is to end while a test goes on."""
    now = database.clock.now()
    if now.day > 20:
        await place.forward(timedelta(days=15).total_seconds())
        await database.clock.synchronise()


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Mortal]:
    opened = await Mortal.open(place.url("generation"), name="generation test", pool_size=8, acquire_within=20)
    assert isinstance(opened, Mortal)
    await into_a_month(place, opened)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The outside world, once per process; every story begins with it as new."""
    with running_sandbox() as started:
        yield started


@pytest.fixture
async def story(place: TestDatabase, database: Mortal) -> AsyncIterator[Story]:
    """Generation without a key: a program of ours writes."""
    async with Story.told(place, database) as told:
        yield told


@pytest.fixture
async def openai(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """OpenAI as those see it who watch, and tell it what to say."""
    key = {"authorization": "Bearer sk-sandbox"}
    async with httpx.AsyncClient(base_url=sandbox.url, headers=key, timeout=60, verify=False) as http:
        (await http.post("/control/reset")).raise_for_status()
        yield http


@pytest.fixture
async def with_key(
    place: TestDatabase, database: Mortal, sandbox: Sandbox, openai: httpx.AsyncClient
) -> AsyncIterator[Story]:
    """Generation with a key: OpenAI writes."""
    _ = openai
    told = {"openai_url": f"{sandbox.url}/openai/v1", "openai_api_key": "sk-sandbox"}
    async with Story.told(place, database, **told) as told_story:
        yield told_story
