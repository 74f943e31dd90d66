from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.seal.model import Owner


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A row: the key as it was wrapped, or without bytes once it was shredded."""

    id: UUID
    owner: Owner
    parent_id: UUID | None
    master_key_id: str | None
    wrapped: bytes | None


@dataclass(frozen=True, slots=True)
class KeyRepository:
    """Wrapped keys of the organization that the transaction is bound to, and the platform's own."""

    tx: Transaction

    async def current(self, owner: Owner) -> StoredKey | None:
        """The newest version of an owner's key."""
        row = await self.tx.fetchrow(
            """
            SELECT id, organization_id, subject, parent_id, master_key_id, wrapped
            FROM seal_keys
            WHERE coalesce(organization_id, '00000000-0000-0000-0000-000000000000') = $1 AND subject = $2
            ORDER BY version DESC LIMIT 1
            """,
            owner.tenant,
            owner.subject,
        )
        return None if row is None else _stored(row)

    async def find(self, organization_id: UUID | None, ids: Collection[UUID]) -> list[StoredKey]:
        """These keys and, where a key is a subject's, the one that wraps it; another organization's are not found."""
        rows = await self.tx.fetch(
            """
            SELECT id, organization_id, subject, parent_id, master_key_id, wrapped
            FROM seal_keys
            WHERE coalesce(organization_id, '00000000-0000-0000-0000-000000000000') = $2
              AND id = ANY ($1::uuid[] || ARRAY(SELECT parent_id FROM seal_keys WHERE id = ANY ($1)))
            """,
            list(ids),
            Owner(organization_id).tenant,
        )
        return [_stored(row) for row in rows]

    async def add(self, key: StoredKey, version: int = 1) -> bool:
        """Keep a new version; False when somebody else has made it."""
        return (
            await self.tx.execute(
                """
            INSERT INTO seal_keys (id, organization_id, subject, version, parent_id, master_key_id, wrapped)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), subject, version)
            DO NOTHING
            """,
                key.id,
                key.owner.organization_id,
                key.owner.subject,
                version,
                key.parent_id,
                key.master_key_id,
                key.wrapped,
            )
            == 1
        )

    async def retire(self, owner: Owner) -> int | None:
        """Mark the present version as one that seals no more; returns the next number, None after a shredding."""
        following: int | None = await self.tx.fetchval(
            """
            WITH present AS (
                SELECT id, version FROM seal_keys
                WHERE coalesce(organization_id, '00000000-0000-0000-0000-000000000000') = $1 AND subject = $2
                ORDER BY version DESC LIMIT 1
            )
            UPDATE seal_keys SET retired_at = coalesce(retired_at, kit_now())
            FROM present WHERE seal_keys.id = present.id AND seal_keys.wrapped IS NOT NULL
            RETURNING present.version + 1
            """,
            owner.tenant,
            owner.subject,
        )
        return following

    async def shred(self, owner: Owner, tombstone: UUID) -> None:
        """Take the bytes of all versions away; a subject without a key gets a row that refuses one for good."""
        await self.tx.execute(
            """
            INSERT INTO seal_keys (id, organization_id, subject, shredded_at) VALUES ($1, $2, $3, kit_now())
            ON CONFLICT (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), subject, version)
            DO NOTHING
            """,
            tombstone,
            owner.organization_id,
            owner.subject,
        )
        # A rotation under way holds this lock: the next statement then sees the version it has added.
        await self.tx.execute(
            """
            SELECT FROM seal_keys
            WHERE coalesce(organization_id, '00000000-0000-0000-0000-000000000000') = $1 AND subject = $2
            ORDER BY id FOR UPDATE
            """,
            owner.tenant,
            owner.subject,
        )
        await self.tx.execute(
            """
            UPDATE seal_keys SET wrapped = NULL, shredded_at = kit_now()
            WHERE coalesce(organization_id, '00000000-0000-0000-0000-000000000000') = $1
              AND (subject = $2 OR $2 = '') AND wrapped IS NOT NULL
            """,
            owner.tenant,
            owner.subject,
        )

    async def shredded_within(self, seconds: float) -> list[Owner]:
        """Whose keys were shredded lately, in all organizations."""
        rows = await self.tx.fetch("SELECT organization_id, subject FROM seal_keys_shredded_within($1)", seconds)
        return [Owner(row["organization_id"], row["subject"]) for row in rows]

    async def under_master(self, after: UUID, at_most: int) -> list[StoredKey]:
        """Keys of all organizations that a master key has wrapped, in order of their ids."""
        rows = await self.tx.fetch(
            "SELECT id, organization_id, master_key_id, wrapped FROM seal_keys_under_master($1, $2)", after, at_most
        )
        return [
            StoredKey(row["id"], Owner(row["organization_id"]), None, row["master_key_id"], row["wrapped"])
            for row in rows
        ]

    async def rewrap(self, key: StoredKey, master_key_id: str, wrapped: bytes) -> bool:
        """Put the key there as another master key has wrapped it; False when it was changed meanwhile."""
        return (
            await self.tx.execute(
                "UPDATE seal_keys SET master_key_id = $3, wrapped = $4 WHERE id = $1 AND wrapped = $2",
                key.id,
                key.wrapped,
                master_key_id,
                wrapped,
            )
            == 1
        )


def _stored(row: Row) -> StoredKey:
    owner = Owner(row["organization_id"], row["subject"])
    return StoredKey(row["id"], owner, row["parent_id"], row["master_key_id"], row["wrapped"])
