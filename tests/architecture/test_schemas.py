"""Each service's schema: what the migrations add up to, and that no table escapes its tenant."""

from importlib import import_module
from pathlib import Path

import asyncpg
import pytest

from kit.db.describe import describe
from kit.db.tenancy import escapes, tenant_free
from kit.testing.databases import Databases

SERVICES = ("auth", "billing", "compliance", "generation", "inbox", "publisher")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("service", SERVICES)
async def test_no_table_escapes_its_tenant(service: str, databases: Databases) -> None:
    package = import_module(f"{service}.migrations")
    place = await databases.clone({service: package})
    connection = await asyncpg.connect(place.admin_url)
    assert await escapes(connection, place.roles(service), tenant_free(package)) == []
    await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_every_tenant_free_table_has_a_reason_that_can_be_read(service: str) -> None:
    for table, reason in tenant_free(import_module(f"{service}.migrations")).items():
        assert len(reason.split()) >= 4, f"{service}.{table}: say why it belongs to no organization"


@pytest.mark.parametrize("service", SERVICES)
async def test_the_committed_schema_is_the_sum_of_the_migrations(service: str, databases: Databases) -> None:
    package = import_module(f"{service}.migrations")
    place = await databases.clone({service: package})
    connection = await asyncpg.connect(place.admin_url)
    text = await describe(connection, place.roles(service))
    await connection.close()
    committed = ROOT / "services" / service / "src" / service / "migrations" / "schema.sql"
    assert committed.read_text() == text, "run `make schemas` and look at the difference"


async def test_no_role_of_one_service_reaches_into_another(databases: Databases) -> None:
    place = await databases.clone({service: import_module(f"{service}.migrations") for service in SERVICES})
    for service in SERVICES:
        connection = await asyncpg.connect(place.url(service))
        for other in set(SERVICES) - {service}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT * FROM {other}.outbox")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f'SET ROLE "{place.roles(other).app}"')
        assert not await connection.fetchval(
            "SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user"
        )
        await connection.close()
