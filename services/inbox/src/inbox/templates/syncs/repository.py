from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from inbox.templates.errors import SyncNotFound
from inbox.templates.model import Sync
from kit.db.database import Row, Transaction

_COLUMNS: Final = "id, waba_id, page_id, place, state, pages, seen, gone, reason, started_at, ended_at"


@dataclass(frozen=True, slots=True)
class SyncRepository:
    """Readings of the platform's lists of templates."""

    tx: Transaction

    async def begin(self, sync_id: UUID, page_id: UUID, waba_id: str) -> Sync | None:
        """Begin a reading; None while one of this account goes on."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO message_template_syncs (id, organization_id, waba_id, page_id) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            sync_id,
            self.tx.organization_id,
            waba_id,
            page_id,
        )
        return None if row is None else Sync(**dict(row))

    async def due_accounts(self, every: timedelta, after_failure: timedelta, at_most: int) -> list[tuple[UUID, str]]:
        """Organizations with accounts of theirs whose list is to be read, of all; longest not read first."""
        rows = await self.tx.fetch(
            "SELECT organization_id, waba_id FROM template_lists_due($1, $2, $3)", every, after_failure, at_most
        )
        return [(row["organization_id"], row["waba_id"]) for row in rows]

    async def forget(self, waba_id: str, before: datetime) -> None:
        """Readings of an account that ended before then are not kept."""
        await self.tx.execute(
            """
            DELETE FROM message_template_syncs
            WHERE organization_id = $1 AND waba_id = $2 AND state <> 'running' AND started_at < $3
            """,
            self.tx.organization_id,
            waba_id,
            before,
        )

    async def running(self, waba_id: str) -> Sync | None:
        """The reading of this account that goes on."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM message_template_syncs
            WHERE organization_id = $1 AND waba_id = $2 AND state = 'running'
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            waba_id,
        )
        return None if row is None else Sync(**dict(row))

    async def find(self, sync_id: UUID) -> Sync:
        """One reading.

        Raises:
            SyncNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM message_template_syncs WHERE organization_id = $1 AND id = $2",  # noqa: S608
            self.tx.organization_id,
            sync_id,
        )
        if row is None:
            raise SyncNotFound
        return Sync(**dict(row))

    async def due(self, page_ids: Collection[UUID]) -> list[Row]:
        """The readings whose next page this is, with a token of their account; of several organizations."""
        return await self.tx.fetch(
            """
            SELECT s.id, s.page_id, s.organization_id, s.waba_id, s.place, c.token_sealed
            FROM message_template_syncs s
            LEFT JOIN LATERAL (
                SELECT token_sealed FROM channels
                WHERE organization_id = s.organization_id AND waba_id = s.waba_id AND kind = 'whatsapp'
                  AND state = 'connected' AND token_sealed IS NOT NULL
                ORDER BY (health = 'ok') DESC, changed_at DESC LIMIT 1
            ) c ON true
            WHERE s.page_id = ANY ($1) AND s.state = 'running'
              AND s.organization_id = ANY (current_setting('app.orgs')::uuid[])
            """,
            list(page_ids),
        )

    async def lock_page(self, page_id: UUID) -> Sync | None:
        """The reading whose page this is, for update."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM message_template_syncs
            WHERE organization_id = $1 AND page_id = $2 AND state = 'running' FOR UPDATE
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            page_id,
        )
        return None if row is None else Sync(**dict(row))

    async def go_on(self, sync_id: UUID, page_id: UUID, place: str, seen: int) -> None:
        """A page was read; the next one begins here."""
        await self.tx.execute(
            """
            UPDATE message_template_syncs SET page_id = $3, place = $4, pages = pages + 1, seen = seen + $5
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            sync_id,
            page_id,
            place,
            seen,
        )

    async def end(self, sync_id: UUID, *, state: str, gone: int = 0, reason: str = "", at: datetime) -> None:
        """The reading is over."""
        await self.tx.execute(
            """
            UPDATE message_template_syncs SET state = $3, gone = $4, reason = $5, ended_at = $6
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            sync_id,
            state,
            gone,
            reason,
            at,
        )
