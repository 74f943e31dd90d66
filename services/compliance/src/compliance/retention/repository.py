from dataclasses import dataclass

from compliance.retention.model import Kept, Policy
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class RetentionRepository:
    """What the transaction's organization has decided."""

    tx: Transaction

    async def all(self) -> dict[Kept, Policy]:
        """Its decisions; there is none for what it never decided about."""
        rows = await self.tx.fetch(
            "SELECT retention, days, version FROM retention_policies WHERE organization_id = $1",
            self.tx.organization_id,
        )
        return {policy.retention: policy for policy in map(_policy, rows)}

    async def save(self, retention: Kept, days: int | None) -> Policy | None:
        """Decide; None when it was so already."""
        row = await self.tx.fetchrow(
            """
            INSERT INTO retention_policies AS policy (organization_id, retention, days) VALUES ($1, $2, $3)
            ON CONFLICT (organization_id, retention) DO UPDATE
            SET days = excluded.days, version = policy.version + 1, changed_at = kit_now()
            WHERE policy.days IS DISTINCT FROM excluded.days
            RETURNING retention, days, version
            """,
            self.tx.organization_id,
            retention,
            days,
        )
        return None if row is None else _policy(row)


def _policy(row: Row) -> Policy:
    return Policy(Kept(row["retention"]), row["days"], row["version"])
