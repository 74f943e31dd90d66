from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from inbox.contacts.repository import HEAD_OF
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL


@dataclass(frozen=True, slots=True)
class PersonsMessages:
    """Messages with one contact, or by one user, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def marks(self, conversation_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """All marks of a conversation in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, conversation_id, kind, content_sealed, provider_time, created_at FROM message_marks
            WHERE conversation_id = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            conversation_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def receipts(self, channel_id: UUID, provider_blinds: Collection[bytes]) -> list[Row]:
        """All that was reported of these messages."""
        return await self.tx.fetch(
            """
            SELECT r.provider_blind, r.status, r.provider_time, r.code, r.reason, r.created_at
            FROM message_receipts AS r
            WHERE r.channel_id = $1 AND r.provider_blind = ANY ($2) AND r.organization_id = ANY ($3)
            ORDER BY r.provider_blind, r.provider_time
            """,
            channel_id,
            list(provider_blinds),
            self.tx.organization_ids,
        )

    async def page_of_author(
        self, user_id: UUID, organization_id: UUID, after: tuple[UUID, UUID] | None, limit: int
    ) -> list[Row]:
        """Messages by a user, by conversation and id."""
        conversation_id, message_id = after or (BEFORE_ALL, BEFORE_ALL)
        return await self.tx.fetch(
            """
            SELECT id, organization_id, conversation_id, kind, status, status_at, provider_time, created_at
            FROM messages
            WHERE author_id = $1 AND organization_id = $2
              AND (conversation_id, id) > ($3, $4::uuid)
            ORDER BY conversation_id, id LIMIT $5
            """,
            user_id,
            organization_id,
            conversation_id,
            message_id,
            limit,
        )

    async def delete_marks(self, contact_id: UUID, at_most: int) -> int:
        """Delete as many of the contact's marks; how many."""
        return await self.tx.execute(
            f"""
            DELETE FROM message_marks WHERE id = ANY (ARRAY(
                SELECT id FROM message_marks
                WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
                  AND organization_id = ANY ($2)
                LIMIT $3
            ))
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
            at_most,
        )

    async def next_ids(self, contact_id: UUID, at_most: int, *, filled: bool) -> list[UUID]:
        """As many messages that have no media any more; `filled` for only those that still say something."""
        rows = await self.tx.fetch(
            f"""
            SELECT m.id FROM messages AS m
            WHERE m.conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
              AND m.organization_id = ANY ($2) AND (NOT $4 OR m.content_sealed <> '')
              AND NOT EXISTS (SELECT FROM media WHERE message_id = m.id)
            LIMIT $3
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
            at_most,
            filled,
        )
        return [row["id"] for row in rows]

    async def lock(self, message_ids: Collection[UUID]) -> list[Row]:
        """By what the platform knows these messages, which nobody changes until we commit."""
        return await self.tx.fetch(
            """
            SELECT id, channel_id, provider_blind, provider_sealed FROM messages
            WHERE id = ANY ($1) AND organization_id = ANY ($2) ORDER BY id FOR UPDATE
            """,
            list(message_ids),
            self.tx.organization_ids,
        )

    async def delete_receipts(self, message_ids: Collection[UUID]) -> list[Row]:
        """Delete what was reported of these messages; what it was, by the sealed id of its message."""
        return await self.tx.fetch(
            """
            DELETE FROM message_receipts AS r USING messages AS m
            WHERE m.id = ANY ($1) AND m.organization_id = ANY ($2)
              AND r.channel_id = m.channel_id AND r.provider_blind = m.provider_blind
            RETURNING m.id, r.status, r.provider_time
            """,
            list(message_ids),
            self.tx.organization_ids,
        )

    async def delete(self, message_ids: Collection[UUID]) -> int:
        """Delete these messages; how many."""
        return await self.tx.execute(
            "DELETE FROM messages WHERE id = ANY ($1) AND organization_id = ANY ($2)",
            list(message_ids),
            self.tx.organization_ids,
        )

    async def empty(self, message_ids: Collection[UUID]) -> None:
        """Keep the rows with their times and states, without anything that was said or that names somebody."""
        await self.tx.execute(
            """
            UPDATE messages
            SET content_sealed = '', provider_blind = NULL, provider_sealed = NULL, reply_to_blind = NULL,
                fingerprint = NULL, version = version + 1
            WHERE id = ANY ($1) AND organization_id = ANY ($2)
            """,
            list(message_ids),
            self.tx.organization_ids,
        )

    async def emptied(self, contact_id: UUID) -> int:
        """How many of the contact's messages stay empty."""
        count: int = await self.tx.fetchval(
            f"""
            SELECT count(*) FROM messages
            WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
              AND organization_id = ANY ($2) AND content_sealed = ''
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )
        return count

    async def unlink(self, user_id: UUID, at_most: int) -> list[UUID]:
        """Let as many messages of a user be nobody's; the conversation of each."""
        rows = await self.tx.fetch(
            """
            UPDATE messages SET author_id = NULL WHERE id = ANY (ARRAY(
                SELECT id FROM messages WHERE author_id = $1 AND organization_id = ANY ($2)
                ORDER BY conversation_id LIMIT $3
            ))
            RETURNING conversation_id
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )
        return [row["conversation_id"] for row in rows]
