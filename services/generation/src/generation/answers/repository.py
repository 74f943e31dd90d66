from dataclasses import dataclass
from datetime import timedelta

from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class AnswerRepository:
    """Kept answers of the transaction's organization."""

    tx: Transaction

    async def find(self, key: bytes) -> Row | None:
        """An answer that is still good; it counts as used."""
        return await self.tx.fetchrow(
            """
            UPDATE answers SET hits = hits + 1
            WHERE organization_id = $1 AND key = $2 AND expires_at > kit_now()
            RETURNING answer_sealed, model, plain
            """,
            self.tx.organization_id,
            key,
        )

    async def near(self, scope: bytes, at_most: int) -> list[Row]:
        """The latest answers to questions that differ in their subject alone."""
        return await self.tx.fetch(
            """
            SELECT key, vector_sealed FROM answers
            WHERE organization_id = $1 AND scope = $2 AND expires_at > kit_now()
            ORDER BY expires_at DESC LIMIT $3
            """,
            self.tx.organization_id,
            scope,
            at_most,
        )

    async def place(self, key: bytes, scope: bytes, vector_sealed: bytes) -> None:
        """Let an answer be found by who asks nearly the same."""
        await self.tx.execute(
            "UPDATE answers SET scope = $3, vector_sealed = $4 WHERE organization_id = $1 AND key = $2",
            self.tx.organization_id,
            key,
            scope,
            vector_sealed,
        )

    async def save(self, key: bytes, sealed: bytes, model: str, plain: int, lasts: timedelta) -> None:
        """Keep an answer, in place of one for the same question."""
        await self.tx.execute(
            """
            INSERT INTO answers (organization_id, key, answer_sealed, model, plain, expires_at)
            VALUES ($1, $2, $3, $4, $5, kit_now() + $6::interval)
            ON CONFLICT (organization_id, key) DO UPDATE SET answer_sealed = excluded.answer_sealed,
                model = excluded.model, plain = excluded.plain, expires_at = excluded.expires_at
            """,
            self.tx.organization_id,
            key,
            sealed,
            model,
            plain,
            lasts,
        )
