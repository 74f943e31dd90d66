from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL


@dataclass(frozen=True, slots=True)
class ParticipantRepository:
    """Who follows conversations, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def of(self, conversation_id: UUID) -> list[Row]:
        """Who follows it, whoever began first before the others; there are never more than a few dozen."""
        return await self.tx.fetch(
            """
            SELECT user_id, created_at FROM conversation_participants
            WHERE conversation_id = $1 AND organization_id = $2 ORDER BY created_at, user_id
            """,
            conversation_id,
            self.tx.organization_id,
        )

    async def add(self, conversation_id: UUID, user_id: UUID) -> bool:
        """Let somebody follow it; False when they do already."""
        added = await self.tx.execute(
            """
            INSERT INTO conversation_participants (conversation_id, user_id, organization_id) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING
            """,
            conversation_id,
            user_id,
            self.tx.organization_id,
        )
        return added == 1

    async def remove(self, conversation_id: UUID, user_id: UUID) -> bool:
        """Let somebody follow it no more; False when they did not."""
        removed = await self.tx.execute(
            """
            DELETE FROM conversation_participants
            WHERE conversation_id = $1 AND user_id = $2 AND organization_id = $3
            """,
            conversation_id,
            user_id,
            self.tx.organization_id,
        )
        return removed == 1

    async def leave(self, users: Sequence[tuple[UUID, UUID]]) -> None:
        """These (organization, user) follow nothing any more."""
        if users:
            await self.tx.execute(
                """
                DELETE FROM conversation_participants AS p
                USING unnest($1::uuid[], $2::uuid[]) AS gone (organization_id, user_id)
                WHERE p.organization_id = gone.organization_id AND p.user_id = gone.user_id
                """,
                [organization_id for organization_id, _ in users],
                [user_id for _, user_id in users],
            )

    async def of_person(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """What a user follows, in the order of the conversations' ids."""
        return await self.tx.fetch(
            """
            SELECT conversation_id, organization_id, created_at FROM conversation_participants
            WHERE user_id = $1 AND organization_id = ANY ($2) AND conversation_id > $3
            ORDER BY conversation_id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def forget(self, user_id: UUID) -> int:
        """Let a user follow nothing; how much they did."""
        return await self.tx.execute(
            "DELETE FROM conversation_participants WHERE user_id = $1 AND organization_id = ANY ($2)",
            user_id,
            self.tx.organization_ids,
        )
