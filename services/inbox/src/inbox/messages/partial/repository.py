from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class PartRepository:
    """The parts of messages that leave in several."""

    tx: Transaction

    async def of(self, message_ids: Collection[UUID]) -> list[Row]:
        """Those of these messages that are parts, in their order."""
        return await self.tx.fetch(
            """
            SELECT id, whole_id, part_number, channel_id, status, failure_code, failure_reason FROM messages
            WHERE id = ANY ($1) AND organization_id = $2 AND whole_id IS NOT NULL
            ORDER BY whole_id, part_number, part_attempt
            """,
            list(message_ids),
            self.tx.organization_id,
        )

    async def current(self, whole_id: UUID) -> list[Row]:
        """The parts of a whole, of each the newest attempt."""
        return await self.tx.fetch(
            """
            SELECT DISTINCT ON (part_number) id, part_number, part_attempt, status, failure_code, failure_reason
            FROM messages WHERE whole_id = $1 AND organization_id = $2
            ORDER BY part_number, part_attempt DESC
            """,
            whole_id,
            self.tx.organization_id,
        )

    async def queued_behind(self, whole_id: UUID, number: int) -> list[Row]:
        """What still waits behind a part, in its order."""
        return await self.tx.fetch(
            """
            SELECT id, part_number FROM messages
            WHERE whole_id = $1 AND organization_id = $2 AND part_number > $3 AND status = 'queued'
            ORDER BY part_number
            """,
            whole_id,
            self.tx.organization_id,
            number,
        )

    async def shown(self, whole_ids: Sequence[UUID]) -> list[Row]:
        """The parts of several wholes, of each the newest attempt."""
        return await self.tx.fetch(
            """
            SELECT DISTINCT ON (whole_id, part_number) id, whole_id, part_number, part_attempt, kind, content_sealed,
                   provider_blind, status, status_at, failure_code, failure_reason
            FROM messages WHERE whole_id = ANY ($1) AND organization_id = $2
            ORDER BY whole_id, part_number, part_attempt DESC
            """,
            list(whole_ids),
            self.tx.organization_id,
        )

    async def first_blind(self, whole_id: UUID) -> bytes | None:
        """The platform's id, hashed, of the first part that has one."""
        found: bytes | None = await self.tx.fetchval(
            """
            SELECT provider_blind FROM messages
            WHERE whole_id = $1 AND organization_id = $2 AND provider_blind IS NOT NULL
            ORDER BY part_number, part_attempt DESC LIMIT 1
            """,
            whole_id,
            self.tx.organization_id,
        )
        return found

    async def try_again(self, whole_id: UUID, ids: Sequence[UUID], failed: Sequence[UUID], sequence: int) -> None:
        """A new attempt for each of these parts that failed, behind everything in the conversation."""
        await self.tx.execute(
            """
            INSERT INTO messages (
                id, organization_id, conversation_id, channel_id, direction, kind, content_sealed, reply_to_blind,
                provider_time, sequence, status, author_id, template_id, whole_id, part_number, part_attempt,
                owner_id
            )
            SELECT t.id, m.organization_id, m.conversation_id, m.channel_id, m.direction, m.kind, m.content_sealed,
                   m.reply_to_blind, kit_now(), $5 + t.place, 'queued', m.author_id, m.template_id, m.whole_id,
                   m.part_number, m.part_attempt + 1, m.owner_id
            FROM unnest($3::uuid[], $4::uuid[]) WITH ORDINALITY AS t (id, failed, place)
            JOIN messages m ON m.id = t.failed
            WHERE m.whole_id = $1 AND m.organization_id = $2
            """,
            whole_id,
            self.tx.organization_id,
            list(ids),
            list(failed),
            sequence,
        )
