"""Writing what is mostly new as if it were: asking row by row whether a key is taken costs as much as writing."""

from typing import Any

import asyncpg

from kit.db.database import Transaction


async def unless_taken(tx: Transaction, sql: str, *args: Any) -> int | None:
    """Run a statement and return how many rows it touched; None when a unique key was taken, and nothing was done.

    It waits for a transaction that is just taking the same key.
    """
    await tx.execute("SAVEPOINT untaken")
    try:
        touched = await tx.execute(sql, *args)
    except asyncpg.UniqueViolationError:
        await tx.execute("ROLLBACK TO SAVEPOINT untaken")
        touched = None
    await tx.execute("RELEASE SAVEPOINT untaken")
    return touched
