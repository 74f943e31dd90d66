from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class ClaimRepository:
    """What the transaction's organizations have claimed."""

    tx: Transaction

    async def add(self, claim_id: UUID, code_hash: bytes) -> bool:
        """A new claim; False when it was heard of, or of its end."""
        added = await self.tx.execute(
            """
            INSERT INTO claims (claim_id, organization_id, code_hash, state) VALUES ($1, $2, $3, 'waiting')
            ON CONFLICT (claim_id) DO NOTHING
            """,
            claim_id,
            self.tx.organization_id,
            code_hash,
        )
        return added == 1

    async def withdraw(self, claim_id: UUID) -> None:
        """It is void; what was linked stays."""
        await self.tx.execute(
            """
            INSERT INTO claims AS held (claim_id, organization_id, state) VALUES ($1, $2, 'withdrawn')
            ON CONFLICT (claim_id) DO UPDATE SET state = 'withdrawn' WHERE held.state IN ('waiting', 'refused')
            """,
            claim_id,
            self.tx.organization_id,
        )

    async def waiting(self, claim_ids: Sequence[UUID]) -> Mapping[UUID, Row]:
        """Those that wait; of any organization of the transaction."""
        rows = await self.tx.fetch(
            """
            SELECT claim_id, organization_id, code_hash FROM claims
            WHERE claim_id = ANY ($1) AND state = 'waiting'
            """,
            list(claim_ids),
        )
        return {row["claim_id"]: row for row in rows}

    async def lock(self, claim_id: UUID) -> bytes | None:
        """The hash of a claim that waits, for update; None when it does not wait."""
        found: bytes | None = await self.tx.fetchval(
            """
            SELECT code_hash FROM claims
            WHERE claim_id = $1 AND organization_id = $2 AND state = 'waiting' FOR UPDATE
            """,
            claim_id,
            self.tx.organization_id,
        )
        return found

    async def end(self, claim_id: UUID, state: str, reason: str = "") -> None:
        """Write what came of it."""
        await self.tx.execute(
            "UPDATE claims SET state = $3, reason = $4 WHERE claim_id = $1 AND organization_id = $2",
            claim_id,
            self.tx.organization_id,
            state,
            reason,
        )

    async def refuse(self, claim_id: UUID, reason: str) -> None:
        """Nothing comes of one that waits."""
        if await self.lock(claim_id) is not None:
            await self.end(claim_id, "refused", reason)
