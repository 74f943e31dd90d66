"""How fast auth exchanges refresh tokens, beside a loop of the very same statements without auth.

Every refresh is one of a session of its own, which acts in an organization: the token is checked, the row locked, the
role read, the counter moved, and an access token signed. The bare form sends what a refresh was seen to send, with
the same values, over the same pool of connections, and does nothing with the answers: it is what the database allows.
The number of statements of one call, BEGIN and COMMIT included, stands in the name of the row.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, cast

from pydantic import SecretStr

from auth import migrations
from auth.bootstrap import Parts, build
from auth.passwords.hashing import Passwords
from auth.settings import AuthSettings
from auth.sign_ins.model import Visitor
from benchmarks import harness
from benchmarks.harness import Result, Size
from kit.db.database import Connection, Database
from kit.http.client import Outbound
from kit.ids import new_id
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import Databases

WORKERS: Final = 16
CONNECTIONS: Final = 8
CALLS: Final = {"short": 600, "full": 5_000}
ROUNDS: Final = {"short": 3, "full": 5}
SEEN: Final = 50
VISITOR: Final = Visitor("192.0.2.44", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0")
KEY: Final = "A" * 43


class Watched(Database):
    """Writes down every statement it sends."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.said: list[tuple[str, tuple[Any, ...]]] = []

    @asynccontextmanager
    async def _connection(self, within: float | None = None, *, aside: bool = False) -> AsyncIterator[Connection]:
        async with super()._connection(within, aside=aside) as connection:
            yield cast("Connection", _Writing(connection, self))

    async def again(self, said: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        """Send statements as they were sent before, on one connection."""
        async with super()._connection() as connection:
            for sql, args in said:
                if args or not sql.startswith(("BEGIN", "COMMIT", "SET")):
                    await connection.fetch(sql, *args)
                else:
                    await connection.execute(sql)


class _Writing:
    def __init__(self, connection: Connection, watched: Watched) -> None:
        self._connection, self._watched = connection, watched

    def __getattr__(self, name: str) -> Any:
        given = getattr(self._connection, name)
        if name not in ("execute", "fetch", "fetchrow", "fetchval"):
            return given

        async def noted(sql: str, *args: Any) -> Any:
            self._watched.said.append((sql, args))
            return await given(sql, *args)

        return noted


async def measure(size: Size) -> Sequence[Result]:
    """Refreshes a second."""
    databases, passwords, outbound = Databases(), Passwords(1), Outbound()
    try:
        place = await databases.clone({"auth": migrations})
        given: dict[str, Any] = {
            "http_port": 0,
            "jwks_url": "http://auth.bench/.well-known/jwks.json",
            "database_url": SecretStr(place.url("auth")),
            "sealing_key": SecretStr(KEY),
        }
        settings = AuthSettings(**given)
        database = await Watched.open(place.url("auth"), name="bench", pool_size=CONNECTIONS, acquire_within=60)
        watched = cast("Watched", database)
        try:
            keyring = Keyring(database, LocalMasterKey.from_text(KEY))
            parts = build(database, keyring, passwords, outbound, settings)
            await parts.rotation.ensure()
            return [await refreshes(watched, parts, CALLS[size], ROUNDS[size])]
        finally:
            await database.close()
    finally:
        passwords.close()
        await outbound.close()
        await databases.close()


async def refreshes(database: Watched, parts: Parts, calls: int, rounds: int) -> Result:
    """Fresh sessions, each refreshed once, in turns with the bare form."""
    tokens = iter(await sessions(database, parts, calls * rounds + SEEN))
    said = [await statements(database, parts, next(tokens)) for _ in range(SEEN)]
    each = len(said[-1])
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(rounds):
        given = [next(tokens) for _ in range(calls)]
        ours.append(await rate([refreshing(parts, token) for token in given]))
        bare.append(await rate([repeating(database, said[at % SEEN]) for at in range(calls)]))
        database.said.clear()
    return Result(f"refreshes, {each} statements each, beside these alone", "calls/s", ours, bare)


def refreshing(parts: Parts, token: str) -> Callable[[], Awaitable[object]]:
    """One exchange."""
    return lambda: parts.sessions.refresh(token, None, VISITOR)


def repeating(database: Watched, said: Sequence[tuple[str, tuple[Any, ...]]]) -> Callable[[], Awaitable[object]]:
    """The statements of one exchange."""
    return lambda: database.again(said)


async def statements(database: Watched, parts: Parts, token: str) -> list[tuple[str, tuple[Any, ...]]]:
    """What one exchange sends."""
    database.said.clear()
    await parts.sessions.refresh(token, None, VISITOR)
    return list(database.said)


async def sessions(database: Database, parts: Parts, count: int) -> list[str]:
    """The first refresh tokens of so many sessions of as many people, who all act in one organization."""
    organization_id = new_id()
    people, ids = [new_id() for _ in range(count)], [new_id() for _ in range(count)]
    async with database.transaction(organization_id) as tx:
        await tx.execute("INSERT INTO users (id, password_hash) SELECT *, '' FROM unnest($1::uuid[])", people)
        await tx.execute("INSERT INTO organizations (id, name) VALUES ($1, 'bench')", organization_id)
        await tx.execute(
            """
            INSERT INTO members (id, organization_id, user_id, role)
            SELECT id, $2, id, 'editor' FROM unnest($1::uuid[]) AS person (id)
            """,
            people,
            organization_id,
        )
        await tx.execute(
            """
            INSERT INTO sessions (id, user_id, epoch, organization_id, expires_at, proofs)
            SELECT made.id, made.user_id, 0, $3, kit_now() + $4::interval, '{password}'
            FROM unnest($1::uuid[], $2::uuid[]) AS made (id, user_id)
            """,
            ids,
            people,
            organization_id,
            timedelta(days=30),
        )
    return [parts.entrance.refresh_tokens.make(session_id) for session_id in ids]


async def rate(works: Sequence[Callable[[], Awaitable[object]]]) -> float:
    """How many a second, by all workers together."""
    waiting = iter(works)

    async def worker() -> None:
        for work in waiting:
            await work()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    return len(works) / (time.perf_counter() - started)


if __name__ == "__main__":
    harness.run("refresh", measure)
