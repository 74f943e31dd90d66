"""Transactions bound to the organizations they may touch; events leave with the rows they tell about."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from contracts.event import Event, encode
from kit.clock import PlatformClock
from kit.db.wakeups import Wakeups
from kit.db.wording import bind, count, outbox
from kit.errors import DomainError, TransientError
from kit.telemetry import tracing

Row: TypeAlias = asyncpg.Record
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

KEPT_BACK = 1
"""Connections beside the pool's size for what somebody needs in the middle of a transaction (see `aside`)."""

_FEW = 4
"""Events that are written together with the COMMIT; of more the text would be long."""

_SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ READ ONLY"

# The server could not do it now; the same transaction may succeed later.
_PASSING = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, statement cancelled by its time-out
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.TransactionRollbackError,  # serialization failure, deadlock
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,  # a fail-over left us on a standby
)
_LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InterfaceError)


class DatabaseUnavailable(TransientError):
    """The database cannot answer just now."""

    code = "database-unavailable"


class DatabaseBusy(DatabaseUnavailable):
    """Every connection of this process is in use."""

    code = "database-busy"


class CommitRefused(TransientError):
    """The transaction had failed and was rolled back."""


@dataclass(frozen=True, slots=True)
class PoolUse:
    """How much of the connection budget is in use."""

    size: int
    in_use: int
    waiting: int
    waited: float
    """How long whoever waits longest has waited, in seconds."""


class Transaction:
    """One transaction: its statements, the organizations it may see, the events it emits."""

    def __init__(
        self, connection: Connection, organization_ids: Sequence[UUID], stamp: Callable[[Event, UUID | None], Event]
    ) -> None:
        self._connection = connection
        self._organization_ids = tuple(organization_ids)
        self._stamp = stamp
        self._facts: list[Event] = []
        self._stirred: set[str] = set()

    @property
    def organization_id(self) -> UUID:
        """The one organization this transaction is bound to.

        Raises:
            LookupError: it is bound to none or to several; that is a bug of the caller.
        """
        if len(self._organization_ids) != 1:
            raise LookupError(f"bound to {len(self._organization_ids)} organizations, not to one")
        return self._organization_ids[0]

    @property
    def organization_ids(self) -> tuple[UUID, ...]:
        """The organizations this transaction is bound to."""
        return self._organization_ids

    @property
    def emitted(self) -> int:
        """How many events leave with this transaction."""
        return len(self._facts)

    @property
    def stirred(self) -> frozenset[str]:
        """The topics whose loops are woken by the commit."""
        return frozenset(self._stirred)

    def stir(self, topic: str) -> None:
        """Wake the loops that wait for this topic, in every process of the service, once this is committed."""
        self._stirred.add(topic)

    async def bind(self, *organization_ids: UUID) -> None:
        """From here on see the rows of these organizations, and of no others."""
        self._organization_ids = organization_ids
        await self._connection.execute(bind(organization_ids))

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """A part that may be refused without the rest: what it changed and emitted is undone, the refusal goes on."""
        facts, stirred = len(self._facts), set(self._stirred)
        await self._connection.execute("SAVEPOINT attempt")
        try:
            yield
        except DomainError:
            await self._connection.execute("ROLLBACK TO SAVEPOINT attempt")
            await self._connection.execute("RELEASE SAVEPOINT attempt")
            del self._facts[facts:]
            self._stirred = stirred
            raise
        await self._connection.execute("RELEASE SAVEPOINT attempt")

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """All rows of a statement."""
        return await self._connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Row | None:
        """The first row of a statement, if any."""
        return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> int:
        """Run a statement and return how many rows it touched."""
        return count(await self._connection.execute(sql, *args))

    async def emit(self, *events: Event) -> None:
        """Let these facts leave with the commit; without it they never happened.

        An event without an organization takes the one this transaction is bound to, if it is bound to one.
        """
        own = self._organization_ids[0] if len(self._organization_ids) == 1 else None
        self._facts += [self._stamp(event, own) for event in events]

    async def emit_of_platform(self, *events: Event) -> None:
        """The same for facts that belong to no organization, whatever this transaction is bound to."""
        self._facts += [self._stamp(event, None) for event in events]

    async def address(self, addressing: "Addressing") -> None:
        """Let the emitted events say whom they are for."""
        if self._facts:
            self._facts = list(await addressing(self, self._facts))

    async def commit(self) -> bool:
        """Put the emitted events in the outbox and commit; False when the transaction had failed before.

        A few events travel with the COMMIT: one round trip less in nearly every transaction that changes something.
        """
        if len(self._facts) > _FEW:
            await self._write_outbox(self._facts)
            return await self._connection.execute("COMMIT") == "COMMIT"
        return await self._connection.execute(f"{outbox(self._facts)}COMMIT") == "COMMIT"

    async def _write_outbox(self, facts: Sequence[Event]) -> None:
        await self._connection.execute(
            """
            INSERT INTO outbox (id, type, organization_id, body)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[])
            """,
            [fact.id for fact in facts],
            [fact.type for fact in facts],
            [fact.organization_id for fact in facts],
            [encode(fact) for fact in facts],
        )


Addressing: TypeAlias = Callable[[Transaction, Sequence[Event]], Awaitable[Sequence[Event]]]


class Database:
    """A service's own schema through a bounded pool.

    `emitted` is called after a commit that left events in the outbox, so that a relay can be woken; `hinted` with a
    topic after a commit that left other work. Loops of this process wait in `wakeups`.

    A service may see to it, once for all transactions, that some see less than their organization (`narrowed` gives
    the statement with which one begins, or nothing) and that events say whom they are for (`addressed` is called
    before the commit, within the transaction).
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, acquire_within: float, max_waiting: int) -> None:
        self._pool = pool
        self._acquire_within = acquire_within
        self._max_waiting = max_waiting
        self._size = max(1, pool.get_max_size() - KEPT_BACK)
        self._free = asyncio.Semaphore(self._size)
        self._waiting: dict[object, float] = {}
        self.clock = PlatformClock(self.now)
        self.wakeups = Wakeups()
        self.emitted: Callable[[], None] = lambda: None
        self.hinted: Callable[[str], None] = lambda _topic: None
        self.narrowed: Callable[[], str] = str
        self.addressed: Addressing | None = None

    @classmethod
    async def open(
        cls, url: str, *, name: str, pool_size: int = 8, acquire_within: float = 2.0, max_waiting: int = 200
    ) -> "Database":
        """Open a pool of at most `pool_size` connections, and one kept back, and learn the platform's time.

        `acquire_within` bounds the wait for a connection in seconds, `max_waiting` how many may wait; beyond either
        the answer is `DatabaseBusy`.

        Raises:
            DatabaseUnavailable: the server does not answer, or refuses the role.
        """
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=pool_size + KEPT_BACK,
                init=_teach_json,
                reset=_nothing_to_reset,
                server_settings={"application_name": name, "timezone": "UTC", "jit": "off"},
                timeout=10,
                command_timeout=60,
            )
        except (
            *_PASSING,
            asyncpg.InvalidAuthorizationSpecificationError,
            asyncpg.InvalidCatalogNameError,
        ) as trouble:
            raise DatabaseUnavailable(
                f"The database of {name} cannot be reached: {type(trouble).__name__}."
            ) from trouble
        database = cls(pool, acquire_within=acquire_within, max_waiting=max_waiting)
        try:
            await database.clock.synchronise()
        except BaseException:
            pool.terminate()
            raise
        return database

    async def close(self) -> None:
        """Return all connections, breaking those that do not come back within five seconds."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(
        self, *organization_ids: UUID, durable: bool = True, alone: int | None = None
    ) -> AsyncIterator[Transaction]:
        """One transaction that sees the rows of these organizations only; it commits when the block ends well.

        Without `durable` the commit does not wait for the disk: a crash of the server may undo it, and nothing else.
        With `alone` it waits for others that hold the advisory lock of this number, and holds it to its end.

        Raises:
            DatabaseBusy: no connection became free in time.
            DatabaseUnavailable: the server cannot answer, or asks to try again (deadlock, lock time-out).
        """
        settings = [] if durable else ["SET LOCAL synchronous_commit = off"]
        settings += [] if alone is None else [f"SELECT pg_advisory_xact_lock({int(alone)})"]
        settings += self._narrowing(organization_ids)
        async with self._connection() as connection, self._begun(connection, organization_ids, *settings) as tx:
            yield tx
            if self.addressed is not None:
                await tx.address(self.addressed)
        if tx.emitted:
            self.emitted()
        for topic in tx.stirred:
            self.hint(topic)

    @asynccontextmanager
    async def snapshot(self, *organization_ids: UUID) -> AsyncIterator[Transaction]:
        """A transaction that only reads, and sees one moment however many statements it has.

        For an answer that is put together from several tables and carries one version: in an ordinary transaction the
        second statement may see a change that the first did not.

        Raises:
            DatabaseBusy, DatabaseUnavailable: as for a transaction.
        """
        settings = self._narrowing(organization_ids)
        async with (
            self._connection() as connection,
            self._begun(connection, organization_ids, *settings, mode=_SNAPSHOT) as tx,
        ):
            yield tx

    def _narrowing(self, organization_ids: Sequence[UUID]) -> list[str]:
        statement = self.narrowed() if organization_ids else ""
        return [statement] if statement else []

    @asynccontextmanager
    async def aside(self, *organization_ids: UUID) -> AsyncIterator[Transaction]:
        """A short transaction for what is needed in the middle of another one, as a key is.

        It never waits for those: were all connections held by transactions that wait for one more, nobody would ever
        go on. So nothing in it may ask for a connection, and it emits nothing.

        Raises:
            DatabaseBusy, DatabaseUnavailable: as for a transaction.
        """
        async with self._connection(aside=True) as connection, self._begun(connection, organization_ids) as tx:
            yield tx

    @asynccontextmanager
    async def _begun(
        self, connection: Connection, organization_ids: Sequence[UUID], *settings: str, mode: str = ""
    ) -> AsyncIterator[Transaction]:
        tx = Transaction(connection, organization_ids, self._stamp)
        bound = [bind(organization_ids)] if organization_ids else []
        try:
            await connection.execute(";".join((f"BEGIN {mode}", *bound, *settings)))
            yield tx
            committed = await tx.commit()
        except BaseException:
            await _roll_back(connection)
            raise
        if not committed:
            raise CommitRefused

    async def insert_emitting(self, organization: UUID | None, insert: str, *args: Any, event: Event) -> Row | None:
        """Insert a row and its event in one statement and one round trip; the form for hot inserts.

        `insert` is an `INSERT … SELECT … FROM tenant … RETURNING …`: reading `tenant` binds the organization, if any,
        before row-level security looks. When it inserts nothing (a conflict, a guard in its WHERE), no event leaves.

        Returns:
            The row that `insert` returns, or None when nothing was inserted.
        """
        fact = self._stamp(event, organization)
        n = len(args)
        async with self._connection() as connection:
            row = await connection.fetchrow(
                f"""
                WITH tenant AS MATERIALIZED (SELECT set_config('app.orgs', ${n + 1}::text, true)),
                added AS ({insert}),
                fact AS (
                    INSERT INTO outbox (id, type, organization_id, body)
                    SELECT ${n + 2}::uuid, ${n + 3}::text, ${n + 4}::uuid, ${n + 5}::bytea FROM added
                )
                SELECT * FROM added
                """,  # noqa: S608 - `insert` is a constant of a repository; values travel as parameters
                *args,
                f"{{{organization or ''}}}",
                fact.id,
                fact.type,
                organization,
                encode(fact),
            )
        if row is not None:
            self.emitted()
        return row

    async def statement(self, sql: str, *args: Any) -> list[Row]:
        """One statement that is its own transaction, in one round trip, bound to no organization.

        Raises:
            DatabaseBusy, DatabaseUnavailable: as for a transaction; it may have been committed.
        """
        async with self._connection() as connection:
            return await connection.fetch(sql, *args)

    def hint(self, topic: str) -> None:
        """Tell whoever waits for `topic` that there is work, here at once and in other processes within milliseconds.

        Call it after the commit; it returns at once, never fails, and may be lost.
        """
        self.wakeups.wake(topic)
        self.hinted(topic)

    async def now(self) -> datetime:
        """The platform's time, from the database."""
        async with self._connection() as connection:
            now: datetime = await connection.fetchval("SELECT kit_now()")
        return now

    async def ping(self) -> None:
        """Prove that the database answers and takes writes.

        Raises:
            DatabaseBusy: no connection became free within half of the usual time, so nobody knows.
            DatabaseUnavailable: it does not.
        """
        async with self._connection(self._acquire_within / 2) as connection:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                raise DatabaseUnavailable("The database takes no writes.")

    async def outbox_age(self) -> float:
        """Seconds since the oldest event was committed that the broker has not confirmed; 0 when there is none."""
        async with self._connection() as connection:
            age: float | None = await connection.fetchval(
                "SELECT extract(epoch FROM kit_now() - created_at)::float FROM outbox ORDER BY id LIMIT 1"
            )
        return max(0.0, age or 0.0)

    def use(self) -> PoolUse:
        """How much of the pool is in use right now."""
        first = next(iter(self._waiting.values()), None)
        waited = 0.0 if first is None else time.monotonic() - first
        return PoolUse(self._size, self._pool.get_size() - self._pool.get_idle_size(), len(self._waiting), waited)

    def _stamp(self, event: Event, organization_id: UUID | None) -> Event:
        return event.stamped(
            time=self.clock.now(), organization_id=organization_id, traceparent=tracing.current_traceparent()
        )

    @asynccontextmanager
    async def _connection(self, within: float | None = None, *, aside: bool = False) -> AsyncIterator[Connection]:
        connection = await self._acquire(within or self._acquire_within, aside=aside)
        try:
            yield connection
        except _PASSING as trouble:
            raise DatabaseUnavailable from trouble
        except asyncpg.InternalClientError as trouble:  # broken within a statement and not closed yet
            _terminate(connection)
            raise DatabaseUnavailable from trouble
        except asyncpg.InterfaceError as trouble:
            if _lost(connection):
                raise DatabaseUnavailable from trouble
            raise
        finally:
            try:
                await self._pool.release(connection, timeout=5)
            finally:
                if not aside:
                    self._free.release()

    async def _acquire(self, within: float, *, aside: bool) -> Connection:
        if len(self._waiting) >= self._max_waiting and not aside:
            raise DatabaseBusy
        whoever = object()
        self._waiting[whoever] = time.monotonic()
        try:
            async with asyncio.timeout(within):
                return await (self._pool.acquire() if aside else self._in_turn())
        except TimeoutError as trouble:
            raise DatabaseBusy from trouble
        except (*_LOST, asyncpg.TooManyConnectionsError, asyncpg.CannotConnectNowError) as trouble:
            raise DatabaseUnavailable from trouble
        finally:
            del self._waiting[whoever]

    async def _in_turn(self) -> Connection:
        await self._free.acquire()
        try:
            return await self._pool.acquire()
        except BaseException:
            self._free.release()
            raise


def _lost(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool took a broken connection back under our hands
        return True


async def _roll_back(connection: Connection) -> None:
    try:
        if not _lost(connection):
            await connection.execute("ROLLBACK")
    except (*_LOST, asyncpg.PostgresError, asyncpg.InternalClientError):
        _terminate(connection)


def _terminate(connection: Connection) -> None:
    with suppress(asyncpg.InterfaceError):  # the pool took it back already
        connection.terminate()


async def _teach_json(connection: "asyncpg.Connection[Row]") -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
    )


async def _nothing_to_reset(_connection: "asyncpg.Connection[Row]") -> None:
    """Settings are always LOCAL to their transaction; one that a cancelled commit left open the pool itself ends."""
