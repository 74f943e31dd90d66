from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth.suspensions.model import Reason, Suspension
from kit.db.database import Row, Transaction

_COLUMNS: Final = "id, user_id, organization_id, reason, note_sealed, suspended_by, created_at, lifted_by, lifted_at"


@dataclass(frozen=True, slots=True)
class SuspensionRepository:
    """Suspensions, and the marks on users and organizations that count."""

    tx: Transaction

    async def is_there(self, user_id: UUID | None) -> bool:
        """Whether there is this user, or without one the transaction's organization."""
        if user_id is not None:
            return bool(await self.tx.fetchval("SELECT true FROM users WHERE id = $1", user_id))
        return bool(await self.tx.fetchval("SELECT true FROM organizations WHERE id = $1", self.tx.organization_id))

    async def mark_user(self, user_id: UUID, *, suspended: bool) -> tuple[bool, int] | None:
        """Suspend or restore; whether that changed anything, and the version. None when there is no such user."""
        return _marked(
            await self.tx.fetchrow(
                """
                WITH held AS (SELECT id, suspended_at FROM users WHERE id = $1 FOR NO KEY UPDATE)
                UPDATE users AS u
                SET suspended_at = CASE WHEN $2 THEN coalesce(held.suspended_at, kit_now()) END,
                    version = u.version + ((held.suspended_at IS NOT NULL) IS DISTINCT FROM $2)::int
                FROM held WHERE u.id = held.id
                RETURNING (held.suspended_at IS NOT NULL) IS DISTINCT FROM $2 AS changed, u.version
                """,
                user_id,
                suspended,
            )
        )

    async def mark_organization(self, *, suspended: bool) -> tuple[bool, int] | None:
        """The same for the transaction's organization."""
        return _marked(
            await self.tx.fetchrow(
                """
                WITH held AS (SELECT id, suspended_at FROM organizations WHERE id = $1 FOR NO KEY UPDATE)
                UPDATE organizations AS o
                SET suspended_at = CASE WHEN $2 THEN coalesce(held.suspended_at, kit_now()) END,
                    version = o.version + ((held.suspended_at IS NOT NULL) IS DISTINCT FROM $2)::int
                FROM held WHERE o.id = held.id
                RETURNING (held.suspended_at IS NOT NULL) IS DISTINCT FROM $2 AS changed, o.version
                """,
                self.tx.organization_id,
                suspended,
            )
        )

    async def add(self, suspension: Suspension) -> None:
        """Write one down."""
        await self.tx.execute(
            """
            INSERT INTO suspensions (id, user_id, organization_id, reason, note_sealed, suspended_by)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            suspension.id,
            suspension.user_id,
            suspension.organization_id,
            suspension.reason,
            suspension.note_sealed,
            suspension.suspended_by,
        )

    async def lift_of_user(self, user_id: UUID, staff_id: UUID) -> None:
        """The open one of a user is over."""
        await self.tx.execute(
            """
            UPDATE suspensions SET lifted_by = $2, lifted_at = kit_now()
            WHERE user_id = $1 AND lifted_at IS NULL
            """,
            user_id,
            staff_id,
        )

    async def lift_of_organization(self, staff_id: UUID) -> None:
        """The open one of the transaction's organization is over."""
        await self.tx.execute(
            """
            UPDATE suspensions SET lifted_by = $2, lifted_at = kit_now()
            WHERE organization_id = $1 AND lifted_at IS NULL
            """,
            self.tx.organization_id,
            staff_id,
        )

    async def of_user(self, user_id: UUID, at_most: int) -> list[Suspension]:
        """Those of a user, the newest first."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM suspensions WHERE user_id = $1 ORDER BY id DESC LIMIT $2",  # noqa: S608 - ours
            user_id,
            at_most,
        )
        return [_suspension(row) for row in rows]

    async def of_organization(self, at_most: int) -> list[Suspension]:
        """Those of the transaction's organization, the newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM suspensions WHERE organization_id = $1 ORDER BY id DESC LIMIT $2
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            at_most,
        )
        return [_suspension(row) for row in rows]

    async def delete_of_user(self, user_id: UUID) -> int:
        """Forget those of a user."""
        return await self.tx.execute("DELETE FROM suspensions WHERE user_id = $1", user_id)

    async def void_tokens_of_members(self) -> list[Row]:
        """Raise the epochs of all members of the transaction's organization, and let gateways that ask know."""
        return await self.tx.fetch(
            """
            WITH held AS (
                SELECT u.id FROM users AS u
                WHERE u.id IN (SELECT user_id FROM members WHERE organization_id = $1)
                ORDER BY u.id FOR NO KEY UPDATE
            ), raised AS (
                UPDATE users AS u SET epoch = u.epoch + 1, version = u.version + 1
                FROM held WHERE u.id = held.id
                RETURNING u.id, u.epoch, u.version
            ), told AS (
                INSERT INTO revocations (id, user_id, session_id, epoch)
                SELECT gen_random_uuid(), raised.id, NULL, raised.epoch FROM raised
            )
            SELECT id AS user_id, epoch, version FROM raised
            """,
            self.tx.organization_id,
        )

    async def void_keys(self) -> list[Row]:
        """Let gateways refuse the tokens of all keys and programs of the transaction's organization."""
        return await self.tx.fetch(
            """
            WITH keys AS (
                SELECT id, version FROM api_keys
                WHERE organization_id = $1 AND ended_at IS NULL AND expires_at > kit_now()
                UNION ALL
                SELECT id, version FROM oauth_clients WHERE organization_id = $1 AND ended_at IS NULL
            ), told AS (
                INSERT INTO revocations (id, user_id, session_id, epoch)
                SELECT gen_random_uuid(), keys.id, keys.id, 0 FROM keys
            )
            SELECT id AS key_id, version FROM keys
            """,
            self.tx.organization_id,
        )


def _marked(row: Row | None) -> tuple[bool, int] | None:
    return None if row is None else (row["changed"], row["version"])


def _suspension(row: Row) -> Suspension:
    return Suspension(**{**row, "reason": Reason(row["reason"])})
