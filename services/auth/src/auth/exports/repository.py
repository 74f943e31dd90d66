from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.exports.model import LIFE, StaffExport, State, UserLine, What
from auth.operations.audience import Audience
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL

_COLUMNS: Final = "e.id, e.what, e.audience, e.job_id, e.requested_by, e.state, e.bytes, e.expires_at, e.created_at"


@dataclass(frozen=True, slots=True)
class StaffExportRepository:
    """Exports and their pieces."""

    tx: Transaction

    async def add(self, export_id: UUID, what: What, audience: Audience, job_id: UUID, by: UUID) -> None:
        """Somebody has asked for a list."""
        await self.tx.execute(
            """
            INSERT INTO staff_exports (id, what, audience, job_id, requested_by, expires_at)
            VALUES ($1, $2, $3, $4, $5, kit_now() + $6::interval)
            """,
            export_id,
            what,
            audience.stored(),
            job_id,
            by,
            LIFE,
        )

    async def find(self, export_id: UUID) -> StaffExport | None:
        """One of them."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM staff_exports AS e WHERE e.id = $1",  # noqa: S608 - the columns are a constant
            export_id,
        )
        return None if row is None else _export(row)

    async def of_job(self, job_id: UUID) -> StaffExport | None:
        """The export that a job makes."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM staff_exports AS e WHERE e.job_id = $1",  # noqa: S608 - the columns are a constant
            job_id,
        )
        return None if row is None else _export(row)

    async def page(self, by: UUID, before: UUID | None, limit: int) -> list[StaffExport]:
        """What somebody has asked for, the newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM staff_exports AS e
            WHERE e.requested_by = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT $3
            """,  # noqa: S608 - the columns are a constant
            by,
            before or AFTER_ALL,
            limit,
        )
        return [_export(row) for row in rows]

    async def add_piece(self, export_id: UUID, number: int, sealed: bytes, size: int) -> None:
        """Lines of one batch, in the place that the number of its first row says."""
        await self.tx.execute(
            "INSERT INTO staff_export_pieces (export_id, number, sealed) VALUES ($1, $2, $3)",
            export_id,
            number,
            sealed,
        )
        await self.tx.execute("UPDATE staff_exports SET bytes = bytes + $2 WHERE id = $1", export_id, size)

    async def next_piece(self, export_id: UUID, after: int) -> tuple[int, bytes] | None:
        """The next piece in order."""
        row = await self.tx.fetchrow(
            """
            SELECT number, sealed FROM staff_export_pieces WHERE export_id = $1 AND number > $2
            ORDER BY number LIMIT 1
            """,
            export_id,
            after,
        )
        return None if row is None else (row["number"], row["sealed"])

    async def end(self, job_id: UUID, state: State) -> None:
        """The job has ended; of one that failed or was cancelled nothing stays."""
        await self.tx.execute(
            "UPDATE staff_exports SET state = $2 WHERE job_id = $1 AND state = 'under_way'", job_id, state
        )
        if state is not State.READY:
            await self.tx.execute(
                """
                DELETE FROM staff_export_pieces
                WHERE export_id IN (SELECT id FROM staff_exports WHERE job_id = $1)
                """,
                job_id,
            )

    async def expire(self) -> UUID | None:
        """Delete the pieces of one export whose time is over; returns which, for the audit trail."""
        expired: UUID | None = await self.tx.fetchval(
            """
            UPDATE staff_exports SET state = 'expired' WHERE id = (
                SELECT id FROM staff_exports WHERE state <> 'expired' AND expires_at <= kit_now()
                ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED
            ) RETURNING id
            """
        )
        if expired is not None:
            await self.tx.execute("DELETE FROM staff_export_pieces WHERE export_id = $1", expired)
        return expired

    async def users(self, user_ids: Collection[UUID]) -> dict[UUID, UserLine]:
        """Users as the list has them; who is gone is missing."""
        rows = await self.tx.fetch(
            """
            SELECT u.id, u.locale, u.created_at, u.verified_at, u.suspended_at, i.id AS identity_id, i.sealed,
                   (SELECT max(s.used_at) FROM sessions AS s WHERE s.user_id = u.id) AS last_active_at
            FROM users AS u
            LEFT JOIN LATERAL (
                SELECT id, sealed FROM identities
                WHERE user_id = u.id AND kind = 'email' AND verified_at IS NOT NULL ORDER BY id LIMIT 1
            ) AS i ON true
            WHERE u.id = ANY ($1::uuid[])
            """,
            list(user_ids),
        )
        return {row["id"]: _user(row) for row in rows}

    async def organizations(self, after: UUID, limit: int) -> list[UUID]:
        """Organizations by id, across tenants."""
        rows = await self.tx.fetch("SELECT id FROM organizations_listed($1, $2, NULL)", after, limit)
        return [row["id"] for row in rows]

    async def organization_lines(self, among: Collection[UUID]) -> dict[UUID, tuple[Any, ...]]:
        """Organizations as the list has them."""
        rows = await self.tx.fetch(
            "SELECT id, name, plan, members, created_at FROM organizations_listed($1, NULL, $2)",
            UUID(int=0),
            list(among),
        )
        return {row["id"]: tuple(row.values()) for row in rows}

    async def count_organizations(self) -> int:
        """How many there are."""
        return int(await self.tx.fetchval("SELECT count(*) FROM organizations_listed($1, NULL, NULL)", UUID(int=0)))


def _user(row: Row) -> UserLine:
    sealed = None if row["identity_id"] is None else SealedAddress(row["identity_id"], row["sealed"])
    return UserLine(
        id=row["id"],
        address=sealed,
        language=row["locale"],
        created_at=row["created_at"],
        verified_at=row["verified_at"],
        last_active_at=row["last_active_at"],
        suspended_at=row["suspended_at"],
    )


def _export(row: Row) -> StaffExport:
    values = {name: row[name] for name in StaffExport.__dataclass_fields__}
    return StaffExport(
        **{
            **values,
            "what": What(row["what"]),
            "state": State(row["state"]),
            "audience": Audience.read(row["audience"]),
        }
    )
