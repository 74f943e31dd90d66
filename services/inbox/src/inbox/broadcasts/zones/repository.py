from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from inbox.broadcasts.zones.model import ZoneSettings
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class ZoneRepository:
    """Where the contacts of the transaction's organization are taken to be."""

    tx: Transaction

    async def find(self, *, for_update: bool = False) -> ZoneSettings:
        """What the organization has said; its settings as they are at first where it has said nothing."""
        lock = "FOR UPDATE" if for_update else ""
        row = await self.tx.fetchrow(
            f"SELECT zone, zone_attribute_id, version FROM broadcast_settings WHERE organization_id = $1 {lock}",  # noqa: S608
            self.tx.organization_id,
        )
        return ZoneSettings() if row is None else ZoneSettings(row["zone"], row["zone_attribute_id"], row["version"])

    async def save(self, settings: ZoneSettings) -> int:
        """Write them; their version then."""
        version: int = await self.tx.fetchval(
            """
            INSERT INTO broadcast_settings (organization_id, zone, zone_attribute_id) VALUES ($1, $2, $3)
            ON CONFLICT (organization_id) DO UPDATE
            SET zone = $2, zone_attribute_id = $3, version = broadcast_settings.version + 1, changed_at = kit_now()
            RETURNING version
            """,
            self.tx.organization_id,
            settings.zone,
            settings.attribute_id,
        )
        return version

    async def usable(self, attribute_id: UUID) -> bool:
        """Whether it is an attribute of contacts in which zones can stand in the clear."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (SELECT FROM attributes
                           WHERE id = $1 AND organization_id = $2 AND applies_to = 'contact' AND NOT personal
                             AND type IN ('text', 'list') AND deleted_at IS NULL)
            """,
            attribute_id,
            self.tx.organization_id,
        )
        return found

    async def of(self, contact_ids: Collection[UUID], attribute_id: UUID) -> dict[UUID, str]:
        """What stands in that attribute, by the contact who is shown; the latest where several are one."""
        rows = await self.tx.fetch(
            """
            SELECT DISTINCT ON (head) coalesce(c.merged_into, c.id) AS head, v.value
            FROM contacts c
            JOIN contact_attributes v ON v.contact_id = c.id AND v.attribute_id = $2 AND v.value IS NOT NULL
            JOIN attributes a ON a.id = v.attribute_id AND a.deleted_at IS NULL
            WHERE (c.id = ANY ($1) OR c.merged_into = ANY ($1)) AND c.organization_id = $3
            ORDER BY head, v.changed_at DESC
            """,
            list(contact_ids),
            attribute_id,
            self.tx.organization_id,
        )
        return {row["head"]: row["value"] for row in rows}
