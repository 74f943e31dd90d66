from collections.abc import AsyncIterator

import pytest

from compliance import migrations
from kit.db.database import Database
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import Databases, TestDatabase

from .trail import MASTER, Trail


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"compliance": migrations})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("compliance"), name="compliance test", pool_size=6, acquire_within=20)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def trail(place: TestDatabase, database: Database) -> AsyncIterator[Trail]:
    """The audit trail with its doors, ready to be written to."""
    made = Trail(place, database, Keyring(database, LocalMasterKey.from_text(MASTER)))
    await made.parts.log_keys.ensure()
    try:
        yield made
    finally:
        await made.close()
