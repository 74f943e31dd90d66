from uuid import UUID

from kit.db.database import Transaction


async def follow(tx: Transaction, recipient_id: UUID, *, counted: bool) -> str | None:
    """Where the link of a recipient leads, whosever it is; with `counted` somebody has opened it."""
    found: str | None = await tx.fetchval("SELECT broadcast_link($1, $2)", recipient_id, counted)
    return found
