"""Much data quickly: loaded without indexes, checks and triggers; indexes are made once, over the whole."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import asyncpg
from rich.console import Console

_COSTS: Final = re.compile(r"\(cost=[^)]*\) ")


@asynccontextmanager
async def loading(connection: asyncpg.Connection, *tables: str) -> AsyncIterator[None]:
    """These tables with nothing but their primary keys; what else they have is made again in the end.

    The connection is a superuser's. What triggers would have written is the caller's to write.
    """
    await connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'")
    await connection.execute("SET synchronous_commit = off")
    again = [sql for table in tables for sql in await _stripped(connection, table)]
    yield
    for sql in again:
        await connection.execute(sql)
    await connection.execute("SET session_replication_role = origin")
    for table in tables:
        await connection.execute(f"VACUUM ANALYZE {table}")


async def _stripped(connection: asyncpg.Connection, table: str) -> list[str]:
    """Drop unique constraints and indexes of a table; how each is made again."""
    unique = await connection.fetch(
        """
        SELECT conname AS name, pg_get_constraintdef(oid) AS told FROM pg_constraint
        WHERE conrelid = $1::text::regclass AND contype = 'u'
        """,
        table,
    )
    for each in unique:
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {each['name']}")
    indexes = await connection.fetch(
        """
        SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS told FROM pg_index AS i
        WHERE i.indrelid = $1::text::regclass AND NOT i.indisprimary
        """,
        table,
    )
    for each in indexes:
        await connection.execute(f"DROP INDEX {each['name']}")
    return [
        *(each["told"] for each in indexes),
        *(f"ALTER TABLE {table} ADD CONSTRAINT {each['name']} {each['told']}" for each in unique),
    ]


_EXPLAINED: Final = """
    LOAD 'auto_explain';
    SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_buffers = on;
    SET auto_explain.log_nested_statements = on; SET jit = off; SET search_path = inbox, kit;
"""


@asynccontextmanager
async def explaining(url: str, role: str, organization_id: UUID) -> AsyncIterator["Explained"]:
    """A connection that is to the database what the service is, and tells how its statements were run.

    The plans are those of the run itself, also of statements within functions.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_EXPLAINED)
        await connection.execute(f"SET ROLE {role}; SET app.orgs = '{{{organization_id}}}'")
        yield Explained(connection)
    finally:
        await connection.close()


class Explained:
    """Runs statements and prints how the server ran them."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection, self._console, self._told = connection, Console(width=200), list[str]()
        connection.add_log_listener(lambda _connection, message: self._told.append(str(message.message)))

    async def show(self, name: str, sql: str, *arguments: object) -> None:
        """Run a statement and print its plans, those of functions in it first."""
        statement = await self._connection.prepare(sql)
        self._told.clear()
        await self._connection.execute("SET client_min_messages = log")
        await statement.fetch(*arguments)
        await self._connection.execute("SET client_min_messages = notice")
        self._console.print(f"[bold]{name}[/]")
        for told in self._told:
            lines = told.splitlines()
            begin = next((place for place, line in enumerate(lines) if "(cost=" in line), len(lines))
            if lines[begin:] and lines[begin].startswith("Result "):
                continue  # the setting itself
            for line in lines[begin:]:
                bare = _COSTS.sub("", line)
                self._console.print(f"    {bare}", markup=False, highlight=False)
