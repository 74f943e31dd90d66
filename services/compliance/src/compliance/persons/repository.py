from uuid import UUID

from kit.db.database import Transaction


async def bind_to_owner(tx: Transaction, request_id: UUID) -> bool:
    """From here on see the rows of whoever made this request; False when there is no such request."""
    owner_id: UUID | None = await tx.fetchval("SELECT request_owner($1)", request_id)
    if owner_id is None:
        return False
    await tx.bind(owner_id)
    return True
