from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from inbox.templates.errors import TemplateNotFound
from inbox.templates.model import Status, Template, Version
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL

_COLUMNS: Final = """
    id, waba_id, name, language, provider_id, category, next_category, next_category_at, status, reason_code, reason,
    quality, components, fallbacks, last_number, approved_number, told_at, version, created_at, changed_at
"""
_VERSION: Final = """
    id, template_id, number, category, components, fallbacks, state, first, reason_code, reason, submitted_at,
    created_at
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which templates a list asks for."""

    waba_id: str | None = None
    status: Status | None = None
    language: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateRepository:
    """Templates of the transaction's organization, and their versions."""

    tx: Transaction

    async def add(self, template: Template) -> bool:
        """Write a template; False when the account has one of that name and language."""
        added = await self.tx.execute(
            """
            INSERT INTO message_templates (
                id, organization_id, waba_id, name, language, provider_id, category, status, reason_code, reason,
                quality, components, fallbacks, last_number, approved_number, told_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            ON CONFLICT DO NOTHING
            """,
            template.id,
            self.tx.organization_id,
            template.waba_id,
            template.name,
            template.language,
            template.provider_id,
            template.category,
            template.status,
            template.reason_code,
            template.reason,
            template.quality,
            list(template.components),
            dict(template.fallbacks),
            template.last_number,
            template.approved_number,
            template.told_at,
        )
        return added == 1

    async def save(self, template: Template) -> None:
        """Write a template as it is now; the caller has locked it."""
        await self.tx.execute(
            """
            UPDATE message_templates
            SET provider_id = $3, category = $4, next_category = $5, next_category_at = $6, status = $7,
                reason_code = $8, reason = $9, quality = $10, components = $11, fallbacks = $12, last_number = $13,
                approved_number = $14, told_at = $15, version = $16, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            template.id,
            self.tx.organization_id,
            template.provider_id,
            template.category,
            template.next_category,
            template.next_category_at,
            template.status,
            template.reason_code,
            template.reason,
            template.quality,
            list(template.components),
            dict(template.fallbacks),
            template.last_number,
            template.approved_number,
            template.told_at,
            template.version,
        )

    async def find(self, template_id: UUID) -> Template:
        """One template.

        Raises:
            TemplateNotFound: there is none.
        """
        return _found(await self._row("id = $2", template_id))

    async def lock(self, template_id: UUID) -> Template:
        """One template for update.

        Raises:
            TemplateNotFound: there is none.
        """
        return _found(await self._row("id = $2 FOR UPDATE", template_id))

    async def lock_told(self, waba_id: str, provider_id: str, name: str, language: str) -> Template | None:
        """The template that the platform speaks of, for update: by its id of it, else by name and language."""
        row = await self._row(
            "waba_id = $2 AND provider_id = $3 AND status <> 'deleted' FOR UPDATE", waba_id, provider_id
        )
        if row is None:
            row = await self._row(
                "waba_id = $2 AND name = $3 AND language = $4 AND status <> 'deleted' FOR UPDATE",
                waba_id,
                name,
                language,
            )
        return None if row is None else _template(row)

    async def named(self, waba_id: str, name: str, language: str) -> Template | None:
        """The template of this name and language."""
        row = await self._row(
            "waba_id = $2 AND name = $3 AND language = $4 AND status <> 'deleted'", waba_id, name, language
        )
        return None if row is None else _template(row)

    async def _row(self, where: str, *args: Any) -> Row | None:
        return await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM message_templates WHERE organization_id = $1 AND {where}",  # noqa: S608 - ours
            self.tx.organization_id,
            *args,
        )

    async def page(self, chosen: Chosen, after: tuple[str, str, UUID] | None, limit: int) -> list[Template]:
        """Templates by name and language."""
        name, language, template_id = after or ("", "", BEFORE_ALL)
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM message_templates
            WHERE organization_id = $1
              AND (name, language, id) > ($2, $3, $4)
              AND ($5::text IS NULL OR waba_id = $5)
              AND CASE WHEN $6::text IS NULL THEN status <> 'deleted' ELSE status = $6 END
              AND ($7::text IS NULL OR language = $7) AND ($8::text IS NULL OR name = $8)
            ORDER BY name, language, id
            LIMIT $9
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            name,
            language,
            template_id,
            chosen.waba_id,
            chosen.status,
            chosen.language,
            chosen.name,
            limit,
        )
        return [_template(row) for row in rows]

    async def sendable(self, waba_id: str, limit: int) -> list[Template]:
        """What may be sent in this account, by name."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM message_templates
            WHERE organization_id = $1 AND waba_id = $2 AND status IN ('approved', 'flagged', 'locked')
            ORDER BY name, language LIMIT $3
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            waba_id,
            limit,
        )
        return [_template(row) for row in rows]

    async def statuses(self, template_ids: Collection[UUID]) -> dict[UUID, str]:
        """Where these templates stand, of those that are there."""
        rows = await self.tx.fetch(
            "SELECT id, status FROM message_templates WHERE id = ANY ($1) AND organization_id = $2",
            list(template_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row["status"] for row in rows}

    async def count(self, waba_id: str) -> int:
        """How many the account has or asks for."""
        found: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM message_templates
            WHERE organization_id = $1 AND waba_id = $2 AND status <> 'deleted'
            """,
            self.tx.organization_id,
            waba_id,
        )
        return found

    async def put_version(self, version: Version) -> None:
        """Write a version, or a draft again."""
        await self.tx.execute(
            """
            INSERT INTO message_template_versions AS v (
                id, organization_id, template_id, number, category, components, fallbacks, state, first, reason_code,
                reason, submitted_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (id) DO UPDATE
            SET category = excluded.category, components = excluded.components, fallbacks = excluded.fallbacks,
                state = excluded.state, first = excluded.first, reason_code = excluded.reason_code,
                reason = excluded.reason, submitted_at = excluded.submitted_at
            """,
            version.id,
            self.tx.organization_id,
            version.template_id,
            version.number,
            version.category,
            list(version.components),
            dict(version.fallbacks),
            version.state,
            version.first,
            version.reason_code,
            version.reason,
            version.submitted_at,
        )

    async def version(self, template_id: UUID, number: int) -> Version | None:
        """One version."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_VERSION} FROM message_template_versions
            WHERE organization_id = $1 AND template_id = $2 AND number = $3
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            template_id,
            number,
        )
        return None if row is None else version_of(row)

    async def versions(self, template_id: UUID, before: int | None, limit: int) -> list[Version]:
        """Versions, the newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_VERSION} FROM message_template_versions
            WHERE organization_id = $1 AND template_id = $2 AND ($3::integer IS NULL OR number < $3)
            ORDER BY number DESC LIMIT $4
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            template_id,
            before,
            limit,
        )
        return [version_of(row) for row in rows]

    async def submissions(
        self, *, waba_id: str | None = None, template_id: UUID | None = None, within: timedelta
    ) -> tuple[int, datetime | None]:
        """How many were submitted lately, new ones of an account or edits of a template, and when the first was."""
        row = await self.tx.fetchrow(
            """
            SELECT count(*) AS n, min(v.submitted_at) AS first
            FROM message_template_versions v JOIN message_templates t ON t.id = v.template_id
            WHERE v.organization_id = $1 AND v.submitted_at > kit_now() - $2::interval AND v.state <> 'refused'
              AND CASE WHEN $4::uuid IS NULL THEN t.waba_id = $3 AND v.first ELSE t.id = $4 AND NOT v.first END
            """,
            self.tx.organization_id,
            within,
            waba_id,
            template_id,
        )
        return (0, None) if row is None else (row["n"], row["first"])

    async def to_submit(self, version_ids: Collection[UUID]) -> list[Row]:
        """What submitting versions takes, with a token of a number of their account; of several organizations."""
        return await self.tx.fetch(
            """
            SELECT v.id, v.organization_id, v.first, v.category, v.components, t.waba_id, t.name, t.language,
                   t.provider_id, c.token_sealed
            FROM message_template_versions v
            JOIN message_templates t ON t.id = v.template_id
            LEFT JOIN LATERAL (
                SELECT token_sealed FROM channels
                WHERE organization_id = t.organization_id AND waba_id = t.waba_id AND kind = 'whatsapp'
                  AND state = 'connected' AND token_sealed IS NOT NULL
                ORDER BY (health = 'ok') DESC, changed_at DESC LIMIT 1
            ) c ON true
            WHERE v.id = ANY ($1) AND v.state IN ('submitting', 'unconfirmed')
              AND v.organization_id = ANY (current_setting('app.orgs')::uuid[])
            """,
            list(version_ids),
        )

    async def to_delete(self, template_ids: Collection[UUID]) -> list[Row]:
        """What deleting templates takes."""
        return await self.tx.fetch(
            """
            SELECT t.id, t.organization_id, t.waba_id, t.name, t.language, t.provider_id, c.token_sealed
            FROM message_templates t
            LEFT JOIN LATERAL (
                SELECT token_sealed FROM channels
                WHERE organization_id = t.organization_id AND waba_id = t.waba_id AND kind = 'whatsapp'
                  AND state = 'connected' AND token_sealed IS NOT NULL
                ORDER BY (health = 'ok') DESC, changed_at DESC LIMIT 1
            ) c ON true
            WHERE t.id = ANY ($1) AND t.status = 'deleting' AND t.provider_id IS NOT NULL
              AND t.organization_id = ANY (current_setting('app.orgs')::uuid[])
            """,
            list(template_ids),
        )

    async def lock_by_version(self, version_id: UUID) -> tuple[Template, Version] | None:
        """A version with its template, both for update."""
        row = await self.tx.fetchrow(
            "SELECT template_id, number FROM message_template_versions WHERE id = $1 AND organization_id = $2",
            version_id,
            self.tx.organization_id,
        )
        if row is None:
            return None
        template = await self.lock(row["template_id"])
        version = await self.version(template.id, row["number"])
        return None if version is None else (template, version)

    async def saw(self, template_ids: Sequence[UUID], at: datetime) -> None:
        """A reading of the platform's list has found these."""
        await self.tx.execute(
            "UPDATE message_templates SET seen_at = $3 WHERE id = ANY ($1) AND organization_id = $2",
            list(template_ids),
            self.tx.organization_id,
            at,
        )

    async def lock_unseen(self, waba_id: str, since: datetime) -> list[Template]:
        """What the platform should have and a whole reading has not found, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM message_templates
            WHERE organization_id = $1 AND waba_id = $2 AND provider_id IS NOT NULL AND created_at < $3
              AND coalesce(seen_at, '-infinity') < $3 AND coalesce(told_at, '-infinity') < $3
              AND changed_at < $3 AND status NOT IN ('deleted', 'draft', 'submitting')
            ORDER BY id FOR UPDATE
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            waba_id,
            since,
        )
        return [_template(row) for row in rows]


def _found(row: Row | None) -> Template:
    if row is None:
        raise TemplateNotFound
    return _template(row)


def _template(row: Row) -> Template:
    values: Mapping[str, Any] = dict(row)
    return Template(**{**values, "status": Status(values["status"])})


def version_of(row: Row) -> Version:
    """A version from its row."""
    return Version(**dict(row))
