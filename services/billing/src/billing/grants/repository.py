from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class GrantRepository:
    """Granted plans of the transaction's organization."""

    tx: Transaction

    async def lock(self) -> None:
        """Let changes of the organization's plan happen one after the other, also before there are rows of it."""
        await self.tx.execute(
            "SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext($1::text))",
            str(self.tx.organization_id),
        )

    async def save(self, grant_id: UUID, plan: str, until: datetime, version: int, *, revoked: bool) -> bool:
        """Write what is known of a grant; False when something newer, or the same, was known."""
        saved = await self.tx.execute(
            """
            INSERT INTO grants AS held (grant_id, organization_id, plan, until, revoked, version)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (grant_id) DO UPDATE
            SET plan = excluded.plan, until = excluded.until, revoked = excluded.revoked, version = excluded.version
            WHERE held.version < excluded.version
            """,
            grant_id,
            self.tx.organization_id,
            plan,
            until,
            revoked,
            version,
        )
        return saved == 1

    async def active(self) -> list[str]:
        """The plans that are granted now."""
        rows = await self.tx.fetch(
            """
            SELECT plan FROM grants
            WHERE organization_id = $1 AND until > kit_now() AND NOT revoked AND ended_at IS NULL
            """,
            self.tx.organization_id,
        )
        return [row["plan"] for row in rows]

    async def end_due(self) -> None:
        """Mark those whose end is being acted upon."""
        await self.tx.execute(
            """
            UPDATE grants SET ended_at = kit_now()
            WHERE organization_id = $1 AND until <= kit_now() AND ended_at IS NULL
            """,
            self.tx.organization_id,
        )

    async def due(self, at_most: int) -> list[UUID]:
        """Organizations, of whatever tenant, in which a grant has ended that nobody has acted upon."""
        rows = await self.tx.fetch("SELECT organization_id FROM organizations_with_ended_grants($1)", at_most)
        return [row["organization_id"] for row in rows]
