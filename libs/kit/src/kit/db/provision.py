"""What an administrator makes once: the database, the roles, the schemas and the platform's clock.

Everything is idempotent and touches nothing but the names given.
"""

import asyncio
import hashlib
import random
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from kit.db.roles import ServiceRoles

_CLOCK = """
CREATE SCHEMA IF NOT EXISTS kit;
CREATE TABLE IF NOT EXISTS kit.clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    ahead_by interval NOT NULL DEFAULT '0'
);
COMMENT ON TABLE kit.clock IS 'How far the platform''s time is ahead of the server''s; moved in development only.';
INSERT INTO kit.clock DEFAULT VALUES ON CONFLICT DO NOTHING;
-- Not in SQL: a function with a sub-select is planned anew at each place and in each statement that calls it.
CREATE OR REPLACE FUNCTION kit.kit_now() RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS 'BEGIN RETURN statement_timestamp() + (SELECT ahead_by FROM kit.clock); END';
COMMENT ON FUNCTION kit.kit_now() IS 'The platform''s time: every process asks here, so one knob moves them all.';
REVOKE ALL ON SCHEMA public FROM PUBLIC;
"""

_TRIES: Final = 10
_MET: Final = (asyncpg.InternalServerError, asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError)
"""What is said when another has changed the same role meanwhile: "tuple concurrently updated", or it is there now."""


class ForeignDatabase(Exception):
    """A database of that name exists and was made by somebody else."""


def with_database(url: str, database: str, *, user: str | None = None, password: str | None = None) -> str:
    """The same server's address, for another database and, where given, another role."""
    parts = urlsplit(url)
    place = parts.netloc
    if user is not None:
        login = user if password is None else f"{user}:{password}"
        place = f"{login}@{place.rsplit('@', 1)[-1]}"
    return urlunsplit((parts.scheme, place, f"/{database}", parts.query, ""))


async def create_database(admin_url: str, database: str, *, mark: str) -> bool:
    """Make the database unless it is there; `mark` is written on it as a comment and must match later.

    Returns:
        True when it was made now.

    Raises:
        ForeignDatabase: it is there without our mark.
    """
    connection = await asyncpg.connect(admin_url, timeout=60)
    try:
        there = await connection.fetchrow(
            "SELECT shobj_description(oid, 'pg_database') AS mark FROM pg_database WHERE datname = $1", database
        )
        if there is not None:
            if there["mark"] != mark:
                raise ForeignDatabase(f"The database {database} exists and was not made here.")
            return False
        name = await _identifier(connection, database)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        await connection.execute(f"COMMENT ON DATABASE {name} IS {await _literal(connection, mark)}")
        return True
    finally:
        await connection.close()


async def provision(admin_url: str, services: Mapping[str, str | None], *, role_prefix: str = "rostrum_") -> None:
    """Make roles and schemas of these services (name → password of its login role) in the database of `admin_url`.

    A password of None leaves the role's password as it is.
    """
    connection = await asyncpg.connect(admin_url, timeout=60)
    try:
        key = int.from_bytes(hashlib.sha256(role_prefix.encode()).digest()[:8], signed=True)
        for service, password in services.items():
            await _make_roles_beside_others(connection, key, ServiceRoles(service, role_prefix), password)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", key)
            await connection.execute(_CLOCK)
            for service in services:
                await _make_schema(connection, ServiceRoles(service, role_prefix))
    finally:
        await connection.close()


async def _make_roles_beside_others(
    connection: "asyncpg.Connection[asyncpg.Record]", key: int, roles: ServiceRoles, password: str | None
) -> None:
    """Roles belong to the whole server, the lock to one database: whoever meets another of those tries again."""
    for left in reversed(range(_TRIES)):
        try:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", key)
                await _make_roles(connection, roles, password)
        except _MET:
            if not left:
                raise
            await asyncio.sleep(random.uniform(0.05, 0.5))
        else:
            return


async def _make_roles(
    connection: "asyncpg.Connection[asyncpg.Record]", roles: ServiceRoles, password: str | None
) -> None:
    there = {
        row["rolname"]
        for row in await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", roles.all)
    }
    for role in roles.all:
        if role not in there:
            login = "LOGIN" if role == roles.app else "NOLOGIN"
            await connection.execute(
                f'CREATE ROLE "{role}" {login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS'
            )
    await connection.execute(f'GRANT "{roles.loops}" TO "{roles.owner}"')
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await connection.execute(f'GRANT "{roles.owner}" TO CURRENT_USER')
    await connection.execute(
        f"""
        ALTER ROLE "{roles.app}" SET search_path = "{roles.schema}", kit;
        ALTER ROLE "{roles.app}" SET statement_timeout = '30s';
        ALTER ROLE "{roles.app}" SET lock_timeout = '5s';
        ALTER ROLE "{roles.app}" SET idle_in_transaction_session_timeout = '60s'
        """
    )
    if password is not None:
        await connection.execute(f'ALTER ROLE "{roles.app}" PASSWORD {await _literal(connection, password)}')


async def _make_schema(connection: "asyncpg.Connection[asyncpg.Record]", roles: ServiceRoles) -> None:
    database = await _identifier(connection, await connection.fetchval("SELECT current_database()"))
    everyone = ", ".join(f'"{role}"' for role in roles.all)
    await connection.execute(
        f"""
        CREATE SCHEMA IF NOT EXISTS "{roles.schema}" AUTHORIZATION "{roles.owner}";
        REVOKE ALL ON DATABASE {database} FROM PUBLIC;
        GRANT CONNECT ON DATABASE {database} TO "{roles.app}";
        GRANT USAGE ON SCHEMA "{roles.schema}" TO "{roles.app}";
        GRANT USAGE, CREATE ON SCHEMA "{roles.schema}" TO "{roles.loops}";
        GRANT USAGE ON SCHEMA kit TO {everyone};
        GRANT SELECT ON kit.clock TO {everyone};
        GRANT EXECUTE ON FUNCTION kit.kit_now() TO {everyone}
        """
    )


async def move_clock(admin_url: str, ahead_by_seconds: float | None) -> None:
    """Move the platform's time ahead by so many seconds more; None sets it back to the server's time."""
    connection = await asyncpg.connect(admin_url, timeout=60)
    try:
        if ahead_by_seconds is None:
            await connection.execute("UPDATE kit.clock SET ahead_by = '0'")
        else:
            await connection.execute(
                "UPDATE kit.clock SET ahead_by = ahead_by + make_interval(secs => $1)", ahead_by_seconds
            )
    finally:
        await connection.close()


async def drop_everything(
    admin_url: str, database: str, services: Mapping[str, str | None], *, mark: str, role_prefix: str
) -> None:
    """Drop the database that carries `mark`, and the roles made for it.

    Raises:
        ForeignDatabase: the database does not carry the mark.
    """
    connection = await asyncpg.connect(admin_url, timeout=60)
    try:
        there = await connection.fetchrow(
            "SELECT shobj_description(oid, 'pg_database') AS mark FROM pg_database WHERE datname = $1", database
        )
        if there is not None:
            if there["mark"] != mark:
                raise ForeignDatabase(f"The database {database} was not made here.")
            await connection.execute(f"DROP DATABASE {await _identifier(connection, database)} WITH (FORCE)")
        for service in services:
            for role in ServiceRoles(service, role_prefix).all:
                await connection.execute(f'DROP ROLE IF EXISTS "{role}"')
    finally:
        await connection.close()


async def _identifier(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> str:
    quoted: str = await connection.fetchval("SELECT quote_ident($1)", name)
    return quoted


async def _literal(connection: "asyncpg.Connection[asyncpg.Record]", text: str) -> str:
    quoted: str = await connection.fetchval("SELECT quote_literal($1::text)", text)
    return quoted
