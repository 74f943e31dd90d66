from collections.abc import AsyncIterator

import httpx
import pytest

from compliance import migrations
from compliance.api import ROUTERS
from compliance.bootstrap import build, endpoint_parts
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.seal import Keyring, LocalMasterKey, Sealer
from kit.testing.databases import Databases, TestDatabase
from kit.testing.mortal import Mortal
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .office import GRACE, SECRETS, Office
from .trail import MASTER, ORIGIN, Trail


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


@pytest.fixture
async def office(place: TestDatabase) -> AsyncIterator[Office]:
    """Compliance with its real doors, and services that are nothing but what they say."""
    database = await Mortal.open(place.url("compliance"), name="compliance test", pool_size=8, acquire_within=20)
    assert isinstance(database, Mortal)
    issuer = Issuer()
    try:
        keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
        clients = {name: Sealer.from_text(key) for name, key in SECRETS.items()}
        parts = build(database, keyring, ORIGIN, GRACE, clients)
        await parts.log_keys.ensure()
        app = create_app(
            service="compliance",
            title="Compliance",
            routers=ROUTERS,
            parts=endpoint_parts(parts),
            verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
            clock=database.clock,
        )
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://compliance.test", timeout=60) as client:
            yield Office(place, database, keyring, parts, client, issuer)
    finally:
        await database.close()
