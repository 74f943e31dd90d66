from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from inbox.imports.errors import ImportNotFound
from inbox.imports.model import Fault, Import, Part
from kit.db.database import Row, Transaction

_COLUMNS: Final = ", ".join(Import.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class ImportRepository:
    """Imports of the transaction's organization, their files, faults and changes."""

    tx: Transaction

    async def add(self, import_id: UUID, size: int) -> Import:
        """Begin one."""
        row = await self.tx.fetchrow(
            f"INSERT INTO contact_imports (id, organization_id, size) VALUES ($1, $2, $3) RETURNING {_COLUMNS}",  # noqa: S608 - a constant
            import_id,
            self.tx.organization_id,
            size,
        )
        return _import(row)

    async def find(self, import_id: UUID, *, lock: bool = False) -> Import:
        """One.

        Raises:
            ImportNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM contact_imports WHERE id = $1 AND organization_id = $2
            {"FOR UPDATE" if lock else ""}
            """,  # noqa: S608 - constants
            import_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ImportNotFound
        return _import(row)

    async def of_job(self, job_id: UUID) -> Import:
        """The one that a job works.

        Raises:
            ImportNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM contact_imports WHERE (job_id = $1 OR undo_job_id = $1) AND organization_id = $2
            """,  # noqa: S608 - a constant
            job_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ImportNotFound
        return _import(row)

    async def page(self, before: UUID, limit: int) -> list[Import]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM contact_imports WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            before,
            limit,
        )
        return [_import(row) for row in rows]

    async def save(self, import_id: UUID, **values: Any) -> None:
        """Write these columns; the caller has locked the row."""
        names = [name for name in values if name in Import.__dataclass_fields__]
        told = ", ".join(f"{name} = ${place}" for place, name in enumerate(names, start=3))
        await self.tx.execute(
            f"""
            UPDATE contact_imports SET {told}, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,  # noqa: S608 - names of columns
            import_id,
            self.tx.organization_id,
            *(values[name] for name in names),
        )

    async def count(self, import_id: UUID, counts: Mapping[str, int]) -> None:
        """Add to what was made, changed, left as it was and faulty."""
        await self.tx.execute(
            """
            UPDATE contact_imports SET made = made + $3, changed = changed + $4, unchanged = unchanged + $5,
                   faulty = faulty + $6, undone = undone + $7, kept = kept + $8, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            import_id,
            self.tx.organization_id,
            *(counts.get(name, 0) for name in ("made", "changed", "unchanged", "faulty", "undone", "kept")),
        )

    async def add_parts(self, import_id: UUID, what: str, parts: Sequence[Part]) -> None:
        """Name files."""
        await self.tx.execute(
            """
            INSERT INTO contact_import_parts (organization_id, import_id, what, start, size, id, file_id, key_sealed)
            SELECT $1, $2, $3, t.* FROM unnest($4::bigint[], $5::bigint[], $6::uuid[], $7::uuid[], $8::bytea[]) AS t
            """,
            self.tx.organization_id,
            import_id,
            what,
            [each.start for each in parts],
            [each.size for each in parts],
            [each.id for each in parts],
            [each.file_id for each in parts],
            [each.key_sealed for each in parts],
        )

    async def parts(self, import_id: UUID, what: str) -> list[Part]:
        """Files of one sort; some thousand at most."""
        rows = await self.tx.fetch(
            """
            SELECT id, start, size, file_id, key_sealed FROM contact_import_parts
            WHERE import_id = $1 AND what = $2 AND organization_id = $3 ORDER BY start
            """,
            import_id,
            what,
            self.tx.organization_id,
        )
        return [Part(**row) for row in rows]

    async def part(self, part_id: UUID) -> Part | None:
        """One file."""
        row = await self.tx.fetchrow(
            """
            SELECT id, start, size, file_id, key_sealed FROM contact_import_parts
            WHERE id = $1 AND organization_id = $2
            """,
            part_id,
            self.tx.organization_id,
        )
        return None if row is None else Part(**row)

    async def known_files(self, file_ids: Collection[UUID]) -> set[UUID]:
        """Which of these files are of an import."""
        rows = await self.tx.fetch(
            "SELECT file_id FROM contact_import_parts WHERE organization_id = $1 AND file_id = ANY ($2)",
            self.tx.organization_id,
            list(file_ids),
        )
        return {row["file_id"] for row in rows}

    async def add_faults(self, import_id: UUID, faults: Sequence[Fault]) -> None:
        """Note faults of rows."""
        await self.tx.execute(
            """
            INSERT INTO contact_import_faults (organization_id, import_id, row, field, code)
            SELECT $1, $2, t.* FROM unnest($3::bigint[], $4::text[], $5::text[]) AS t ON CONFLICT DO NOTHING
            """,
            self.tx.organization_id,
            import_id,
            [each.row for each in faults],
            [each.field for each in faults],
            [each.code for each in faults],
        )

    async def faults(self, import_id: UUID, after: tuple[int, str], limit: int) -> list[Fault]:
        """Faults by row and field."""
        rows = await self.tx.fetch(
            """
            SELECT row, field, code FROM contact_import_faults
            WHERE import_id = $1 AND organization_id = $2 AND (row, field) > ($3, $4) ORDER BY row, field LIMIT $5
            """,
            import_id,
            self.tx.organization_id,
            *after,
            limit,
        )
        return [Fault(**row) for row in rows]

    async def made_here(self, import_id: UUID, contact_ids: Collection[UUID]) -> set[UUID]:
        """Which of these an earlier row of the same file has made or changed."""
        rows = await self.tx.fetch(
            """
            SELECT contact_id FROM contact_import_changes
            WHERE import_id = $1 AND contact_id = ANY ($2) AND organization_id = $3
            UNION ALL
            SELECT id FROM contacts WHERE import_id = $1 AND id = ANY ($2) AND organization_id = $3
            """,
            import_id,
            list(contact_ids),
            self.tx.organization_id,
        )
        return {row["contact_id"] for row in rows}

    async def changes(self, import_id: UUID, limit: int) -> list[Row]:
        """The next changes to be undone, which nobody else has."""
        return await self.tx.fetch(
            """
            SELECT contact_id, name_before, version FROM contact_import_changes
            WHERE import_id = $1 AND organization_id = $2 ORDER BY contact_id LIMIT $3 FOR UPDATE SKIP LOCKED
            """,
            import_id,
            self.tx.organization_id,
            limit,
        )

    async def count_changes(self, import_id: UUID) -> tuple[int, int]:
        """How many contacts it made, and how many it changed."""
        row = await self.tx.fetchrow(
            """
            SELECT (SELECT count(*) FROM contacts WHERE import_id = $1 AND organization_id = $2) AS made,
                   (SELECT count(*) FROM contact_import_changes WHERE import_id = $1 AND organization_id = $2)
                       AS changed
            """,
            import_id,
            self.tx.organization_id,
        )
        return (0, 0) if row is None else (row["made"], row["changed"])

    async def forget_changes(self, import_id: UUID, contact_ids: Sequence[UUID]) -> None:
        """These are undone."""
        await self.tx.execute(
            """
            DELETE FROM contact_import_changes
            WHERE import_id = $1 AND contact_id = ANY ($2) AND organization_id = $3
            """,
            import_id,
            list(contact_ids),
            self.tx.organization_id,
        )

    async def of_contact(self, members: Sequence[UUID]) -> list[Row]:
        """Which imports made or changed these."""
        return await self.tx.fetch(
            """
            SELECT import_id, contact_id, false AS made FROM contact_import_changes
            WHERE contact_id = ANY ($1) AND organization_id = $2
            UNION ALL
            SELECT import_id, id, true FROM contacts
            WHERE id = ANY ($1) AND organization_id = $2 AND import_id IS NOT NULL
            """,
            list(members),
            self.tx.organization_id,
        )

    async def delete_of_contact(self, members: Sequence[UUID]) -> int:
        """Nobody can tell any more which import these came from; how many rows that were."""
        await self.tx.execute(
            """
            UPDATE contacts SET import_id = NULL
            WHERE id = ANY ($1) AND organization_id = $2 AND import_id IS NOT NULL
            """,
            list(members),
            self.tx.organization_id,
        )
        return await self.tx.execute(
            "DELETE FROM contact_import_changes WHERE contact_id = ANY ($1) AND organization_id = $2",
            list(members),
            self.tx.organization_id,
        )


async def sweep_parts(tx: Transaction, at_most: int) -> list[Row]:
    """Take rows of files away that nobody needs any more, in whichever organization; which files."""
    return await tx.fetch("SELECT * FROM contact_import_parts_sweep($1)", at_most)


def _import(row: Row | None) -> Import:
    if row is None:
        raise ImportNotFound
    return Import(**row)
