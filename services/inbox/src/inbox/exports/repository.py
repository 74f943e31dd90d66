from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.exports.errors import ExportNotFound
from inbox.exports.model import Export, Part
from inbox.media.store import Kept
from kit.db.database import Row, Transaction

_COLUMNS: Final = ", ".join(Export.__dataclass_fields__)
_PARTS: Final = ", ".join(Part.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class ExportRepository:
    """Exports of the transaction's organization and their parts."""

    tx: Transaction

    async def add(self, export_id: UUID, job_id: UUID, plan_sealed: bytes, columns: Sequence[str]) -> None:
        """Begin one."""
        await self.tx.execute(
            """
            INSERT INTO contact_exports (id, organization_id, job_id, plan_sealed, columns)
            VALUES ($1, $2, $3, $4, $5)
            """,
            export_id,
            self.tx.organization_id,
            job_id,
            plan_sealed,
            list(columns),
        )

    async def find(self, export_id: UUID) -> Export:
        """One.

        Raises:
            ExportNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM contact_exports WHERE id = $1 AND organization_id = $2",  # noqa: S608 - a constant
            export_id,
            self.tx.organization_id,
        )
        return _export(row)

    async def of_job(self, job_id: UUID) -> Export:
        """The one that a job writes.

        Raises:
            ExportNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM contact_exports WHERE job_id = $1 AND organization_id = $2",  # noqa: S608
            job_id,
            self.tx.organization_id,
        )
        return _export(row)

    async def page(self, before: UUID, limit: int) -> list[Export]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM contact_exports WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            before,
            limit,
        )
        return [_export(row) for row in rows]

    async def add_parts(self, parts: Sequence[Part]) -> None:
        """Stretches of contacts that are to be written."""
        await self.tx.execute(
            """
            INSERT INTO contact_export_parts (organization_id, id, export_id, after_id, upto_id)
            SELECT $1, t.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) AS t
            """,
            self.tx.organization_id,
            [each.id for each in parts],
            [each.export_id for each in parts],
            [each.after_id for each in parts],
            [each.upto_id for each in parts],
        )

    async def several(self, part_ids: Sequence[UUID]) -> dict[UUID, Part]:
        """Those of these parts that are there."""
        rows = await self.tx.fetch(
            f"SELECT {_PARTS} FROM contact_export_parts WHERE id = ANY ($1) AND organization_id = $2",  # noqa: S608
            list(part_ids),
            self.tx.organization_id,
        )
        return {row["id"]: Part(**row) for row in rows}

    async def written(self, export_id: UUID, after: UUID, limit: int) -> list[Part]:
        """Parts that are written, in the order of their contacts."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_PARTS} FROM contact_export_parts
            WHERE export_id = $1 AND organization_id = $2 AND upto_id > $3 AND file_id IS NOT NULL
            ORDER BY upto_id LIMIT $4
            """,  # noqa: S608 - a constant
            export_id,
            self.tx.organization_id,
            after,
            limit,
        )
        return [Part(**row) for row in rows]

    async def write(self, part: Part, kept: Kept, rows: int, size: int) -> None:
        """A part stands in a file now."""
        await self.tx.execute(
            """
            WITH part AS (
                UPDATE contact_export_parts SET file_id = $3, key_sealed = $4, size = $6
                WHERE id = $1 AND organization_id = $2 AND file_id IS NULL RETURNING export_id
            )
            UPDATE contact_exports AS e SET rows = rows + $5, size = e.size + $6 FROM part WHERE e.id = part.export_id
            """,
            part.id,
            self.tx.organization_id,
            kept.file_id,
            kept.key_sealed,
            rows,
            size,
        )

    async def end(self, export_id: UUID, state: str) -> None:
        """It has ended; its files are kept for a day."""
        await self.tx.execute(
            """
            UPDATE contact_exports SET state = $3, expires_at = kit_now() + interval '1 day'
            WHERE id = $1 AND organization_id = $2 AND state <> 'expired'
            """,
            export_id,
            self.tx.organization_id,
            state,
        )


async def sweep_exports(tx: Transaction, at_most: int) -> list[Row]:
    """Take rows of files away that nobody is handed any more, in whichever organization; which files."""
    return await tx.fetch("SELECT * FROM contact_exports_sweep($1)", at_most)


def _export(row: Row | None) -> Export:
    if row is None:
        raise ExportNotFound
    return Export(**row)
