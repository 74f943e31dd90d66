from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class FirstPostRepository:
    """Which first steps of the transaction's organization have had their draft."""

    tx: Transaction

    async def add(self, onboarding_id: UUID, post_id: UUID) -> bool:
        """Take note; False when they have had it."""
        touched = await self.tx.execute(
            """
            INSERT INTO first_posts (onboarding_id, organization_id, post_id) VALUES ($1, $2, $3)
            ON CONFLICT (onboarding_id) DO NOTHING
            """,
            onboarding_id,
            self.tx.organization_id,
            post_id,
        )
        return touched == 1
