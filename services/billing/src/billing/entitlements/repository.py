from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.entitlements.model import Own, PlanOf, Terms
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class Held:
    """What an organization has now, why, and what time it is."""

    terms: Terms
    own: Own
    now: datetime


@dataclass(frozen=True, slots=True)
class EntitlementRepository:
    """The snapshot of what the transaction's organization may use."""

    tx: Transaction

    async def begin(self, own: Own, terms: Terms) -> int:
        """Write what a new organization has; returns the first version."""
        version: int = await self.tx.fetchval(
            """
            INSERT INTO entitlements (organization_id, plan, limits, own_plan, own_version, own_seats)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING version
            """,
            self.tx.organization_id,
            terms.plan,
            dict(terms.limits),
            own.plan,
            own.version,
            own.seats,
        )
        return version

    async def save(self, terms: Terms) -> int:
        """Write it over what was granted before and return the new version."""
        version: int = await self.tx.fetchval(
            """
            UPDATE entitlements SET plan = $2, limits = $3, version = version + 1, changed_at = kit_now()
            WHERE organization_id = $1 RETURNING version
            """,
            self.tx.organization_id,
            terms.plan,
            dict(terms.limits),
        )
        return version

    async def own(self, own: Own) -> None:
        """Write what the organization has by itself."""
        await self.tx.execute(
            "UPDATE entitlements SET own_plan = $2, own_version = $3, own_seats = $4 WHERE organization_id = $1",
            self.tx.organization_id,
            own.plan,
            own.version,
            own.seats,
        )

    async def held(self) -> Held | None:
        """What is in force and why, for update; None while billing has not heard of the organization."""
        row = await self.tx.fetchrow(
            """
            SELECT plan, limits, own_plan, own_version, own_seats, kit_now() AS now FROM entitlements
            WHERE organization_id = $1 FOR NO KEY UPDATE
            """,
            self.tx.organization_id,
        )
        if row is None:
            return None
        own = Own(row["own_plan"], row["own_version"], row["own_seats"])
        return Held(Terms(row["plan"], row["limits"]), own, row["now"])

    async def now(self) -> datetime:
        """The platform's time."""
        now: datetime = await self.tx.fetchval("SELECT kit_now()")
        return now

    async def plans_after(self, after: UUID, at_most: int) -> Sequence[PlanOf]:
        """The plans of all organizations after this one, of whatever tenant, in the order of their ids."""
        rows = await self.tx.fetch("SELECT * FROM plans_after($1, $2)", after, at_most)
        return [PlanOf(**row) for row in rows]

    async def withheld(self) -> bool:
        """Whether a lost dispute withholds what the organization pays for (`disputes.model`)."""
        found: bool = await self.tx.fetchval(
            "SELECT EXISTS (SELECT FROM disputes WHERE organization_id = $1 AND withholds)", self.tx.organization_id
        )
        return found
