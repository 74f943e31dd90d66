from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final
from uuid import UUID

from auth.throttle.model import MOST_FAILURES, Count, Key, Scope
from kit.db.database import Database, Row, Transaction

_NAMES: Final = ("scope", "key", "recent", "failures", "since", "last_at", "blocked_until", "identifiers", "lock_id")
_COLUMNS: Final = ", ".join(_NAMES)
_VALUES: Final = attrgetter(*_NAMES)


_FORGET: Final = """
    DELETE FROM throttles
    WHERE (scope, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[]))
    RETURNING scope
"""


_UNHURRIED: Final = "WITH unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"
"""The commit does not wait for the disk: a crash of the server may forget what was counted within the last second."""


async def forget_now(database: Database, keys: Collection[Key]) -> None:
    """Count these no more, in one round trip and at once."""
    await database.statement(
        f"""
        {_UNHURRIED}
        DELETE FROM throttles USING unhurried
        WHERE (scope, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[]))
        """,  # noqa: S608 - ours
        [scope for scope, _ in keys],
        [key for _, key in keys],
    )


@dataclass(frozen=True, slots=True)
class ThrottleRepository:
    """Guesses without success, by keyed hash."""

    tx: Transaction

    async def lock(self, keys: Collection[Key]) -> tuple[list[Count], datetime]:
        """What was counted of these, for update, and the time as of then.

        On what is locked before from where, by everybody; so nobody waits for each other.
        """
        rows = await self.tx.fetch(
            f"""
            INSERT INTO throttles AS held (scope, key, blocked_until)
            SELECT asked.*, kit_now() - interval '1 hour' FROM unnest($1::text[], $2::bytea[]) AS asked (scope, key)
            ORDER BY scope IN ('address', 'network'), scope, key
            ON CONFLICT (scope, key) DO UPDATE SET scope = held.scope
            RETURNING {_COLUMNS}, kit_now() AS now
            """,  # noqa: S608 - our own columns
            [scope for scope, _ in keys],
            [key for _, key in keys],
        )
        return [_count(row) for row in rows], max(row["now"] for row in rows)

    async def save(self, counts: Sequence[Count]) -> None:
        """Store what is counted now."""
        columns = zip(*map(_VALUES, counts), strict=True)
        await self.tx.execute(
            """
            UPDATE throttles AS held
            SET recent = new.recent, failures = new.failures, since = new.since, last_at = new.last_at,
                blocked_until = new.blocked_until, identifiers = new.identifiers, lock_id = new.lock_id
            FROM unnest($1::text[], $2::bytea[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[],
                        $7::timestamptz[], $8::bytea[], $9::uuid[])
                 AS new (scope, key, recent, failures, since, last_at, blocked_until, identifiers, lock_id)
            WHERE held.scope = new.scope AND held.key = new.key
            """,
            *columns,
        )

    async def forget(self, keys: Collection[Key]) -> int:
        """Count these no more."""
        return len(await self.tx.fetch(_FORGET, [scope for scope, _ in keys], [key for _, key in keys]))

    async def unlock(self, lock_id: UUID) -> bool:
        """Begin to count anew where this lock is; False when it is not any more."""
        return await self.tx.execute("DELETE FROM throttles WHERE lock_id = $1", lock_id) == 1

    async def of(self, keys: Collection[Key]) -> list[Row]:
        """What is counted of these."""
        return await self.tx.fetch(
            """
            SELECT scope, recent, failures, last_at, blocked_until
            FROM throttles
            WHERE (scope, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[]))
            """,
            [scope for scope, _ in keys],
            [key for _, key in keys],
        )

    async def suspicious(self, window: timedelta, most: int) -> int:
        """From how many networks stolen lists seem to be tried just now."""
        found: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM throttles
            WHERE last_at > kit_now() - $1::interval AND scope = 'network' AND bit_count(identifiers) >= $2
            """,
            window,
            most,
        )
        return found

    async def purge(self, places: timedelta, accounts: timedelta, locks: timedelta, at_most: int) -> int:
        """Forget what was counted so long ago, by where, on what, and what is locked."""
        return await self.tx.execute(
            """
            DELETE FROM throttles
            WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM throttles
                WHERE last_at < kit_now() - $1::interval
                  AND last_at < kit_now() - CASE WHEN scope IN ('address', 'network') THEN $1::interval
                                                 WHEN failures >= $4 THEN $3::interval ELSE $2::interval END
                LIMIT $5 FOR UPDATE SKIP LOCKED
            ))
            """,
            places,
            accounts,
            locks,
            MOST_FAILURES,
            at_most,
        )


def _count(row: Row) -> Count:
    return Count(
        Scope(row["scope"]),
        row["key"],
        row["since"],
        row["last_at"],
        row["blocked_until"],
        row["recent"],
        row["failures"],
        row["identifiers"],
        row["lock_id"],
    )
