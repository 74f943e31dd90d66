from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from inbox.imports.bulk.repository import NewKnown, NewValue
from kit.db.database import Row, Transaction

_SAVED = "value, value_sealed, key, number, blind, changed_at"


@dataclass(frozen=True, slots=True)
class UndoRepository:
    """What contacts of the transaction's organization were before an import, and bringing that back."""

    tx: Transaction

    async def save(self, import_id: UUID, values: Sequence[NewValue], *, overwrite: bool) -> None:
        """Keep values that are about to be written, as they stand before the import's first row of each contact.

        The contacts must have been noted; those that the import itself has made are left out. Without `overwrite`
        only that there was none is kept, since what there is stays.
        """
        if not values:
            return
        await self.tx.execute(
            f"""
            INSERT INTO contact_import_values (
                organization_id, import_id, contact_id, attribute_id, place, {_SAVED}
            )
            SELECT $1, $2, t.contact_id, t.attribute_id, coalesce(v.place, -1),
                   v.value, v.value_sealed, v.key, v.number, v.blind, v.changed_at
            FROM (SELECT DISTINCT contact_id, attribute_id
                  FROM unnest($3::uuid[], $4::uuid[]) AS u (contact_id, attribute_id)) AS t
            JOIN contact_import_changes AS h
              ON h.import_id = $2 AND h.contact_id = t.contact_id AND h.organization_id = $1
            LEFT JOIN contact_attributes AS v
              ON v.contact_id = t.contact_id AND v.attribute_id = t.attribute_id AND v.organization_id = $1
            WHERE ($5 OR v.contact_id IS NULL) AND NOT EXISTS (
                SELECT FROM contact_import_values AS s
                WHERE s.import_id = $2 AND s.contact_id = t.contact_id AND s.attribute_id = t.attribute_id)
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            import_id,
            [each.contact_id for each in values],
            [each.kept.attribute_id for each in values],
            overwrite,
        )

    async def note_known(self, import_id: UUID, known: NewKnown, contact_ids: Collection[UUID]) -> None:
        """Keep by what the import makes these contacts known, which must have been noted."""
        added = [place for place, each in enumerate(known.contact_ids) if each in contact_ids]
        await self.tx.execute(
            """
            INSERT INTO contact_import_identities (organization_id, import_id, contact_id, kind, blind)
            SELECT $1, $2, t.contact_id, t.kind, t.blind
            FROM unnest($3::uuid[], $4::text[], $5::bytea[]) AS t (contact_id, kind, blind)
            JOIN contact_import_changes AS h
              ON h.import_id = $2 AND h.contact_id = t.contact_id AND h.organization_id = $1
            ON CONFLICT DO NOTHING
            """,
            self.tx.organization_id,
            import_id,
            [known.contact_ids[place] for place in added],
            [known.kinds[place] for place in added],
            [known.blinds[place] for place in added],
        )

    async def unknow(self, import_id: UUID, contact_ids: Collection[UUID]) -> None:
        """These are not known any more by what the import added, unless somebody has written since.

        Platforms tell the time of what was written by their own clocks, and of an hour only the first use is noted.
        """
        await self.tx.execute(
            """
            DELETE FROM contact_identities AS i USING contact_import_identities AS a
            WHERE a.import_id = $2 AND a.contact_id = ANY ($3) AND a.organization_id = $1
              AND i.organization_id = $1 AND i.kind = a.kind AND i.blind = a.blind AND i.contact_id = a.contact_id
              AND i.last_seen_at = i.created_at
              AND NOT EXISTS (
                SELECT FROM conversations AS v
                WHERE v.contact_id = i.contact_id AND v.last_message_at > i.created_at - interval '1 hour')
            """,
            self.tx.organization_id,
            import_id,
            list(contact_ids),
        )

    async def as_before(self, import_id: UUID, changes: Sequence[Row]) -> set[UUID]:
        """Give contacts the names and values they had, unless somebody has changed them since; to whom."""
        rows = await self.tx.fetch(
            """
            SELECT c.id FROM contacts AS c JOIN unnest($2::uuid[], $3::bigint[]) AS t (id, version) ON c.id = t.id
            WHERE c.organization_id = $1 AND c.version = t.version + 1 ORDER BY c.id FOR UPDATE OF c
            """,
            self.tx.organization_id,
            [row["contact_id"] for row in changes],
            [row["version"] for row in changes],
        )
        given = {row["id"] for row in rows}
        named = [row for row in changes if row["contact_id"] in given]
        await self._values(import_id, given)
        await self.tx.execute(
            """
            UPDATE contacts AS c SET name_sealed = t.name, version = c.version + 1, changed_at = kit_now()
            FROM unnest($2::uuid[], $3::bytea[]) AS t (id, name) WHERE c.id = t.id AND c.organization_id = $1
            """,
            self.tx.organization_id,
            [row["contact_id"] for row in named],
            [row["name_before"] for row in named],
        )
        return given

    async def _values(self, import_id: UUID, contact_ids: Collection[UUID]) -> None:
        await self.tx.execute(
            """
            DELETE FROM contact_attributes AS v USING contact_import_values AS s
            WHERE s.import_id = $2 AND s.contact_id = ANY ($3) AND s.organization_id = $1
              AND v.contact_id = s.contact_id AND v.attribute_id = s.attribute_id AND v.organization_id = $1
            """,
            self.tx.organization_id,
            import_id,
            list(contact_ids),
        )
        await self.tx.execute(
            f"""
            INSERT INTO contact_attributes (organization_id, contact_id, attribute_id, place, {_SAVED})
            SELECT $1, contact_id, attribute_id, place, {_SAVED} FROM contact_import_values AS s
            WHERE import_id = $2 AND contact_id = ANY ($3) AND organization_id = $1 AND place >= 0
              AND EXISTS (SELECT FROM attributes AS a WHERE a.id = s.attribute_id AND a.organization_id = $1)
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            import_id,
            list(contact_ids),
        )

    async def forget(self, import_id: UUID, contact_ids: Collection[UUID]) -> None:
        """What these were before is kept no more."""
        for table in ("contact_import_values", "contact_import_identities"):
            await self.tx.execute(
                f"DELETE FROM {table} WHERE import_id = $2 AND contact_id = ANY ($3) AND organization_id = $1",  # noqa: S608 - of two
                self.tx.organization_id,
                import_id,
                list(contact_ids),
            )

    async def keep(self, import_id: UUID, code: str, contact_ids: Collection[UUID]) -> None:
        """These were left as they are."""
        await self.tx.execute(
            """
            INSERT INTO contact_import_kept (organization_id, import_id, contact_id, code)
            SELECT $1, $2, t.id, $4 FROM unnest($3::uuid[]) AS t (id) ON CONFLICT DO NOTHING
            """,
            self.tx.organization_id,
            import_id,
            list(contact_ids),
            code,
        )

    async def kept(self, import_id: UUID, after: UUID, limit: int) -> list[Row]:
        """Who was left as they are, and why, by id."""
        return await self.tx.fetch(
            """
            SELECT contact_id, code FROM contact_import_kept
            WHERE import_id = $1 AND organization_id = $2 AND contact_id > $3 ORDER BY contact_id LIMIT $4
            """,
            import_id,
            self.tx.organization_id,
            after,
            limit,
        )

    async def told(self, members: Sequence[UUID]) -> dict[str, list[Row]]:
        """What is kept of these; rows by table."""
        of = {
            "contact_import_values": "SELECT import_id, contact_id, attribute_id, place, value, value_sealed, number "
            "FROM contact_import_values WHERE contact_id = ANY ($1) AND organization_id = $2",
            "contact_import_identities": "SELECT import_id, contact_id, kind "
            "FROM contact_import_identities WHERE contact_id = ANY ($1) AND organization_id = $2",
            "contact_import_kept": "SELECT import_id, contact_id, code FROM contact_import_kept "
            "WHERE contact_id = ANY ($1) AND organization_id = $2",
        }
        return {name: await self.tx.fetch(sql, list(members), self.tx.organization_id) for name, sql in of.items()}

    async def erase(self, members: Sequence[UUID]) -> dict[str, int]:
        """Keep nothing of these; rows by table."""
        return {
            name: await self.tx.execute(
                f"DELETE FROM {name} WHERE contact_id = ANY ($1) AND organization_id = $2",  # noqa: S608 - of three
                list(members),
                self.tx.organization_id,
            )
            for name in ("contact_import_values", "contact_import_identities", "contact_import_kept")
        }


async def settle(tx: Transaction, at_most: int) -> bool:
    """Keep nothing more for undoing an import that is too old for it, whoever's; false when there is none."""
    found: bool = await tx.fetchval("SELECT contact_imports_settle($1)", at_most)
    return found
