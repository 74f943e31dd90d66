from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth.grants.model import Grant, GrantReason
from kit.db.database import Row, Transaction

_COLUMNS: Final = """
    id, organization_id, plan, until, reason, note_sealed, granted_by, version, created_at, revoked_by, revoked_at,
    revoked_at IS NULL AND until > kit_now() AS active
"""


@dataclass(frozen=True, slots=True)
class GrantRepository:
    """Grants of the transaction's organization."""

    tx: Transaction

    async def lock_organization(self) -> bool:
        """Let grants be made and revoked one after the other; False when there is no such organization."""
        found = await self.tx.fetchval(
            "SELECT true FROM organizations WHERE id = $1 FOR NO KEY UPDATE", self.tx.organization_id
        )
        return bool(found)

    async def count_active(self) -> int:
        """How many go on."""
        count: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM subscription_grants
            WHERE organization_id = $1 AND revoked_at IS NULL AND until > kit_now()
            """,
            self.tx.organization_id,
        )
        return count

    async def add(self, grant: Grant) -> None:
        """Write one down."""
        await self.tx.execute(
            """
            INSERT INTO subscription_grants (id, organization_id, plan, until, reason, note_sealed, granted_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            grant.id,
            self.tx.organization_id,
            grant.plan,
            grant.until,
            grant.reason,
            grant.note_sealed,
            grant.granted_by,
        )

    async def find(self, grant_id: UUID) -> Grant | None:
        """One."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM subscription_grants WHERE organization_id = $1 AND id = $2",  # noqa: S608 - ours
            self.tx.organization_id,
            grant_id,
        )
        return None if row is None else _grant(row)

    async def revoke(self, grant_id: UUID, staff_id: UUID) -> int | None:
        """Take one back; its new version, or None when it was taken back before."""
        version: int | None = await self.tx.fetchval(
            """
            UPDATE subscription_grants SET revoked_by = $3, revoked_at = kit_now(), version = version + 1
            WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL
            RETURNING version
            """,
            self.tx.organization_id,
            grant_id,
            staff_id,
        )
        return version

    async def page(self, before: UUID | None, at_most: int) -> list[Grant]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM subscription_grants
            WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            before or UUID(int=2**128 - 1),
            at_most,
        )
        return [_grant(row) for row in rows]


def _grant(row: Row) -> Grant:
    return Grant(**{**row, "reason": GrantReason(row["reason"])})
