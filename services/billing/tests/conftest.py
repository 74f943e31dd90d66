from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from billing import migrations
from billing.api import ROUTERS
from billing.entitlements.service import EntitlementService
from billing.organizations.service import OrganizationService
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.testing.databases import Databases, TestDatabase
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .hearing import Ear

Asking = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"billing": migrations})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("billing"), name="billing test", pool_size=4, acquire_within=20)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def ear(database: Database) -> Ear:
    return Ear(database)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def asking(database: Database, issuer: Issuer) -> AsyncIterator[Asking]:
    """A client of the real application, with the token of a member of that organization."""
    app = create_app(
        service="billing",
        title="Billing",
        routers=ROUTERS,
        parts=[OrganizationService(database), EntitlementService(database)],
        verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
    )
    clients: list[httpx.AsyncClient] = []

    def client(organization_id: UUID | None, by: Issuer = issuer, **claims: Any) -> httpx.AsyncClient:
        token = by.token(database.clock.now(), organization_id, **claims)
        clients.append(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="http://billing.test",
                headers={"authorization": f"Bearer {token}"},
            )
        )
        return clients[-1]

    yield client
    for opened in clients:
        await opened.aclose()
