from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.quota.model import Meter

_PERIOD = "CASE WHEN $3 THEN '-infinity'::date ELSE date_trunc('month', kit_now(), 'UTC')::date END"

_SNAPSHOT = """
    SELECT CASE
        WHEN held.organization_id IS NULL THEN $4::bigint
        WHEN jsonb_exists(held.limits, $2) THEN (held.limits ->> $2)::bigint
        ELSE 0
    END AS allowed
    FROM (SELECT) AS one LEFT JOIN quota_limits AS held ON held.organization_id = $1
"""


@dataclass(frozen=True, slots=True)
class QuotaRepository:
    """Limits, use and reservations of one organization: the transaction's, unless it is bound to several."""

    tx: Transaction
    of: UUID | None = None

    @property
    def organization_id(self) -> UUID:
        """Whose they are."""
        return self.of or self.tx.organization_id

    async def save_limits(self, plan: str, limits: Mapping[str, int | None], version: int) -> bool:
        """Keep a snapshot; False when a newer one is known."""
        touched = await self.tx.execute(
            """
            INSERT INTO quota_limits AS held (organization_id, plan, limits, version) VALUES ($1, $2, $3, $4)
            ON CONFLICT (organization_id) DO UPDATE
            SET plan = excluded.plan, limits = excluded.limits, version = excluded.version, heard_at = kit_now()
            WHERE held.version < excluded.version
            """,
            self.organization_id,
            plan,
            dict(limits),
            version,
        )
        return touched == 1

    async def reserve(self, meter: Meter, amount: int, reservation_id: UUID, life: timedelta) -> bool:
        """Set an amount aside if that much is left, in one statement; others who want some of it wait for us."""
        made = await self.tx.execute(
            f"""
            WITH snapshot AS ({_SNAPSHOT}), usage AS (
                INSERT INTO quota_usage AS u (organization_id, meter, period, reserved)
                SELECT $1, $2, {_PERIOD}, $5 FROM snapshot WHERE allowed IS NULL OR allowed >= $5
                ON CONFLICT (organization_id, meter, period) DO UPDATE SET reserved = u.reserved + excluded.reserved
                WHERE coalesce(u.used + u.reserved + excluded.reserved <= (SELECT allowed FROM snapshot), true)
                RETURNING period
            )
            INSERT INTO quota_reservations (id, organization_id, meter, period, amount, expires_at)
            SELECT $6, $1, $2, period, $5, kit_now() + $7::interval FROM usage
            """,  # noqa: S608 - ours
            self.organization_id,
            meter.name,
            meter.held,
            meter.before_first,
            amount,
            reservation_id,
            life,
        )
        return made == 1

    async def take(self, meter: Meter, amount: int) -> Row | None:
        """Use an amount at once if that much is left; how the meter stands then."""
        return await self.tx.fetchrow(
            f"""
            WITH snapshot AS ({_SNAPSHOT})
            INSERT INTO quota_usage AS u (organization_id, meter, period, used)
            SELECT $1, $2, {_PERIOD}, $5 FROM snapshot WHERE allowed IS NULL OR allowed >= $5
            ON CONFLICT (organization_id, meter, period) DO UPDATE SET used = u.used + excluded.used
            WHERE coalesce(u.used + u.reserved + excluded.used <= (SELECT allowed FROM snapshot), true)
            RETURNING u.used, u.warned, (SELECT allowed FROM snapshot) AS allowed, u.period
            """,  # noqa: S608 - ours
            self.organization_id,
            meter.name,
            meter.held,
            meter.before_first,
            amount,
        )

    async def give_back(self, meter: Meter, amount: int) -> Row | None:
        """Use that much less from now on, never less than nothing; how the meter stands then."""
        return await self.tx.fetchrow(
            f"""
            WITH snapshot AS ({_SNAPSHOT})
            UPDATE quota_usage AS u SET used = greatest(0, u.used - $5)
            WHERE u.organization_id = $1 AND u.meter = $2 AND u.period = {_PERIOD}
            RETURNING u.used, u.warned, (SELECT allowed FROM snapshot) AS allowed, u.period
            """,  # noqa: S608 - ours
            self.organization_id,
            meter.name,
            meter.held,
            meter.before_first,
            amount,
        )

    async def end(self, reservation_id: UUID, amount: int | None) -> Row | None:
        """End a reservation and use this much of it (None: all); how its meter stands then, or None without one.

        Of one that lapsed the amount is free already; what was used counts nevertheless. No more can be used than
        was set aside.
        """
        return await self.tx.fetchrow(
            """
            WITH gone AS (
                DELETE FROM quota_reservations WHERE id = $1 AND organization_id = $2 AND coalesce($3 <= amount, true)
                RETURNING meter, period, amount, lapsed_at IS NULL AS standing
            )
            UPDATE quota_usage AS u
            SET reserved = u.reserved - CASE WHEN gone.standing THEN gone.amount ELSE 0 END,
                used = u.used + coalesce($3, gone.amount)
            FROM gone
            WHERE u.organization_id = $2 AND u.meter = gone.meter AND u.period = gone.period
            RETURNING u.meter, u.used, u.warned, u.period,
                (SELECT held.limits FROM quota_limits AS held WHERE held.organization_id = $2) AS limits
            """,
            reservation_id,
            self.organization_id,
            amount,
        )

    async def end_all(self, used: Mapping[UUID, int]) -> list[Row]:
        """End many reservations, whosever of the transaction's organizations they are; how their meters stand then.

        The rows of use are taken in one order, so that two who end many at once do not wait in a circle.
        """
        return await self.tx.fetch(
            """
            WITH gone AS (
                DELETE FROM quota_reservations AS r USING unnest($1::uuid[], $2::bigint[]) AS t (id, used)
                WHERE r.id = t.id AND r.organization_id = ANY ($3) AND t.used <= r.amount
                RETURNING r.organization_id, r.meter, r.period, t.used,
                          CASE WHEN r.lapsed_at IS NULL THEN r.amount ELSE 0 END AS freed
            ), sums AS (
                SELECT organization_id, meter, period, sum(freed)::bigint AS freed, sum(used)::bigint AS used
                FROM gone GROUP BY 1, 2, 3
            ), locked AS MATERIALIZED (
                SELECT u.organization_id, u.meter, u.period FROM quota_usage AS u
                JOIN sums USING (organization_id, meter, period)
                ORDER BY u.organization_id, u.meter, u.period FOR UPDATE OF u
            )
            UPDATE quota_usage AS u SET reserved = u.reserved - sums.freed, used = u.used + sums.used
            FROM locked JOIN sums USING (organization_id, meter, period)
            WHERE (u.organization_id, u.meter, u.period) = (locked.organization_id, locked.meter, locked.period)
            RETURNING u.organization_id, u.meter, u.used, u.warned, u.period, (
                SELECT held.limits FROM quota_limits AS held WHERE held.organization_id = u.organization_id
            ) AS limits
            """,
            list(used.keys()),
            list(used.values()),
            list(self.tx.organization_ids),
        )

    async def extend(self, reservation_id: UUID, life: timedelta) -> bool:
        """Let a reservation stand for so long from now; False when it has lapsed or ended."""
        touched = await self.tx.execute(
            """
            UPDATE quota_reservations SET expires_at = kit_now() + $3::interval
            WHERE id = $1 AND organization_id = $2 AND lapsed_at IS NULL
            """,
            reservation_id,
            self.organization_id,
            life,
        )
        return touched == 1

    async def amount_of(self, reservation_id: UUID) -> int | None:
        """How much was set aside."""
        amount: int | None = await self.tx.fetchval(
            "SELECT amount FROM quota_reservations WHERE id = $1 AND organization_id = $2",
            reservation_id,
            self.organization_id,
        )
        return amount

    async def use(self, meter: Meter) -> Row:
        """How a meter stands now."""
        row = await self.tx.fetchrow(
            f"""
            WITH snapshot AS ({_SNAPSHOT})
            SELECT coalesce(u.used, 0) AS used, coalesce(u.reserved, 0) AS reserved, snapshot.allowed,
                   CASE WHEN NOT $3 THEN
                       (date_trunc('month', kit_now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'
                   END AS renews_at
            FROM snapshot LEFT JOIN quota_usage AS u
              ON u.organization_id = $1 AND u.meter = $2 AND u.period = {_PERIOD}
            """,  # noqa: S608 - ours
            self.organization_id,
            meter.name,
            meter.held,
            meter.before_first,
        )
        if row is None:
            raise AssertionError("one row always")
        return row

    async def warn(self, meter: str, period: date, percent: int) -> None:
        """Remember which threshold was told last, or that the use has fallen below it."""
        await self.tx.execute(
            "UPDATE quota_usage SET warned = $4 WHERE organization_id = $1 AND meter = $2 AND period = $3",
            self.organization_id,
            meter,
            period,
            percent,
        )


async def lapse(tx: Transaction, at_most: int) -> int:
    """Free what nobody settled in time, of all organizations."""
    lapsed: int = await tx.fetchval("SELECT quota_lapse($1)", at_most)
    return lapsed


async def forget(tx: Transaction, at_most: int) -> int:
    """Forget what lapsed a month ago and use of more than two years ago."""
    forgotten: int = await tx.fetchval("SELECT quota_forget($1)", at_most)
    return forgotten
