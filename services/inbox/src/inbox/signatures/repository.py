from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.db.database import Row, Transaction

SIGNATURE: Final = b"signatures.name_sealed"
"""Where a name lies sealed."""


@dataclass(frozen=True, slots=True)
class SignatureRepository:
    """Names under which members of the transaction's organization answer."""

    tx: Transaction

    async def find(self, user_id: UUID) -> Row | None:
        """A member's, sealed."""
        return await self.tx.fetchrow(
            "SELECT user_id, name_sealed, version FROM signatures WHERE organization_id = $1 AND user_id = $2",
            self.tx.organization_id,
            user_id,
        )

    async def save(self, user_id: UUID, name_sealed: bytes) -> int:
        """Write a member's; its version."""
        version: int = await self.tx.fetchval(
            """
            INSERT INTO signatures AS s (organization_id, user_id, name_sealed) VALUES ($1, $2, $3)
            ON CONFLICT (organization_id, user_id) DO UPDATE
            SET name_sealed = excluded.name_sealed, version = s.version + 1, changed_at = kit_now()
            RETURNING version
            """,
            self.tx.organization_id,
            user_id,
            name_sealed,
        )
        return version


@dataclass(frozen=True, slots=True)
class PersonsSignatures:
    """Names of one user, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID, organization_ids: Sequence[UUID]) -> list[Row]:
        """Under which names they answer."""
        return await self.tx.fetch(
            """
            SELECT organization_id, name_sealed, changed_at FROM signatures
            WHERE user_id = $1 AND organization_id = ANY ($2)
            """,
            user_id,
            list(organization_ids),
        )

    async def delete(self, user_id: UUID) -> int:
        """Delete them; how many."""
        return await self.tx.execute(
            "DELETE FROM signatures WHERE user_id = $1 AND organization_id = ANY ($2)",
            user_id,
            self.tx.organization_ids,
        )
