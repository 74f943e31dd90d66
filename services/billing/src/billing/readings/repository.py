from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.readings.model import Named, Ticket
from kit.db.database import Transaction
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Asked:
    """How many hints there are now, and the reading that will answer them; a `fresh` one has to be begun."""

    object_id: str
    number: int
    effect_id: UUID
    fresh: bool


@dataclass(frozen=True, slots=True)
class ReadingRepository:
    """What is to be read again of the transaction's organization."""

    tx: Transaction

    async def ask(self, objects: Collection[Named]) -> list[Asked]:
        """Count one hint more for each."""
        ordered = sorted(set(objects), key=lambda each: each.id)
        fresh = [new_id() for _ in ordered]
        rows = await self.tx.fetch(
            """
            INSERT INTO readings AS held (organization_id, object_id, object_type, effect_id)
            SELECT $1, hinted.id, hinted.type, hinted.effect_id
            FROM unnest($2::text[], $3::text[], $4::uuid[]) AS hinted (id, type, effect_id)
            ON CONFLICT (organization_id, object_id) DO UPDATE
            SET asked = held.asked + 1, asked_at = kit_now(),
                effect_id = coalesce(held.effect_id, excluded.effect_id)
            RETURNING object_id, asked, effect_id
            """,
            self.tx.organization_id,
            [each.id for each in ordered],
            [each.type for each in ordered],
            fresh,
        )
        return [Asked(row["object_id"], row["asked"], row["effect_id"], row["effect_id"] in fresh) for row in rows]

    async def tickets(self, effect_ids: Sequence[UUID]) -> Mapping[UUID, Ticket]:
        """The tickets of readings that are about to begin, by effect; of all organizations of the transaction."""
        rows = await self.tx.fetch(
            """
            SELECT effect_id, organization_id, object_type, object_id, asked FROM readings
            WHERE effect_id = ANY ($1)
            """,
            list(effect_ids),
        )
        return {
            row["effect_id"]: Ticket(
                row["organization_id"], Named(row["object_type"], row["object_id"]), row["asked"]
            )
            for row in rows
        }

    async def under_way(self, object_id: str) -> UUID | None:
        """The reading of this object that is under way or waits."""
        effect_id: UUID | None = await self.tx.fetchval(
            "SELECT effect_id FROM readings WHERE organization_id = $1 AND object_id = $2",
            self.tx.organization_id,
            object_id,
        )
        return effect_id

    async def moving(self, object_ids: Collection[str], since: datetime) -> set[str]:
        """Those that are being read just now, or were read since."""
        rows = await self.tx.fetch(
            """
            SELECT object_id FROM readings
            WHERE organization_id = $1 AND object_id = ANY ($2) AND (effect_id IS NOT NULL OR applied_at >= $3)
            """,
            self.tx.organization_id,
            list(object_ids),
            since,
        )
        return {row["object_id"] for row in rows}

    async def lock(self, effect_id: UUID) -> int | None:
        """The ticket that was applied last, for update; None when this reading is not the one under way any more."""
        applied: int | None = await self.tx.fetchval(
            "SELECT applied FROM readings WHERE organization_id = $1 AND effect_id = $2 FOR NO KEY UPDATE",
            self.tx.organization_id,
            effect_id,
        )
        return applied

    async def finish(self, effect_id: UUID, applied: int | None) -> UUID | None:
        """End a reading, applied under this ticket or not at all; returns the next when hints came meanwhile.

        What could not be read is not begun again by itself: the next hint or the nightly comparison does.
        """
        next_id: UUID | None = await self.tx.fetchval(
            """
            UPDATE readings SET
                applied = greatest(applied, coalesce($3, 0)),
                applied_at = CASE WHEN $3::bigint IS NULL THEN applied_at ELSE kit_now() END,
                effect_id = CASE WHEN asked > $3 THEN $4::uuid END
            WHERE organization_id = $1 AND effect_id = $2
            RETURNING effect_id
            """,
            self.tx.organization_id,
            effect_id,
            applied,
            new_id(),
        )
        return next_id
