"""A database under whose user the ground gives way: each statement may be the last thing that the process does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from kit.db.database import Connection, Database


class Died(BaseException):
    """The process would be dead now; nothing of it goes on, whatever it catches."""


class Mortal(Database):
    """Raises `Died` instead of statement number `dies_at`, or after a commit whose answer nobody hears any more.

    Each BEGIN, statement and COMMIT is a step, and so is the moment after a COMMIT.
    """

    dies_at: int | None = None
    steps: int = 0

    def live_for(self, steps: int | None) -> None:
        """Count anew, and die at that step; None lives on."""
        self.steps, self.dies_at = 0, steps

    def step(self) -> None:
        """One more step was survived, or not."""
        self.steps += 1
        if self.dies_at is not None and self.steps >= self.dies_at:
            raise Died

    @asynccontextmanager
    async def _connection(self, within: float | None = None, *, aside: bool = False) -> AsyncIterator[Connection]:
        async with super()._connection(within, aside=aside) as connection:
            yield cast("Connection", _Watched(connection, self))


class _Watched:
    def __init__(self, connection: Connection, mortal: Mortal) -> None:
        self._connection, self._mortal = connection, mortal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, sql: str, *args: Any) -> str:
        if sql == "ROLLBACK":  # the server does it for a process that is gone
            return await self._connection.execute(sql)
        self._mortal.step()
        done = await self._connection.execute(sql, *args)
        if sql == "COMMIT":
            self._mortal.step()
        return done

    async def fetch(self, sql: str, *args: Any) -> Any:
        self._mortal.step()
        return await self._connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        self._mortal.step()
        return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        self._mortal.step()
        return await self._connection.fetchval(sql, *args)
