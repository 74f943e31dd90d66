from dataclasses import dataclass
from typing import Final
from uuid import UUID

from generation.templates.errors import TemplateNotFound
from generation.templates.model import MOST_TEMPLATES, Own, OwnVersion
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL

_OWN: Final = "id, organization_id, latest, retired, version, created_at, changed_at"
_VERSION: Final = "id, organization_id, template_id, number, created_by, document_sealed, created_at"


@dataclass(frozen=True, slots=True)
class TemplateRepository:
    """Templates of the transaction's organization."""

    tx: Transaction

    async def add(self, template_id: UUID) -> bool:
        """Begin one; False where there are as many as there may be."""
        return (
            await self.tx.execute(
                """
                INSERT INTO templates (id, organization_id)
                SELECT $1, $2 WHERE (SELECT count(*) FROM templates WHERE organization_id = $2) < $3
                """,
                template_id,
                self.tx.organization_id,
                MOST_TEMPLATES,
            )
            == 1
        )

    async def add_version(self, version_id: UUID, template_id: UUID, number: int, by: UUID, document: bytes) -> None:
        """What it says from now on."""
        await self.tx.execute(
            """
            INSERT INTO template_versions (id, organization_id, template_id, number, created_by, document_sealed)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            version_id,
            self.tx.organization_id,
            template_id,
            number,
            by,
            document,
        )
        await self.tx.execute(
            """
            UPDATE templates SET latest = $3, retired = false, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            template_id,
            self.tx.organization_id,
            number,
        )

    async def find(self, template_id: UUID, *, lock: bool = False) -> Own:
        """Read one; locked for a change where that is wanted."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_OWN} FROM templates WHERE id = $1 AND organization_id = $2 {"FOR UPDATE" if lock else ""}
            """,  # noqa: S608 - constants
            template_id,
            self.tx.organization_id,
        )
        if row is None:
            raise TemplateNotFound
        return Own(**dict(row))

    async def retire(self, template_id: UUID) -> None:
        """Show it no more; what was written by it can still be read."""
        await self.tx.execute(
            """
            UPDATE templates SET retired = true, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            template_id,
            self.tx.organization_id,
        )

    async def page(self, after: UUID | None, limit: int) -> list[tuple[Own, OwnVersion]]:
        """The newest first, each with what it says now; retired ones are left out."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_OWN} FROM templates WHERE organization_id = $1 AND id < $2 AND NOT retired
            ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            after or AFTER_ALL,
            limit,
        )
        found = [Own(**dict(row)) for row in rows]
        versions = await self.tx.fetch(
            f"""
            SELECT {_VERSION} FROM template_versions
            WHERE organization_id = $1 AND (template_id, number) IN (SELECT * FROM unnest($2::uuid[], $3::integer[]))
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            [each.id for each in found],
            [each.latest for each in found],
        )
        by = {row["template_id"]: _version(row) for row in versions}
        return [(each, by[each.id]) for each in found]

    async def version(self, template_id: UUID, number: int) -> OwnVersion:
        """What it said in one version."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_VERSION} FROM template_versions
            WHERE template_id = $1 AND organization_id = $2 AND number = $3
            """,  # noqa: S608 - a constant
            template_id,
            self.tx.organization_id,
            number,
        )
        return _version(row)

    async def versions(self, template_id: UUID, before: int, limit: int) -> list[OwnVersion]:
        """What it said, the newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_VERSION} FROM template_versions
            WHERE template_id = $1 AND organization_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4
            """,  # noqa: S608 - a constant
            template_id,
            self.tx.organization_id,
            before,
            limit,
        )
        return [_version(row) for row in rows]


@dataclass(frozen=True, slots=True)
class PersonsTemplates:
    """Versions of templates that one user wrote, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[OwnVersion]:
        """In the order of their ids."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_VERSION} FROM template_versions
            WHERE created_by = $1 AND organization_id = ANY ($2) AND id > $3 ORDER BY id LIMIT $4
            """,  # noqa: S608 - a constant
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )
        return [_version(row) for row in rows]

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Keep as many of them as nobody's; how many."""
        return await self.tx.execute(
            """
            UPDATE template_versions SET created_by = NULL
            WHERE id IN (
                SELECT id FROM template_versions WHERE created_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


def _version(row: Row | None) -> OwnVersion:
    if row is None:
        raise TemplateNotFound
    return OwnVersion(**dict(row))
