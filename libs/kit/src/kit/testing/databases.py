"""A database of its own for every test: cloned from a migrated template, and used again once it is as it was.

Cloning and dropping write the whole database to disk; emptying the few tables a test has filled takes milliseconds.
"""

import asyncio
import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import asyncpg

from kit.db.database import Row
from kit.db.migrate import all_of, migrate
from kit.db.provision import provision, with_database
from kit.db.roles import ServiceRoles
from kit.testing import pristine
from kit.testing.asking import Asking

ADMIN_URL = os.environ.get("ROSTRUM_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
_HERE = hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:6]
PREFIX = f"rostrum_test_{_HERE}_"
_FILES = (provision.__code__.co_filename, pristine.__file__)
_PROVISION_SUM = hashlib.sha256(b"".join(Path(name).read_bytes() for name in _FILES)).hexdigest()

_BREAK = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = $1"

# Of this process: the template of each set of services, and the clones of each template that nobody uses just now.
_TEMPLATES: dict[str, str] = {}
_SPARE: dict[str, list[str]] = {}


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One database with the schemas of some services, and the addresses to reach it."""

    __test__ = False
    name: str
    admin_url: str
    asking: Asking
    role_prefix: str = PREFIX
    password: str = "test"  # noqa: S105 - a made-up password of roles that exist for tests only

    def roles(self, service: str) -> ServiceRoles:
        """The roles of a service in this database."""
        return ServiceRoles(service, self.role_prefix)

    def url(self, service: str) -> str:
        """The address for the service's own login role."""
        return with_database(self.admin_url, self.name, user=self.roles(service).app, password=self.password)

    async def ask(self, service: str, sql: str, *args: object) -> list[Row]:
        """Ask, or do, as nobody may but a test: across all tenants, among the tables of a service and of kit."""
        return await self.asking.ask(service, sql, *args)

    async def forward(self, seconds: float) -> None:
        """Move the platform's time on; who keeps a clock synchronises it."""
        await self.ask("kit", "UPDATE clock SET ahead_by = ahead_by + make_interval(secs => $1)", seconds)


@dataclass(slots=True)
class Databases:
    """Lends databases and takes them back at the end.

    With `reuse`, what comes back as it was is kept for the next who asks; whoever sets it calls `drop_spare` last.
    Nobody waits for the disk in such a database: it need not outlive its server.
    """

    admin_url: str = ADMIN_URL
    reuse: bool = False
    _lent: list[tuple[TestDatabase, str]] = field(default_factory=list)

    async def clone(self, services: Mapping[str, ModuleType]) -> TestDatabase:
        """A fresh database with these services (name → migrations package) migrated."""
        key = f"{self.admin_url} {sorted(services.items(), key=lambda each: each[0])}"
        template = _TEMPLATES.get(key) or _TEMPLATES.setdefault(key, await self._template(services))
        spare = _SPARE.setdefault(template, []) if self.reuse else []
        return await self._lend(spare.pop() if spare else await self._create(template), template)

    async def empty(self) -> TestDatabase:
        """A fresh database with nothing in it."""
        return await self._lend(await self._create("template0"), "")

    async def close(self) -> None:
        """Take back what was lent: made as it was, or dropped where a test has altered more than rows."""
        while self._lent:
            lent, template = self._lent.pop()
            try:
                again = self.reuse and bool(template) and await pristine.restore(await lent.asking.opened())
            finally:
                await lent.asking.close()
            if again:
                _SPARE[template].append(lent.name)
            else:
                await self._drop(lent.name)

    async def drop_spare(self) -> None:
        """Drop the databases that are kept for tests to come: there are none."""
        for names in _SPARE.values():
            while names:
                await self._drop(names.pop())

    async def _lend(self, name: str, template: str) -> TestDatabase:
        url = with_database(self.admin_url, name)
        lent = TestDatabase(name, url, Asking(url))
        self._lent.append((lent, template))
        return lent

    async def _create(self, template: str) -> str:
        name = f"{PREFIX}{secrets.token_hex(6)}"
        await self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        if self.reuse:
            await self._admin(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        return name

    async def _drop(self, name: str) -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            # Forced alone, it gives those who use it five seconds to go, which is little on a busy machine.
            await connection.execute(_BREAK, name)
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await connection.close()

    async def _template(self, services: Mapping[str, ModuleType]) -> str:
        migrations = {service: all_of(service, package) for service, package in services.items()}
        sums = "".join(each.checksum for group in migrations.values() for each in group)
        digest = hashlib.sha256(f"{sorted(services)} {sums} {_PROVISION_SUM}".encode()).hexdigest()[:12]
        family = f"{PREFIX}{'_'.join(sorted(services))}"[:44] + "_t_"
        name = family + digest
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", int(_HERE, 16))
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate", name):
                return name
            await self._drop_stale(connection, family)
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
            url = with_database(self.admin_url, name)
            await provision(url, dict.fromkeys(services, "test"), role_prefix=PREFIX)
            for service, group in migrations.items():
                await migrate(url, ServiceRoles(service, PREFIX), group)
            await pristine.remember(url)
            await _until_left(connection, name)
            await connection.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE true')
        finally:
            await connection.close()
        return name

    @staticmethod
    async def _drop_stale(connection: "asyncpg.Connection[asyncpg.Record]", family: str) -> None:
        stale = await connection.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", family)
        for row in stale:
            await connection.execute(f'ALTER DATABASE "{row["datname"]}" IS_TEMPLATE false')
            await connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')

    async def _admin(self, sql: str) -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


async def _until_left(connection: "asyncpg.Connection[asyncpg.Record]", database: str) -> None:
    """Wait until the sessions that were closed there have ended: a database in use cannot be a template."""
    while await connection.fetchval(  # noqa: ASYNC110 - the server's processes end by themselves
        "SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend' LIMIT 1", database
    ):
        await asyncio.sleep(0.01)


async def drop_all_test_databases(admin_url: str = ADMIN_URL) -> None:
    """Drop every database and role that tests of this checkout have made."""
    connection = await asyncpg.connect(admin_url)
    try:
        for row in await connection.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", PREFIX):
            await connection.execute(f'ALTER DATABASE "{row["datname"]}" IS_TEMPLATE false')
            await connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')
        for row in await connection.fetch("SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)", PREFIX):
            await connection.execute(f'DROP ROLE IF EXISTS "{row["rolname"]}"')
    finally:
        await connection.close()
