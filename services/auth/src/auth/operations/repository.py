from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class NamedUsers:
    """Users as staff names them in lists."""

    tx: Transaction

    async def among(self, user_ids: Collection[UUID]) -> frozenset[UUID]:
        """Those that there are."""
        rows = await self.tx.fetch("SELECT id FROM users WHERE id = ANY ($1::uuid[])", list(user_ids))
        return frozenset(row["id"] for row in rows)

    async def by_address(self, blinds: Collection[bytes]) -> dict[bytes, UUID]:
        """Whose these addresses are, proven or not."""
        rows = await self.tx.fetch(
            "SELECT blind, user_id FROM identities WHERE kind = 'email' AND blind = ANY ($1::bytea[])", list(blinds)
        )
        return {row["blind"]: row["user_id"] for row in rows}
