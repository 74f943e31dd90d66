from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.db.database import Row as Record
from kit.db.database import Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL
from publisher.imports.errors import ImportNotFound
from publisher.imports.model import Import, Row

_COLUMNS = "id, organization_id, name, zone, job_id, total, created_by, created_at"


@dataclass(frozen=True, slots=True)
class ImportRepository:
    """The imports of the transaction's organization."""

    tx: Transaction

    async def add(self, made: Import, digest: bytes) -> bool:
        """Add an import; False when the same file was imported before."""
        added = await self.tx.execute(
            """
            INSERT INTO post_imports (id, organization_id, name, zone, job_id, total, created_by, digest)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (organization_id, digest) DO NOTHING
            """,
            made.id,
            self.tx.organization_id,
            made.name,
            made.zone,
            made.job_id,
            made.total,
            made.created_by,
            digest,
        )
        return added == 1

    async def add_rows(
        self, import_id: UUID, rows: Sequence[tuple[UUID, int, Mapping[str, str], Sequence[Mapping[str, Any]]]]
    ) -> None:
        """Add its rows: id, line, cells, and what is known to be wrong with them."""
        await self.tx.execute(
            """
            INSERT INTO post_import_rows (id, import_id, organization_id, line, cells, faults)
            SELECT t.id, $1, $2, t.line, t.cells, t.faults -> 'all'
            FROM unnest($3::uuid[], $4::integer[], $5::jsonb[], $6::jsonb[]) AS t (id, line, cells, faults)
            """,
            import_id,
            self.tx.organization_id,
            [each[0] for each in rows],
            [each[1] for each in rows],
            [dict(each[2]) for each in rows],
            [{"all": list(each[3])} for each in rows],
        )

    async def find(self, import_id: UUID) -> Import:
        """Read an import."""
        return _import(
            await self.tx.fetchrow(
                f"SELECT {_COLUMNS} FROM post_imports WHERE id = $1 AND organization_id = $2",  # noqa: S608
                import_id,
                self.tx.organization_id,
            )
        )

    async def same(self, digest: bytes) -> Import:
        """The import of the same file."""
        return _import(
            await self.tx.fetchrow(
                f"SELECT {_COLUMNS} FROM post_imports WHERE organization_id = $1 AND digest = $2",  # noqa: S608
                self.tx.organization_id,
                digest,
            )
        )

    async def of_job(self, job_id: UUID) -> Import:
        """The import that a job is."""
        return _import(
            await self.tx.fetchrow(
                f"SELECT {_COLUMNS} FROM post_imports WHERE job_id = $1 AND organization_id = $2",  # noqa: S608
                job_id,
                self.tx.organization_id,
            )
        )

    async def page(self, after: UUID | None, limit: int) -> list[Import]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM post_imports
            WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            after or AFTER_ALL,
            limit,
        )
        return [_import(row) for row in rows]

    async def rows(self, row_ids: Collection[UUID]) -> dict[UUID, Row]:
        """These rows, by id."""
        found = await self.tx.fetch(
            "SELECT id, line, cells, post_id, faults FROM post_import_rows"
            " WHERE id = ANY ($1) AND organization_id = $2",
            list(row_ids),
            self.tx.organization_id,
        )
        return {each["id"]: _row(each) for each in found}

    async def all_rows(self, import_id: UUID) -> list[Row]:
        """All rows of an import, a thousand at most, by line."""
        found = await self.tx.fetch(
            "SELECT id, line, cells, post_id, faults FROM post_import_rows"
            " WHERE import_id = $1 AND organization_id = $2 ORDER BY line",
            import_id,
            self.tx.organization_id,
        )
        return [_row(each) for each in found]

    async def ended(self, row_id: UUID, post_id: UUID | None, faults: Sequence[Mapping[str, Any]]) -> None:
        """What became of a row; its cells are the post's now."""
        await self.tx.execute(
            """
            UPDATE post_import_rows SET post_id = $3, faults = $4,
                cells = CASE WHEN $3::uuid IS NULL THEN cells ELSE '{}' END
            WHERE id = $1 AND organization_id = $2
            """,
            row_id,
            self.tx.organization_id,
            post_id,
            list(faults),
        )


@dataclass(frozen=True, slots=True)
class PersonsImports:
    """What one user imported, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Record]:
        """Imports in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, name, zone, total, created_at FROM post_imports
            WHERE created_by = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Keep as many of them as nobody's; how many."""
        return await self.tx.execute(
            """
            UPDATE post_imports SET created_by = NULL WHERE id IN (
                SELECT id FROM post_imports WHERE created_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


def _import(row: Record | None) -> Import:
    if row is None:
        raise ImportNotFound
    return Import(**dict(row))


def _row(row: Record) -> Row:
    return Row(row["id"], row["line"], row["cells"], row["post_id"], tuple(row["faults"]))
