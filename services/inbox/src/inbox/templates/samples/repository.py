from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from inbox.media.store import Kept
from inbox.templates.samples.errors import SampleNotFound
from inbox.templates.samples.model import Sample
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL, BEGINNING_OF_TIME, new_id

GOOD_FOR: Final = timedelta(hours=24)
"""How long a handle is used again; how long WhatsApp keeps one, its pages do not say."""


@dataclass(frozen=True, slots=True)
class SampleRepository:
    """Samples of the transaction's organization, and at which accounts WhatsApp has them."""

    tx: Transaction

    async def add(self, sample_id: UUID, media_type: str, size: int, kept: Kept) -> None:
        """Write one whose file lies in the folder."""
        await self.tx.execute(
            """
            INSERT INTO template_samples (id, organization_id, media_type, size, file_id, key_sealed)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            sample_id,
            self.tx.organization_id,
            media_type,
            size,
            kept.file_id,
            kept.key_sealed,
        )

    async def page(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Sample]:
        """Samples, the oldest first."""
        at, sample_id = after or (BEGINNING_OF_TIME, BEFORE_ALL)
        rows = await self.tx.fetch(
            """
            SELECT id, media_type, size, created_at FROM template_samples
            WHERE organization_id = $1 AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4
            """,
            self.tx.organization_id,
            at,
            sample_id,
            limit,
        )
        return [Sample(**row) for row in rows]

    async def find(self, sample_id: UUID) -> Sample:
        """One sample.

        Raises:
            SampleNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            "SELECT id, media_type, size, created_at FROM template_samples WHERE id = $1 AND organization_id = $2",
            sample_id,
            self.tx.organization_id,
        )
        if row is None:
            raise SampleNotFound
        return Sample(**row)

    async def types(self, sample_ids: Collection[UUID]) -> dict[UUID, str]:
        """Those of these samples that are there, each with its type; they stay until we commit."""
        rows = await self.tx.fetch(
            """
            SELECT id, media_type FROM template_samples WHERE id = ANY ($1) AND organization_id = $2
            ORDER BY id FOR SHARE
            """,
            list(sample_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row["media_type"] for row in rows}

    async def delete(self, sample_id: UUID) -> UUID | None:
        """Delete one; the id of its file, None when there was none."""
        await self.tx.execute(
            "DELETE FROM template_sample_uploads WHERE sample_id = $1 AND organization_id = $2",
            sample_id,
            self.tx.organization_id,
        )
        found: UUID | None = await self.tx.fetchval(
            "DELETE FROM template_samples WHERE id = $1 AND organization_id = $2 RETURNING file_id",
            sample_id,
            self.tx.organization_id,
        )
        return found

    async def ask(self, sample_id: UUID, waba_id: str) -> UUID | None:
        """An account is to have a sample: the upload that is to be made; None while one goes on or is good still."""
        found: UUID | None = await self.tx.fetchval(
            """
            INSERT INTO template_sample_uploads AS u (sample_id, waba_id, organization_id, id)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (sample_id, waba_id) DO UPDATE
            SET id = excluded.id, state = 'waiting', handle = '', reason = '', asked_at = kit_now()
            WHERE u.state = 'failed' OR (u.state = 'done' AND u.asked_at < kit_now() - $5::interval)
            RETURNING id
            """,
            sample_id,
            waba_id,
            self.tx.organization_id,
            new_id(),
            GOOD_FOR,
        )
        return found

    async def uploads(self, waba_id: str, sample_ids: Collection[UUID]) -> dict[UUID, Row]:
        """How it stands with these samples at an account."""
        rows = await self.tx.fetch(
            """
            SELECT sample_id, state, handle, reason FROM template_sample_uploads
            WHERE organization_id = $1 AND waba_id = $2 AND sample_id = ANY ($3)
            """,
            self.tx.organization_id,
            waba_id,
            list(sample_ids),
        )
        return {row["sample_id"]: row for row in rows}

    async def due(self, upload_ids: Collection[UUID]) -> list[Row]:
        """The files of these uploads, with a token of a number of their account; of several organizations."""
        return await self.tx.fetch(
            """
            SELECT u.id, u.organization_id, u.waba_id, s.media_type, s.size, s.file_id, s.key_sealed, c.token_sealed
            FROM template_sample_uploads u JOIN template_samples s ON s.id = u.sample_id
            LEFT JOIN LATERAL (
                SELECT token_sealed FROM channels
                WHERE organization_id = u.organization_id AND waba_id = u.waba_id AND kind = 'whatsapp'
                  AND state = 'connected' AND token_sealed IS NOT NULL
                ORDER BY (health = 'ok') DESC, changed_at DESC LIMIT 1
            ) c ON true
            WHERE u.id = ANY ($1) AND u.state = 'waiting'
              AND u.organization_id = ANY (current_setting('app.orgs')::uuid[])
            """,
            list(upload_ids),
        )

    async def settle(self, upload_id: UUID, state: str, handle: str, reason: str) -> None:
        """Write what came of an upload."""
        await self.tx.execute(
            """
            UPDATE template_sample_uploads SET state = $3, handle = $4, reason = $5
            WHERE id = $1 AND organization_id = $2
            """,
            upload_id,
            self.tx.organization_id,
            state,
            handle,
            reason,
        )
