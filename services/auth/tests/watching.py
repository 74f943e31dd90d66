"""A database that remembers what was asked of it: by this two requests are compared, statement by statement."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from kit.db.database import Connection, Database

_LOCK: Final = re.compile(r"(?<=pg_advisory_xact_lock\()-?\d+")
"""The number of a lock, which is no other statement for another address."""
_VALUE: Final = re.compile(r"'(?:\\x)?[0-9a-f-]{16,}'")
"""An id or a body of an event that is written together with the COMMIT."""


class Watched(Database):
    """Notes down every statement, with BEGIN and COMMIT."""

    said: list[str]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.said = []

    @asynccontextmanager
    async def _connection(self, within: float | None = None, *, aside: bool = False) -> AsyncIterator[Connection]:
        async with super()._connection(within, aside=aside) as connection:
            yield cast("Connection", _Listening(connection, self))

    def heard(self, sql: str) -> None:
        self.said.append(_VALUE.sub("'…'", _LOCK.sub("…", " ".join(sql.split()))))


class _Listening:
    def __init__(self, connection: Connection, watched: Watched) -> None:
        self._connection, self._watched = connection, watched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, sql: str, *args: Any) -> str:
        self._watched.heard(sql)
        return await self._connection.execute(sql, *args)

    async def fetch(self, sql: str, *args: Any) -> Any:
        self._watched.heard(sql)
        return await self._connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        self._watched.heard(sql)
        return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        self._watched.heard(sql)
        return await self._connection.fetchval(sql, *args)
