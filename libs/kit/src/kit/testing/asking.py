"""What a test asks a database as its administrator, on one connection from its first question to its end."""

import asyncio

import asyncpg

from kit.db.database import Row


class Asking:
    """One connection for all questions, opened when the first is asked: opening costs more than most answers."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[Row] | None = None
        self._within = ""
        self._turn = asyncio.Lock()

    async def ask(self, schema: str, sql: str, *args: object) -> list[Row]:
        """One statement that is its own transaction, with the names of this schema and of kit, across all tenants."""
        async with self._turn:
            connection = await self.opened()
            if self._within != schema:
                await connection.execute(f'SET search_path = "{schema}", kit')
                self._within = schema
            return list(await connection.fetch(sql, *args))

    async def close(self) -> None:
        """Leave; asking again opens anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def opened(self) -> "asyncpg.Connection[Row]":
        """The connection, anew where it was broken meanwhile, by a test or by whoever stopped the server."""
        if self._connection is None or self._connection.is_closed():
            self._connection, self._within = await asyncpg.connect(self._url), ""
        return self._connection
