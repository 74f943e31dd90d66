"""Numbered migrations: each file once, in order, in one transaction, by one process at a time.

A file may say `:app`, `:owner`, `:loops` and `:schema` (as in psql) for the service's roles and schema. A file whose
first line is `-- no transaction` runs outside one and must hold a single statement (CREATE INDEX CONCURRENTLY).
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from types import ModuleType

import asyncpg
import structlog

from kit.db import migrations as kit_migrations
from kit.db.roles import ServiceRoles

log = structlog.get_logger(__name__)

_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_VARIABLE = re.compile(r"(?<![:\w]):(app|owner|loops|schema)\b")
_LOCK_EVERY = 0.2
_LOCK_TRIES = 5


class BadMigration(Exception):
    """A migration file cannot be used as it is."""


class MigrationBusy(Exception):
    """Another process has been migrating for too long, or a table stayed locked."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: where it comes from, its number, name and text."""

    origin: str
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text as committed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def transactional(self) -> bool:
        """False for the rare statement that PostgreSQL refuses inside a transaction."""
        return not self.sql.startswith("-- no transaction")

    def rendered(self, roles: ServiceRoles) -> str:
        """The text with the service's names in place of the variables."""
        names = {"app": roles.app, "owner": roles.owner, "loops": roles.loops, "schema": roles.schema}
        return _VARIABLE.sub(lambda found: f'"{names[found[1]]}"', self.sql)


def read(origin: str, package: ModuleType) -> list[Migration]:
    """The migrations of a package, in order.

    Raises:
        BadMigration: a number is missing or used twice, or a file name does not fit `0001_what_it_does.sql`.
    """
    found = []
    for file in files(package).iterdir():
        if not file.name.endswith(".sql") or file.name == "schema.sql":
            continue
        match = _NAME.match(file.name)
        if match is None:
            raise BadMigration(f"{origin}: rename {file.name} to NNNN_what_it_does.sql.")
        found.append(Migration(origin, int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise BadMigration(f"{origin}: numbers must run from 0001 without gap or repetition, found {numbers}.")
    return found


def all_of(service: str, package: ModuleType) -> list[Migration]:
    """Kit's own migrations, then the service's."""
    return [*read("kit", kit_migrations), *read(service, package)]


async def migrate(
    url: str, roles: ServiceRoles, migrations: Sequence[Migration], *, lock_within: float = 120.0
) -> list[Migration]:
    """Apply what is missing and return it; safe to start many times at once.

    `url` must reach the server directly (session locks do not survive a transaction pooler), as a role that may
    SET ROLE to the owner.

    Raises:
        BadMigration: an applied file was changed, or a file fails.
        MigrationBusy: the lock was not free within `lock_within` seconds, or a table stayed locked.
    """
    connection = await asyncpg.connect(
        url, server_settings={"application_name": f"migrate {roles.service}"}, timeout=60
    )
    try:
        async with _alone(connection, roles, lock_within):
            await _prepare(connection, roles)
            return [each for each in migrations if await _apply(connection, roles, each)]
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def _alone(
    connection: "asyncpg.Connection[asyncpg.Record]", roles: ServiceRoles, within: float
) -> AsyncIterator[None]:
    """Hold the migration lock, polled: waiting inside pg_advisory_lock deadlocks with CREATE INDEX CONCURRENTLY."""
    key = int.from_bytes(hashlib.sha256(f"migrate {roles.schema}".encode()).digest()[:8], signed=True)
    for _ in range(max(1, int(within / _LOCK_EVERY))):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
            break
        await asyncio.sleep(_LOCK_EVERY)
    else:
        raise MigrationBusy(f"{roles.service}: another process has held the migration lock for {within:.0f} s.")
    try:
        yield
    finally:
        await connection.execute("RESET ROLE")
        await connection.fetchval("SELECT pg_advisory_unlock($1)", key)


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]", roles: ServiceRoles) -> None:
    await connection.execute(
        f'SET ROLE "{roles.owner}"; SET search_path = "{roles.schema}", kit; SET lock_timeout = \'5s\''
    )
    await connection.execute(
        """
        CREATE TABLE IF NOT EXISTS migrations (
            origin     text NOT NULL,
            number     integer NOT NULL,
            name       text NOT NULL,
            checksum   text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (origin, number)
        )
        """
    )
    await connection.execute(f'GRANT SELECT ON migrations TO "{roles.app}"')


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", roles: ServiceRoles, migration: Migration) -> bool:
    applied = await connection.fetchrow(
        "SELECT name, checksum FROM migrations WHERE origin = $1 AND number = $2", migration.origin, migration.number
    )
    label = f"{migration.origin}/{migration.number:04}_{migration.name}"
    if applied is not None:
        if applied["checksum"] != migration.checksum:
            raise BadMigration(f"{label} was changed after it had been applied; undo the change and add a new file.")
        return False
    for attempt in range(1, _LOCK_TRIES + 1):
        try:
            await _run(connection, roles, migration)
        except asyncpg.LockNotAvailableError as trouble:
            if attempt == _LOCK_TRIES:
                raise MigrationBusy(f"{label}: a table stayed locked; try again when traffic is lower.") from trouble
            await asyncio.sleep(attempt)
        except asyncpg.PostgresError as error:
            raise BadMigration(f"{label}: {error}") from error
        else:
            break
    log.info("migration.applied", service=roles.service, migration=label)
    return True


async def _run(connection: "asyncpg.Connection[asyncpg.Record]", roles: ServiceRoles, migration: Migration) -> None:
    record = "INSERT INTO migrations (origin, number, name, checksum) VALUES ($1, $2, $3, $4)"
    values = (migration.origin, migration.number, migration.name, migration.checksum)
    if migration.transactional:
        async with connection.transaction():
            await connection.execute(migration.rendered(roles))
            await connection.execute(record, *values)
    else:
        await connection.execute(migration.rendered(roles))
        await connection.execute(record, *values)
