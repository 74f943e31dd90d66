from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import new_id
from publisher.media.workshop.verdict import Facts
from publisher.renditions.model import Need


@dataclass(frozen=True, slots=True)
class RenditionRepository:
    """Renditions of the transaction's organizations."""

    tx: Transaction

    async def add(self, needs: Iterable[Need]) -> list[Row]:
        """Those that are new, of media that are there."""
        wanted = sorted(needs, key=lambda need: need.key)
        return await self.tx.fetch(
            """
            INSERT INTO renditions (id, organization_id, media_id, shape, fit)
            SELECT asked.id, asked.organization_id, asked.media_id, asked.shape, asked.fit
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[])
                 AS asked (id, organization_id, media_id, shape, fit)
            JOIN media ON media.id = asked.media_id AND media.organization_id = asked.organization_id
            WHERE NOT EXISTS (
                SELECT FROM renditions AS known WHERE known.media_id = asked.media_id AND known.shape = asked.shape
            )
            ON CONFLICT (media_id, shape) DO NOTHING
            RETURNING id, organization_id
            """,
            [new_id() for _ in wanted],
            [need.organization_id for need in wanted],
            [need.media_id for need in wanted],
            [need.shape.key for need in wanted],
            [dict(need.shape.fit) for need in wanted],
        )

    async def of_media(self, media_ids: Collection[UUID]) -> list[Row]:
        """All of these media."""
        return await self.tx.fetch(
            """
            SELECT id, media_id, shape, state, facts, object, reason FROM renditions
            WHERE media_id = ANY ($1) AND organization_id = ANY ($2)
            """,
            list(media_ids),
            self.tx.organization_ids,
        )

    async def waiting(self, ids: Collection[UUID]) -> list[Row]:
        """Those that are to be made, with what they are made of."""
        return await self.tx.fetch(
            """
            SELECT one.id, one.organization_id, one.media_id, one.fit, media.object, media.facts
            FROM renditions AS one JOIN media ON media.id = one.media_id
            WHERE one.id = ANY ($1) AND one.organization_id = ANY ($2) AND one.state = 'waiting'
              AND media.state = 'ready'
            """,
            list(ids),
            self.tx.organization_ids,
        )

    async def ready(self, rendition_id: UUID, facts: Facts, key: str) -> None:
        """It was made."""
        await self.tx.execute(
            """
            UPDATE renditions SET state = 'ready', facts = $3, object = $4, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'waiting'
            """,
            rendition_id,
            self.tx.organization_id,
            facts.stored(),
            key,
        )

    async def fail(self, rendition_id: UUID, code: str, reason: str) -> None:
        """It cannot be made."""
        await self.tx.execute(
            """
            UPDATE renditions SET state = 'failed', code = $3, reason = $4, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'waiting'
            """,
            rendition_id,
            self.tx.organization_id,
            code,
            reason,
        )
