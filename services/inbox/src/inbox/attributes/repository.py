from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.attributes.model import AppliesTo, Attribute
from inbox.contacts.repository import HEAD_OF
from kit.db.database import Row, Transaction

_COLUMNS: Final = "id, applies_to, key, name, type, choices, personal, version, created_at"


@dataclass(frozen=True, slots=True)
class AttributeRepository:
    """Attributes of the transaction's organization, and their values on conversations."""

    tx: Transaction

    async def all(self, applies_to: AppliesTo | None = None) -> list[Attribute]:
        """All there are, by key; some hundred at most."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM attributes
            WHERE organization_id = $1 AND deleted_at IS NULL AND applies_to = ANY ($2)
            ORDER BY applies_to, key
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            ["conversation", "contact"] if applies_to is None else [applies_to],
        )
        return [_attribute(row) for row in rows]

    async def one_by_one(self) -> None:
        """Nobody else makes an attribute of this organization until we commit."""
        await self.tx.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('attributes ' || $1::uuid, 0))", self.tx.organization_id
        )

    async def lock(self, attribute_id: UUID) -> Attribute | None:
        """One, for update."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM attributes
            WHERE id = $1 AND organization_id = $2 AND deleted_at IS NULL FOR UPDATE
            """,  # noqa: S608 - a constant of this file
            attribute_id,
            self.tx.organization_id,
        )
        return None if row is None else _attribute(row)

    async def add(self, attribute: Attribute) -> Attribute | None:
        """Make one; None when the key is taken."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO attributes (id, organization_id, applies_to, key, name, type, choices, personal)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (organization_id, applies_to, key) WHERE deleted_at IS NULL DO NOTHING RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            attribute.id,
            self.tx.organization_id,
            attribute.applies_to,
            attribute.key,
            attribute.name,
            attribute.type,
            list(attribute.choices),
            attribute.personal,
        )
        return None if row is None else _attribute(row)

    async def save(self, changed: Attribute) -> None:
        """Write name and choices of one that the caller has locked."""
        await self.tx.execute(
            """
            UPDATE attributes SET name = $3, choices = $4, version = $5, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            changed.id,
            self.tx.organization_id,
            changed.name,
            list(changed.choices),
            changed.version,
        )

    async def delete(self, attribute_id: UUID) -> None:
        """It is gone; its values go by and by."""
        await self.tx.execute(
            "UPDATE attributes SET deleted_at = kit_now() WHERE id = $1 AND organization_id = $2",
            attribute_id,
            self.tx.organization_id,
        )

    async def values(self, conversation_ids: Collection[UUID]) -> list[Row]:
        """The values of these conversations."""
        return await self.tx.fetch(
            """
            SELECT v.conversation_id, a.key, a.type, v.attribute_id, v.value, v.value_sealed, v.origin_id
            FROM conversation_attributes AS v JOIN attributes AS a ON a.id = v.attribute_id AND a.deleted_at IS NULL
            WHERE v.conversation_id = ANY ($1) AND v.organization_id = $2 ORDER BY v.conversation_id, a.key
            """,
            list(conversation_ids),
            self.tx.organization_id,
        )

    async def put(
        self, conversation_id: UUID, values: Sequence[tuple[Attribute, str, bytes | None]], gone: Collection[UUID]
    ) -> None:
        """Write these (attribute, value, sealed value where it is personal), and take others away."""
        await self.tx.execute(
            """
            DELETE FROM conversation_attributes
            WHERE conversation_id = $1 AND organization_id = $2 AND attribute_id = ANY ($3)
            """,
            conversation_id,
            self.tx.organization_id,
            list(gone),
        )
        await self.tx.execute(
            """
            INSERT INTO conversation_attributes
                (organization_id, conversation_id, attribute_id, value, value_sealed, value_number)
            SELECT $1, $2, t.id, t.value, t.sealed, t.number
            FROM unnest($3::uuid[], $4::text[], $5::bytea[], $6::double precision[]) AS t (id, value, sealed, number)
            ON CONFLICT (conversation_id, attribute_id) DO UPDATE
            SET value = excluded.value, value_sealed = excluded.value_sealed, value_number = excluded.value_number,
                changed_at = kit_now()
            """,
            self.tx.organization_id,
            conversation_id,
            [attribute.id for attribute, _, _ in values],
            [written if sealed is None else None for _, written, sealed in values],
            [sealed for _, _, sealed in values],
            [
                float(written) if sealed is None and attribute.type == "number" else None
                for attribute, written, sealed in values
            ],
        )


@dataclass(frozen=True, slots=True)
class PersonsAttributes:
    """Values of a contact's conversations, wherever the transaction is bound to."""

    tx: Transaction

    async def of_contact(self, contact_id: UUID) -> list[Row]:
        """All of them, with the names of their attributes."""
        return await self.tx.fetch(
            f"""
            SELECT v.conversation_id, a.key, a.name, v.value, v.value_sealed, v.changed_at
            FROM conversation_attributes AS v JOIN attributes AS a ON a.id = v.attribute_id
            WHERE v.conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
              AND v.organization_id = ANY ($2) ORDER BY v.conversation_id, a.key
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )

    async def delete(self, contact_id: UUID) -> int:
        """Delete them; how many."""
        return await self.tx.execute(
            f"""
            DELETE FROM conversation_attributes
            WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
              AND organization_id = ANY ($2)
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )


@dataclass(frozen=True, slots=True)
class DeletedAttributes:
    """Attributes that are gone, of all organizations."""

    tx: Transaction

    async def sweep(self, at_most: int) -> int:
        """Delete as many values of deleted attributes, and those of which none is left; how much was."""
        swept: int = await self.tx.fetchval("SELECT attributes_sweep($1)", at_most)
        return swept


def _attribute(row: Row) -> Attribute:
    return Attribute(**row)
