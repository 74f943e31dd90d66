from dataclasses import dataclass
from datetime import datetime

from billing.organizations.errors import HEARD_OF_WITHIN, OrganizationNotHeardOf
from billing.organizations.model import BillingOrganization
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class OrganizationRepository:
    """The transaction's organization in billing's own tables."""

    tx: Transaction

    async def add(self, *, version: int, created_at: datetime) -> bool:
        """Take an organization in; False when it is already known, and nothing changes then."""
        added = await self.tx.execute(
            """
            INSERT INTO organizations (organization_id, version, created_at)
            VALUES ($1, $2, $3)
            ON CONFLICT (organization_id) DO NOTHING
            """,
            self.tx.organization_id,
            version,
            created_at,
        )
        return added == 1

    async def find(self) -> BillingOrganization:
        """The organization with its entitlements and the seats that are taken.

        Its version is the sum of the versions of its parts, each of which only rises.

        Raises:
            OrganizationNotHeardOf: its creation has not arrived.
        """
        row = await self.tx.fetchrow(
            """
            SELECT o.organization_id, o.status, e.plan, e.limits, s.used AS seats_used,
                   o.version + e.version + s.versions AS version
            FROM organizations o
            JOIN entitlements e USING (organization_id)
            CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE taken) AS used, coalesce(sum(version), 0)::bigint AS versions
                FROM seats WHERE organization_id = o.organization_id
            ) s
            WHERE o.organization_id = $1
            """,
            self.tx.organization_id,
        )
        if row is None:
            raise OrganizationNotHeardOf(retry_after=HEARD_OF_WITHIN)
        return BillingOrganization(
            organization_id=row["organization_id"],
            status=row["status"],
            plan=row["plan"],
            seats_used=row["seats_used"],
            entitlements=row["limits"],
            version=row["version"],
        )
