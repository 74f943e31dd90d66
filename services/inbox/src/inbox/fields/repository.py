from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from inbox.fields.model import Kept
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class FieldRepository:
    """Values of attributes on contacts of the transaction's organization; each stays with whom it was given to."""

    tx: Transaction

    async def of(self, contact_ids: Collection[UUID]) -> list[Row]:
        """The values of these, by contact, attribute and place."""
        return await self.tx.fetch(
            """
            SELECT v.contact_id, v.attribute_id, a.key, v.value, v.value_sealed, v.changed_at
            FROM contact_attributes AS v JOIN attributes AS a ON a.id = v.attribute_id AND a.deleted_at IS NULL
            WHERE v.contact_id = ANY ($1) AND v.organization_id = $2
            ORDER BY v.contact_id, a.key, v.place
            """,
            list(contact_ids),
            self.tx.organization_id,
        )

    async def clear(self, contact_ids: Collection[UUID], attribute_ids: Collection[UUID]) -> None:
        """Take the values of these attributes away."""
        await self.tx.execute(
            """
            DELETE FROM contact_attributes
            WHERE contact_id = ANY ($1) AND attribute_id = ANY ($2) AND organization_id = $3
            """,
            list(contact_ids),
            list(attribute_ids),
            self.tx.organization_id,
        )

    async def put(self, contact_id: UUID, rows: Sequence[Kept], sealed: Sequence[tuple[bytes, bytes] | None]) -> None:
        """Write rows whose attributes were cleared; with (sealed value, its hash) where it is personal."""
        await self.tx.execute(
            """
            INSERT INTO contact_attributes (
                organization_id, contact_id, attribute_id, place, value, value_sealed, key, number, blind
            )
            SELECT $1, $2, t.id, t.place, t.value, t.sealed, t.key, t.number, t.blind
            FROM unnest($3::uuid[], $4::smallint[], $5::text[], $6::bytea[], $7::text[], $8::float8[], $9::bytea[])
                AS t (id, place, value, sealed, key, number, blind)
            """,
            self.tx.organization_id,
            contact_id,
            [each.attribute_id for each in rows],
            [each.place for each in rows],
            [each.written if one is None else None for each, one in zip(rows, sealed, strict=True)],
            [None if one is None else one[0] for one in sealed],
            [each.key if one is None else None for each, one in zip(rows, sealed, strict=True)],
            [each.number if one is None else None for each, one in zip(rows, sealed, strict=True)],
            [None if one is None else one[1] for one in sealed],
        )

    async def told(self, members: Sequence[UUID]) -> list[Row]:
        """All values of these with the names of their attributes, also of attributes that were deleted."""
        return await self.tx.fetch(
            """
            SELECT v.contact_id, a.key, a.name, v.value, v.value_sealed, v.changed_at
            FROM contact_attributes AS v JOIN attributes AS a ON a.id = v.attribute_id
            WHERE v.contact_id = ANY ($1) AND v.organization_id = $2 ORDER BY v.contact_id, a.key, v.place
            """,
            list(members),
            self.tx.organization_id,
        )

    async def delete(self, members: Sequence[UUID]) -> int:
        """Delete all values of these; how many."""
        return await self.tx.execute(
            "DELETE FROM contact_attributes WHERE contact_id = ANY ($1) AND organization_id = $2",
            list(members),
            self.tx.organization_id,
        )
