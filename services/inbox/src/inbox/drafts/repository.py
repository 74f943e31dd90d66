from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.contacts.repository import HEAD_OF
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL

DRAFT: Final = b"drafts.content_sealed"
"""Where a draft lies sealed."""


@dataclass(frozen=True, slots=True)
class DraftRepository:
    """What members of the transaction's organization have begun to write; one for each conversation and member."""

    tx: Transaction

    async def find(self, conversation_id: UUID, user_id: UUID, *, for_update: bool = False) -> Row | None:
        """A member's in a conversation; without content when it was sent or thrown away."""
        lock = "FOR UPDATE" if for_update else ""
        return await self.tx.fetchrow(
            f"""
            SELECT content_sealed, version, changed_at, origin_id FROM drafts
            WHERE conversation_id = $1 AND user_id = $2 AND organization_id = $3 {lock}
            """,  # noqa: S608 - a word of this file
            conversation_id,
            user_id,
            self.tx.organization_id,
        )

    async def save(self, conversation_id: UUID, user_id: UUID, content_sealed: bytes, version: int) -> Row | None:
        """Write it over this version, 0 for none; None when another one is there by now."""
        return await self.tx.fetchrow(
            """
            INSERT INTO drafts AS d (organization_id, conversation_id, user_id, content_sealed, version)
            SELECT $1, $2, $3, $4, $5 + 1
            WHERE $5 = 0 OR EXISTS (SELECT FROM drafts WHERE conversation_id = $2 AND user_id = $3)
            ON CONFLICT (conversation_id, user_id) DO UPDATE
            SET content_sealed = excluded.content_sealed, version = d.version + 1, changed_at = kit_now()
            WHERE d.version = $5
            RETURNING content_sealed, version, changed_at
            """,
            self.tx.organization_id,
            conversation_id,
            user_id,
            content_sealed,
            version,
        )

    async def empty(self, conversation_id: UUID, user_id: UUID) -> None:
        """It was sent, or thrown away: a tab that still has it cannot bring it back unseen."""
        await self.tx.execute(
            """
            UPDATE drafts SET content_sealed = '', version = version + 1, changed_at = kit_now()
            WHERE conversation_id = $1 AND user_id = $2 AND organization_id = $3 AND content_sealed <> ''
            """,
            conversation_id,
            user_id,
            self.tx.organization_id,
        )


@dataclass(frozen=True, slots=True)
class PersonsDrafts:
    """Drafts to a contact, or of a user, wherever the transaction is bound to."""

    tx: Transaction

    async def of_contact(self, contact_id: UUID) -> list[Row]:
        """In the contact's conversations."""
        return await self.tx.fetch(
            f"""
            SELECT conversation_id, user_id, content_sealed, changed_at FROM drafts
            WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
              AND organization_id = ANY ($2) ORDER BY conversation_id, user_id
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )

    async def of_user(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Where a user has begun to write, by conversation."""
        return await self.tx.fetch(
            """
            SELECT conversation_id, organization_id, changed_at FROM drafts
            WHERE user_id = $1 AND organization_id = ANY ($2) AND conversation_id > $3
            ORDER BY conversation_id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def delete_of_contact(self, contact_id: UUID) -> int:
        """Delete those to a contact; how many."""
        return await self.tx.execute(
            f"""
            DELETE FROM drafts
            WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
              AND organization_id = ANY ($2)
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )

    async def delete_of_user(self, user_id: UUID, at_most: int) -> int:
        """Delete as many of a user's; how many."""
        return await self.tx.execute(
            """
            DELETE FROM drafts WHERE user_id = $1 AND conversation_id = ANY (ARRAY(
                SELECT conversation_id FROM drafts WHERE user_id = $1 AND organization_id = ANY ($2) LIMIT $3))
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )
