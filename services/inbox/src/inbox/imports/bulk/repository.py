from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from inbox.fields.model import Kept
from kit.db.database import Transaction
from kit.db.untaken import unless_taken

Key = tuple[str, bytes]
"""Kind and hash of an identity."""

_KNOW: Final = """
    INSERT INTO contact_identities AS held (
        organization_id, kind, blind, contact_id, sealed, last_seen_at, created_at
    )
    SELECT $1, t.kind, t.blind, t.contact_id, t.sealed, now.at, now.at
    FROM (SELECT kit_now() AS at OFFSET 0) AS now  -- asked once, not for each row
    CROSS JOIN unnest($2::text[], $3::bytea[], $4::uuid[], $5::bytea[]) AS t (kind, blind, contact_id, sealed)
    ORDER BY t.blind
"""
_UNLESS_HELD: Final = """
    ON CONFLICT (organization_id, kind, blind) DO UPDATE
    SET contact_id = excluded.contact_id, scope = '', sealed = excluded.sealed, last_seen_at = kit_now(),
        left_at = NULL
    WHERE held.left_at <= kit_now()
"""


@dataclass(frozen=True, slots=True)
class NewName:
    """Another name for a contact."""

    contact_id: UUID
    sealed: bytes = field(repr=False)


@dataclass(slots=True)
class NewKnown:
    """Identities that contacts are known by from now on, column by column."""

    contact_ids: list[UUID] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    blinds: list[bytes] = field(default_factory=list, repr=False)
    sealed: list[bytes] = field(default_factory=list, repr=False)

    def __len__(self) -> int:
        return len(self.kinds)

    def add(self, contact_id: UUID, kind: str, blind: bytes, sealed: bytes) -> None:
        """One more."""
        self.contact_ids.append(contact_id)
        self.kinds.append(kind)
        self.blinds.append(blind)
        self.sealed.append(sealed)


@dataclass(frozen=True, slots=True)
class NewValue:
    """One row of a value, with (sealed value, its hash) where it is personal."""

    contact_id: UUID
    kept: Kept = field(repr=False)
    sealed: tuple[bytes, bytes] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class BulkRepository:
    """Contacts of the transaction's organization by the thousand, and their undoing."""

    tx: Transaction

    async def holders(self, kind: str, blinds: Sequence[bytes]) -> dict[bytes, UUID]:
        """Who is known by any of these just now, as whom they are shown, by hash.

        They are best asked in their order, as they stand in the index: neighbours lie on one page.
        """
        rows = await self.tx.fetch(
            """
            SELECT wanted.blind, coalesce(contact.merged_into, held.contact_id) AS head
            FROM unnest($3::bytea[]) AS wanted (blind)
            CROSS JOIN LATERAL (SELECT contact_id, left_at FROM contact_identities
                WHERE organization_id = $1 AND kind = $2 AND blind = wanted.blind LIMIT 1) AS held
            LEFT JOIN LATERAL (SELECT merged_into FROM contacts
                WHERE id = held.contact_id AND organization_id = $1 LIMIT 1) AS contact ON true
            WHERE held.left_at IS NULL
            """,
            self.tx.organization_id,
            kind,
            blinds,
        )
        return {row["blind"]: row["head"] for row in rows}

    async def add(self, import_id: UUID, contact_ids: Sequence[UUID], names: Sequence[bytes | None]) -> None:
        """Make contacts."""
        await self.tx.execute(
            """
            INSERT INTO contacts (id, organization_id, name_sealed, import_id, created_at, changed_at)
            SELECT t.id, $1, t.name, $2, now.at, now.at
            FROM (SELECT kit_now() AS at OFFSET 0) AS now  -- asked once, not for each row
            CROSS JOIN unnest($3::uuid[], $4::bytea[]) AS t (id, name)
            """,
            self.tx.organization_id,
            import_id,
            contact_ids,
            names,
        )

    async def know(self, known: NewKnown) -> int:
        """Let contacts be known by these; how many: fewer where somebody else is known by one.

        The contacts were made, or are changed, in this transaction: nobody can take them away meanwhile. Mostly
        nobody ever had any of these, so they are first written as if it were so, which costs less; in the order of
        their hashes, so that two who do so do not wait for each other in a ring.
        """
        if not known:
            return 0
        told = (self.tx.organization_id, known.kinds, known.blinds, known.contact_ids, known.sealed)
        written = await unless_taken(self.tx, _KNOW, *told)
        return await self.tx.execute(f"{_KNOW} {_UNLESS_HELD}", *told) if written is None else written

    async def note(self, import_id: UUID, touched: Sequence[UUID]) -> None:
        """Keep those that were there, as they stand before anything of them changes."""
        await self.tx.execute(
            """
            INSERT INTO contact_import_changes (organization_id, import_id, contact_id, version, name_before)
            SELECT $1, $2, c.id, c.version, c.name_sealed
            FROM contacts AS c WHERE c.id = ANY ($3) AND c.organization_id = $1
              AND c.import_id IS DISTINCT FROM $2
            ON CONFLICT (import_id, contact_id) DO UPDATE SET version = excluded.version
            WHERE contact_import_changes.version + 1 = excluded.version
            """,
            self.tx.organization_id,
            import_id,
            touched,
        )

    async def change(self, contact_ids: Collection[UUID], named: Sequence[NewName], *, overwrite: bool) -> int:
        """These have another version, for lists and pages that show them, and some a name; how many there are.

        Who has a name gets another one only with `overwrite`.
        """
        if not contact_ids:
            return 0
        names = {each.contact_id: each.sealed for each in named}
        ids = sorted(contact_ids)
        return await self.tx.execute(
            """
            UPDATE contacts AS c SET version = c.version + 1, changed_at = now.at,
                name_sealed = CASE WHEN $4 OR c.name_sealed IS NULL THEN coalesce(t.name, c.name_sealed)
                                   ELSE c.name_sealed END
            FROM (SELECT kit_now() AS at OFFSET 0) AS now CROSS JOIN unnest($2::uuid[], $3::bytea[]) AS t (id, name)
            WHERE c.id = t.id AND c.organization_id = $1
            """,
            self.tx.organization_id,
            ids,
            [names.get(each) for each in ids],
            overwrite,
        )

    async def put(self, values: Sequence[NewValue], *, overwrite: bool) -> None:
        """Write values; where there is one it stays, or with `overwrite` goes."""
        if not values:
            return
        ids = [each.contact_id for each in values]
        attributes = [each.kept.attribute_id for each in values]
        if overwrite:
            await self.tx.execute(
                """
                DELETE FROM contact_attributes AS v
                USING unnest($2::uuid[], $3::uuid[]) AS t (contact_id, attribute_id)
                WHERE v.contact_id = t.contact_id AND v.attribute_id = t.attribute_id AND v.organization_id = $1
                """,
                self.tx.organization_id,
                ids,
                attributes,
            )
        await self.tx.execute(
            """
            INSERT INTO contact_attributes (
                organization_id, contact_id, attribute_id, place, value, value_sealed, key, number, blind
            )
            SELECT $1, t.* FROM unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::text[], $6::bytea[], $7::text[],
                                       $8::float8[], $9::bytea[])
                AS t (contact_id, attribute_id, place, value, sealed, key, number, blind)
            WHERE NOT EXISTS (
                SELECT FROM contact_attributes AS v
                WHERE v.contact_id = t.contact_id AND v.attribute_id = t.attribute_id
            )
            """,
            self.tx.organization_id,
            ids,
            attributes,
            [each.kept.place for each in values],
            [None if each.sealed else each.kept.written for each in values],
            [each.sealed[0] if each.sealed else None for each in values],
            [None if each.sealed else each.kept.key for each in values],
            [None if each.sealed else each.kept.number for each in values],
            [each.sealed[1] if each.sealed else None for each in values],
        )

    async def made(self, import_id: UUID, limit: int) -> list[UUID]:
        """Contacts that it made, which nobody else has just now."""
        rows = await self.tx.fetch(
            """
            SELECT id FROM contacts WHERE import_id = $1 AND organization_id = $2
            ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
            """,
            import_id,
            self.tx.organization_id,
            limit,
        )
        return [row["id"] for row in rows]

    async def keep(self, contact_ids: Sequence[UUID]) -> None:
        """These stay when their import is undone."""
        await self.tx.execute(
            "UPDATE contacts SET import_id = NULL WHERE id = ANY ($1) AND organization_id = $2",
            contact_ids,
            self.tx.organization_id,
        )

    async def free(self, contact_ids: Sequence[UUID]) -> list[UUID]:
        """Those of these with whom nothing has been begun since, for update."""
        rows = await self.tx.fetch(
            """
            SELECT c.id FROM contacts AS c
            WHERE c.id = ANY ($1) AND c.organization_id = $2 AND c.version = 1 AND c.merged_into IS NULL
              AND NOT EXISTS (SELECT FROM conversations AS v WHERE v.contact_id = c.id OR v.origin_id = c.id)
              AND NOT EXISTS (SELECT FROM contacts AS m WHERE m.merged_into = c.id)
              AND NOT EXISTS (SELECT FROM contact_labels AS l WHERE l.contact_id = c.id)
              AND NOT EXISTS (SELECT FROM contact_merges AS g WHERE g.kept_id = c.id OR g.merged_id = c.id)
              AND NOT EXISTS (SELECT FROM consent_entries AS e WHERE e.contact_id = c.id AND e.source <> 'import')
            ORDER BY c.id FOR UPDATE OF c
            """,
            list(contact_ids),
            self.tx.organization_id,
        )
        return [row["id"] for row in rows]

    async def remove(self, contact_ids: Sequence[UUID]) -> None:
        """Take contacts away that were free, with all that an import gave them."""
        for statement in (
            "DELETE FROM contact_attributes WHERE contact_id = ANY ($1) AND organization_id = $2",
            "DELETE FROM consent_entries WHERE contact_id = ANY ($1) AND organization_id = $2",
            "DELETE FROM consents WHERE contact_id = ANY ($1) AND organization_id = $2",
            "DELETE FROM contact_words WHERE contact_id = ANY ($1) AND organization_id = $2",
            "DELETE FROM contact_identities WHERE contact_id = ANY ($1) AND organization_id = $2",
            "DELETE FROM contact_matches WHERE first_id = ANY ($1) AND organization_id = $2",
            "DELETE FROM contact_matches WHERE second_id = ANY ($1) AND organization_id = $2",
            "DELETE FROM contact_import_changes WHERE contact_id = ANY ($1) AND organization_id = $2",
            "DELETE FROM contacts WHERE id = ANY ($1) AND organization_id = $2",
        ):
            await self.tx.execute(statement, list(contact_ids), self.tx.organization_id)
