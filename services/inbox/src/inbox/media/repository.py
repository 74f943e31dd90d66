from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from inbox.contacts.repository import HEAD_OF
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL


@dataclass(frozen=True, slots=True)
class NewMedia:
    """A medium as a message announces it."""

    id: UUID
    message_id: UUID
    conversation_id: UUID
    channel_id: UUID
    kind: str
    provider_id: str
    announced_type: str
    announced_hash: str
    filename_sealed: bytes | None
    source_sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """A medium that lies in the folder, and the sealed key of its file."""

    media_type: str
    size: int
    file_id: UUID
    key_sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MediaRepository:
    """Media of the transaction's organization."""

    tx: Transaction

    async def add(self, *media: NewMedia) -> None:
        """Know of media; they wait to be fetched."""
        await self.tx.execute(
            """
            INSERT INTO media (
                organization_id, id, message_id, conversation_id, channel_id, kind, provider_id, announced_type,
                announced_hash, filename_sealed, source_sealed
            )
            SELECT $1, t.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
                                       $8::text[], $9::text[], $10::bytea[], $11::bytea[]) AS t
            """,
            self.tx.organization_id,
            [each.id for each in media],
            [each.message_id for each in media],
            [each.conversation_id for each in media],
            [each.channel_id for each in media],
            [each.kind for each in media],
            [each.provider_id for each in media],
            [each.announced_type for each in media],
            [each.announced_hash for each in media],
            [each.filename_sealed for each in media],
            [each.source_sealed for each in media],
        )

    async def find(self, media_id: UUID) -> Row | None:
        """One medium as its row."""
        return await self.tx.fetchrow(
            """
            SELECT id, kind, state, media_type, file_id, key_sealed, size, filename_sealed, failure_code,
                   failure_reason
            FROM media WHERE id = $1 AND organization_id = $2
            """,
            media_id,
            self.tx.organization_id,
        )

    async def of_messages(self, message_ids: Collection[UUID]) -> list[Row]:
        """The media of these messages."""
        return await self.tx.fetch(
            """
            SELECT id, message_id, kind, state, coalesce(nullif(media_type, ''), announced_type) AS media_type, size,
                   failure_reason, filename_sealed
            FROM media WHERE message_id = ANY ($1) AND organization_id = $2
            ORDER BY id
            """,
            list(message_ids),
            self.tx.organization_id,
        )

    async def to_fetch(self, media_ids: Sequence[UUID]) -> list[Row]:
        """What fetching media takes, also of several organizations at once."""
        return await self.tx.fetch(
            """
            SELECT m.id, m.organization_id, m.kind, m.provider_id, m.source_sealed, m.announced_hash,
                   m.announced_type, coalesce(w.owner_id, v.origin_id, v.contact_id) AS contact_id,
                   c.state AS channel_state, c.kind AS channel_kind, c.phone_number_id, c.token_sealed
            FROM media m
            JOIN channels c ON c.id = m.channel_id
            JOIN messages w ON w.id = m.message_id
            JOIN conversations v ON v.id = m.conversation_id
            WHERE m.id = ANY ($1) AND m.state = 'waiting'
              AND m.organization_id = ANY (current_setting('app.orgs')::uuid[])
            """,
            list(media_ids),
        )

    async def ready(self, media_id: UUID, stored: StoredMedia) -> Row | None:
        """It lies in the folder; None when that was known. What was announced of its content is not kept."""
        return await self.tx.fetchrow(
            """
            UPDATE media
            SET state = 'ready', media_type = $3, size = $4, file_id = $5, key_sealed = $6, announced_hash = '',
                source_sealed = NULL, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state <> 'ready'
            RETURNING message_id, conversation_id
            """,
            media_id,
            self.tx.organization_id,
            stored.media_type,
            stored.size,
            stored.file_id,
            stored.key_sealed,
        )

    async def known_files(self, file_ids: Collection[UUID]) -> set[UUID]:
        """Which of these files a medium or a sample of templates names."""
        rows = await self.tx.fetch(
            """
            SELECT file_id FROM media WHERE file_id = ANY ($1) AND organization_id = $2
            UNION ALL SELECT file_id FROM template_samples WHERE file_id = ANY ($1) AND organization_id = $2
            """,
            list(file_ids),
            self.tx.organization_id,
        )
        return {row["file_id"] for row in rows}

    async def fail(self, media_id: UUID, code: str, reason: str) -> Row | None:
        """It cannot be had; None when that was known, or it lies here by now."""
        return await self.tx.fetchrow(
            """
            UPDATE media
            SET state = 'failed', failure_code = $3, failure_reason = $4, announced_hash = '',
                source_sealed = NULL, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'waiting'
            RETURNING message_id, conversation_id
            """,
            media_id,
            self.tx.organization_id,
            code,
            reason,
        )


@dataclass(frozen=True, slots=True)
class PersonsMedia:
    """Media that a contact has sent."""

    tx: Transaction

    async def page(self, contact_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Media in the order of their ids."""
        return await self.tx.fetch(
            f"""
            SELECT id, message_id, conversation_id, channel_id, kind, state, announced_type, media_type, size,
                   filename_sealed, file_id, key_sealed, failure_code, failure_reason, created_at, changed_at
            FROM media
            WHERE conversation_id IN (
                SELECT id FROM conversations WHERE contact_id = {HEAD_OF} AND organization_id = $2
            )
              AND organization_id = $2 AND id > $3
            ORDER BY id LIMIT $4
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_id,
            after or BEFORE_ALL,
            limit,
        )

    async def files(self, media_ids: Collection[UUID]) -> list[UUID]:
        """The files of these media, which nobody changes until we commit."""
        rows = await self.tx.fetch(
            """
            SELECT file_id FROM media WHERE id = ANY ($1) AND organization_id = $2 ORDER BY id FOR UPDATE
            """,
            list(media_ids),
            self.tx.organization_id,
        )
        return [row["file_id"] for row in rows if row["file_id"] is not None]

    async def delete(self, media_ids: Collection[UUID]) -> int:
        """Delete these rows; how many."""
        return await self.tx.execute(
            "DELETE FROM media WHERE id = ANY ($1) AND organization_id = $2",
            list(media_ids),
            self.tx.organization_id,
        )
