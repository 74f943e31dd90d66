from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Transaction
from kit.ids import BEFORE_ALL


@dataclass(frozen=True, slots=True)
class AudienceRepository:
    """Contacts of the transaction's organization by the rules of audiences, each as whom they are shown, by id."""

    tx: Transaction

    async def everyone(self, kinds: Collection[str], after: UUID | None, limit: int) -> list[UUID]:
        """All who are known by one of these kinds of identities."""
        rows = await self.tx.fetch(
            """
            SELECT c.id FROM contacts c
            WHERE c.organization_id = $1 AND c.id > $2 AND c.merged_into IS NULL
              AND EXISTS (
                  SELECT FROM contact_identities i
                  WHERE i.contact_id = c.id AND i.left_at IS NULL AND i.kind = ANY ($3)
                  UNION ALL
                  SELECT FROM contacts m JOIN contact_identities i ON i.contact_id = m.id
                  WHERE m.merged_into = c.id AND i.left_at IS NULL AND i.kind = ANY ($3)
              )
            ORDER BY c.id LIMIT $4
            """,
            self.tx.organization_id,
            after or BEFORE_ALL,
            list(kinds),
            limit,
        )
        return [row["id"] for row in rows]

    async def labelled(self, label_id: UUID, after: UUID | None, limit: int) -> list[UUID]:
        """All who carry a label, or with whom a conversation does."""
        rows = await self.tx.fetch(
            """
            SELECT DISTINCT coalesce(c.merged_into, c.id) AS id
            FROM (
                SELECT contact_id FROM contact_labels WHERE label_id = $2
                UNION
                SELECT v.contact_id FROM conversation_labels l JOIN conversations v ON v.id = l.conversation_id
                WHERE l.label_id = $2
            ) AS carrying
            JOIN contacts c ON c.id = carrying.contact_id
            WHERE c.organization_id = $1 AND coalesce(c.merged_into, c.id) > $3
            ORDER BY 1 LIMIT $4
            """,
            self.tx.organization_id,
            label_id,
            after or BEFORE_ALL,
            limit,
        )
        return [row["id"] for row in rows]

    async def of_broadcast(
        self, broadcast_id: UUID, classes: Sequence[str], after: UUID | None, limit: int
    ) -> list[UUID]:
        """Whom an earlier one did not reach for reasons of these classes; or `no_reply`: who got it and is silent."""
        rows = await self.tx.fetch(
            """
            SELECT DISTINCT coalesce(c.merged_into, c.id) AS id
            FROM broadcast_recipients r JOIN contacts c ON c.id = r.contact_id
            WHERE r.broadcast_id = $2 AND r.organization_id = $1 AND r.contact_id > $4
              AND (r.class = ANY ($3)
                   OR ('clicked' = ANY ($3) AND r.clicked_at IS NOT NULL)
                   OR ('no_reply' = ANY ($3) AND r.state IN ('delivered', 'read') AND r.replied_at IS NULL))
            ORDER BY 1 LIMIT $5
            """,
            self.tx.organization_id,
            broadcast_id,
            list(classes),
            after or BEFORE_ALL,
            limit,
        )
        return [row["id"] for row in rows]

    async def there(self, contact_ids: Collection[UUID]) -> set[UUID]:
        """Those of these contacts that are there, each as whom they are shown."""
        rows = await self.tx.fetch(
            """
            SELECT DISTINCT coalesce(merged_into, id) AS id FROM contacts WHERE id = ANY ($1) AND organization_id = $2
            """,
            list(contact_ids),
            self.tx.organization_id,
        )
        return {row["id"] for row in rows}
