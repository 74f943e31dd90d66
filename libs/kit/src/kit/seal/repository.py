from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.seal.model import Owner
from kit.seal.store import KeyRef


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A row: the key as it was wrapped, with the one that wraps it, or without bytes once it was destroyed."""

    id: UUID
    owner: Owner
    master_key_id: str | None
    wrapped: bytes | None
    parent: "StoredKey | None" = None


@dataclass(frozen=True, slots=True)
class KeyRepository:
    """Wrapped keys of the organizations that the transaction is bound to, and the platform's own."""

    tx: Transaction

    async def current(self, owners: Collection[Owner]) -> list[StoredKey]:
        """The newest version of each owner's key, where there is one."""
        rows = await self.tx.fetch(
            """
            SELECT key.id, key.organization_id, key.subject, key.master_key_id, key.wrapped,
                   key.parent_id, parent.master_key_id AS parent_master_key_id, parent.wrapped AS parent_wrapped
            FROM unnest($1::uuid[], $2::text[]) AS owner (organization_id, subject)
            CROSS JOIN LATERAL (
                (SELECT * FROM seal_keys
                 WHERE organization_id = owner.organization_id AND subject = owner.subject
                 ORDER BY version DESC LIMIT 1)
                UNION ALL
                (SELECT * FROM seal_keys
                 WHERE organization_id IS NULL AND owner.organization_id IS NULL AND subject = owner.subject
                 ORDER BY version DESC LIMIT 1)
            ) AS key
            LEFT JOIN seal_keys AS parent ON parent.id = key.parent_id
            """,
            [owner.organization_id for owner in owners],
            [owner.subject for owner in owners],
        )
        return [_stored(row) for row in rows]

    async def find(self, wanted: Collection[KeyRef]) -> list[StoredKey]:
        """Keys by id; one that is another organization's is not found."""
        rows = await self.tx.fetch(
            """
            SELECT key.id, key.organization_id, key.subject, key.master_key_id, key.wrapped,
                   key.parent_id, parent.master_key_id AS parent_master_key_id, parent.wrapped AS parent_wrapped
            FROM unnest($1::uuid[], $2::uuid[]) AS wanted (organization_id, id)
            JOIN seal_keys AS key
              ON key.id = wanted.id AND key.organization_id IS NOT DISTINCT FROM wanted.organization_id
            LEFT JOIN seal_keys AS parent ON parent.id = key.parent_id
            """,
            [ref.organization_id for ref in wanted],
            [ref.id for ref in wanted],
        )
        return [_stored(row) for row in rows]

    async def add(self, keys: Sequence[StoredKey], version: int = 1) -> list[UUID]:
        """Keep new versions; returns which, without those that somebody else has made or whose parent is destroyed.

        Parents stay as they are until we commit: nothing is made under a key that is being destroyed.
        """
        rows = await self.tx.fetch(
            """
            WITH alive AS MATERIALIZED (
                SELECT id FROM seal_keys WHERE id = ANY ($8::uuid[]) AND wrapped IS NOT NULL ORDER BY id FOR SHARE
            )
            INSERT INTO seal_keys (id, organization_id, subject, version, parent_id, master_key_id, wrapped)
            SELECT id, organization_id, subject, $4, parent_id, master_key_id, wrapped
            FROM unnest($1::uuid[], $2::uuid[], $3::text[], $5::uuid[], $6::text[], $7::bytea[])
                AS made (id, organization_id, subject, parent_id, master_key_id, wrapped)
            WHERE parent_id IS NULL OR parent_id IN (SELECT alive.id FROM alive)
            ORDER BY organization_id, subject  -- two that make the same keys wait for each other in one order
            ON CONFLICT (organization_id, subject, version) DO NOTHING
            RETURNING id
            """,
            [key.id for key in keys],
            [key.owner.organization_id for key in keys],
            [key.owner.subject for key in keys],
            version,
            [None if key.parent is None else key.parent.id for key in keys],
            [key.master_key_id for key in keys],
            [key.wrapped for key in keys],
            list({key.parent.id for key in keys if key.parent is not None}),
        )
        return [row["id"] for row in rows]

    async def retire(self, owner: Owner) -> int | None:
        """Mark the present version as one that seals no more; returns the next number, None after a shredding."""
        following: int | None = await self.tx.fetchval(
            f"""
            WITH present AS (
                SELECT id, version FROM seal_keys WHERE {_whose(owner)} AND subject = $2 ORDER BY version DESC LIMIT 1
            )
            UPDATE seal_keys SET retired_at = coalesce(retired_at, kit_now())
            FROM present WHERE seal_keys.id = present.id AND seal_keys.wrapped IS NOT NULL
            RETURNING present.version + 1
            """,  # noqa: S608 - one of two conditions
            owner.organization_id,
            owner.subject,
        )
        return following

    async def shred(self, owner: Owner, tombstone: UUID) -> None:
        """Take the bytes of all versions away; a subject without a key gets a row that refuses one for good."""
        await self.bury(owner, tombstone, version=1)
        # A rotation under way holds this lock: the next statement then sees the version it has added.
        await self.tx.execute(
            f"SELECT FROM seal_keys WHERE {_whose(owner)} AND subject = $2 ORDER BY id FOR UPDATE",
            owner.organization_id,
            owner.subject,
        )
        await self.tx.execute(
            f"""
            UPDATE seal_keys SET wrapped = NULL, shredded_at = kit_now(), with_organization = subject <> $2
            WHERE {_whose(owner)} AND {"subject = $2" if owner.subject else "subject >= $2"} AND wrapped IS NOT NULL
            """,  # noqa: S608 - as above
            owner.organization_id,
            owner.subject,
        )

    async def bury(self, owner: Owner, tombstone: UUID, version: int) -> None:
        """Leave a row without a key where there is none of this version."""
        await self.tx.execute(
            """
            INSERT INTO seal_keys (id, organization_id, subject, version, shredded_at)
            VALUES ($1, $2, $3, $4, kit_now())
            ON CONFLICT (organization_id, subject, version) DO NOTHING
            """,
            tombstone,
            owner.organization_id,
            owner.subject,
            version,
        )

    async def lock_root(self, ref: KeyRef) -> StoredKey | None:
        """The key of a batch while it is whole; until we commit nobody takes it apart, nor destroys what wraps it.

        What wraps it is locked first, as by who destroys an organization.
        """
        for strength, which in (
            ("SHARE", "id = (SELECT parent_id FROM seal_keys WHERE id = $1 AND organization_id = $2)"),
            ("UPDATE", "id = $1 AND organization_id = $2"),
        ):
            await self.tx.execute(
                f"SELECT FROM seal_keys WHERE {which} AND wrapped IS NOT NULL FOR {strength}",
                ref.id,
                ref.organization_id,
            )
        return next((key for key in await self.find([ref]) if key.wrapped is not None), None)

    async def shredded_within(self, seconds: float, at_most: int) -> list[Owner]:
        """Whose keys were shredded lately, in all organizations; one that was forgotten stands for its subjects.

        As many rows at most, the latest first: who has several versions may be in it several times.
        """
        rows = await self.tx.fetch(
            "SELECT organization_id, subject FROM seal_keys_shredded_within($1, $2)", seconds, at_most
        )
        return [Owner(row["organization_id"], row["subject"]) for row in rows]

    async def under_master(self, after: UUID, at_most: int) -> list[StoredKey]:
        """Keys of all organizations that a master key has wrapped, in order of their ids."""
        rows = await self.tx.fetch(
            "SELECT id, organization_id, master_key_id, wrapped FROM seal_keys_under_master($1, $2)", after, at_most
        )
        return [
            StoredKey(row["id"], Owner(row["organization_id"]), row["master_key_id"], row["wrapped"]) for row in rows
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


def _whose(owner: Owner) -> str:
    """The condition under which a row is of $1, in the form that the index answers."""
    return "organization_id = $1" if owner.organization_id else "organization_id IS NULL AND $1::uuid IS NULL"


def _stored(row: Row) -> StoredKey:
    owner, parent = Owner(row["organization_id"], row["subject"]), None
    if row["parent_id"] is not None:
        parent = StoredKey(row["parent_id"], owner.parent, row["parent_master_key_id"], row["parent_wrapped"])
    return StoredKey(row["id"], owner, row["master_key_id"], row["wrapped"], parent)
