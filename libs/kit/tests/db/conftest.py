from collections.abc import AsyncIterator

import pytest

from kit.db.database import Database
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"sample": sample})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("sample"), name="test", pool_size=4, acquire_within=30)
    try:
        yield opened
    finally:
        await opened.close()
