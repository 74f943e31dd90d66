from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from generation.calls.model import CallStatus, Period, Reservation, Saving, Settlement, Spending, UsageLine
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL

By = Literal["day", "user", "feature", "model"]
_KEYS: Final = {
    "day": "to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    "user": "coalesce(user_id::text, '')",
    "feature": "feature",
    "model": "model",
}
_MONTH: Final = "date_trunc('month', kit_now(), 'UTC')::date"
_LIMIT: Final = "coalesce((SELECT monthly FROM budgets WHERE organization_id = $1), $2)"


@dataclass(frozen=True, slots=True)
class CallRepository:
    """Calls and spending of the transaction's organization."""

    tx: Transaction
    default_limit: int

    async def reserve(self, wanted: Reservation) -> bool:
        """Set the amount aside if that much is left, in one statement; others who want some of it wait for us."""
        made = await self.tx.execute(
            f"""
            WITH allowed AS (SELECT {_LIMIT}::bigint AS monthly), month AS (
                INSERT INTO spending AS held (organization_id, month, reserved)
                SELECT $1, {_MONTH}, $3::bigint FROM allowed WHERE monthly >= $3
                ON CONFLICT (organization_id, month) DO UPDATE SET reserved = held.reserved + excluded.reserved
                WHERE held.spent + held.reserved + excluded.reserved <= (SELECT monthly FROM allowed)
                RETURNING month
            )
            INSERT INTO calls (id, organization_id, user_id, work_id, feature, provider, model, status, month,
                               reserved, leased_until)
            SELECT $4, $1, $5, $6, $7, $8, $9, 'calling', month, $3, kit_now() + $10::interval FROM month
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            self.default_limit,
            wanted.amount,
            wanted.id,
            wanted.purpose.user_id,
            wanted.purpose.work_id,
            wanted.purpose.feature,
            wanted.provider,
            wanted.model,
            wanted.lasts,
        )
        return made == 1

    async def settle(self, call_id: UUID, came: Settlement) -> Row | None:
        """Record what a call came to, once; a late answer corrects what was assumed of one that was unanswered.

        Returns:
            The month's spending after it with `monthly`, its limit; None when it was settled before.
        """
        return await self.tx.fetchrow(
            f"""
            WITH allowed AS (SELECT {_LIMIT}::bigint AS monthly), before AS (
                SELECT id, month, status, reserved, cost FROM calls
                WHERE id = $3 AND organization_id = $1 AND status IN ('calling', 'unanswered') FOR UPDATE
            ), settled AS (
                UPDATE calls SET status = $4, cost = $5, plain = $6, input_tokens = $7, cached_tokens = $8,
                    output_tokens = $9, milliseconds = $10, saved_by = $11, code = $12, compacted = $13,
                    leased_until = NULL,
                    ended_at = kit_now()
                FROM before WHERE calls.id = before.id
            )
            UPDATE spending AS held SET
                reserved = held.reserved - CASE before.status WHEN 'calling' THEN before.reserved ELSE 0 END,
                spent = held.spent + $5 - CASE before.status WHEN 'calling' THEN 0 ELSE before.cost END
            FROM before
            WHERE held.organization_id = $1 AND held.month = before.month
            RETURNING held.month, held.spent, held.warned, (SELECT monthly FROM allowed) AS monthly
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            self.default_limit,
            call_id,
            came.status,
            came.cost,
            came.plain,
            came.usage.input_tokens,
            came.usage.cached_tokens,
            came.usage.output_tokens,
            came.milliseconds,
            came.saved_by,
            came.code,
            came.compacted,
        )

    async def reserved(self, call_id: UUID) -> int:
        """How much is set aside for a call; nothing where there is none."""
        found = await self.tx.fetchval(
            "SELECT reserved FROM calls WHERE id = $1 AND organization_id = $2", call_id, self.tx.organization_id
        )
        return int(found or 0)

    async def add_free(self, saved: Reservation, came: Settlement) -> None:
        """Record a call that was not made, since its answer was there already."""
        await self.tx.execute(
            f"""
            INSERT INTO calls (id, organization_id, user_id, work_id, feature, provider, model, status, month,
                               reserved, plain, saved_by, milliseconds, ended_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, '{CallStatus.DONE}', {_MONTH}, 0, $8, $9, $10, kit_now())
            """,  # noqa: S608 - ours
            saved.id,
            self.tx.organization_id,
            saved.purpose.user_id,
            saved.purpose.work_id,
            saved.purpose.feature,
            saved.provider,
            saved.model,
            came.plain,
            came.saved_by,
            came.milliseconds,
        )

    async def warn(self, row: Row, percent: int) -> None:
        """Note which threshold was told."""
        await self.tx.execute(
            "UPDATE spending SET warned = $3 WHERE organization_id = $1 AND month = $2",
            self.tx.organization_id,
            row["month"],
            percent,
        )

    async def spending(self) -> Spending:
        """How this month stands."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_MONTH} AS month, coalesce(held.spent, 0) AS spent, coalesce(held.reserved, 0) AS reserved,
                   {_LIMIT} AS monthly
            FROM (SELECT) AS one
            LEFT JOIN spending AS held ON held.organization_id = $1 AND held.month = {_MONTH}
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            self.default_limit,
        )
        assert row is not None  # noqa: S101 - a row of its own
        return Spending(row["month"], row["spent"], row["reserved"], row["monthly"])

    async def usage(self, by: By, period: Period, at_most: int) -> list[UsageLine]:
        """What was used and spent, the dearest first, days in their order."""
        order = "1" if by == "day" else "7 DESC, 1"
        rows = await self.tx.fetch(
            f"""
            SELECT {_KEYS[by]} AS key, count(*) AS calls, sum(input_tokens)::bigint AS input_tokens,
                   sum(cached_tokens)::bigint AS cached_tokens, sum(output_tokens)::bigint AS output_tokens,
                   sum(milliseconds)::bigint AS milliseconds, sum(cost)::bigint AS cost, sum(plain)::bigint AS plain
            FROM calls
            WHERE organization_id = $1 AND started_at >= $2 AND started_at < $3 AND status <> 'calling'
            GROUP BY 1 ORDER BY {order} LIMIT $4
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            period.since,
            period.until,
            at_most,
        )
        return [UsageLine(**dict(row)) for row in rows]

    async def savings(self, period: Period) -> list[Saving]:
        """What each way of saving saved."""
        rows = await self.tx.fetch(
            """
            WITH these AS (
                SELECT saved_by, cost, plain, compacted FROM calls
                WHERE organization_id = $1 AND started_at >= $2 AND started_at < $3
                  AND (saved_by <> '' OR compacted > 0)
            )
            SELECT saved_by AS way, count(*) AS calls, sum(cost)::bigint AS cost,
                   sum(plain - compacted)::bigint AS plain
            FROM these WHERE saved_by <> '' GROUP BY 1
            UNION ALL
            SELECT 'compaction', count(*), sum(plain - compacted)::bigint, sum(plain)::bigint
            FROM these WHERE compacted > 0 HAVING count(*) > 0
            ORDER BY 1
            """,
            self.tx.organization_id,
            period.since,
            period.until,
        )
        return [Saving(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class PersonsCalls:
    """What one user had models do, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Calls in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, feature, provider, model, status, cost, input_tokens, cached_tokens,
                   output_tokens, milliseconds, started_at
            FROM calls
            WHERE user_id = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Keep as many of them as nobody's; how many."""
        return await self.tx.execute(
            """
            UPDATE calls SET user_id = NULL
            WHERE id IN (
                SELECT id FROM calls WHERE user_id = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


async def lapse(tx: Transaction, at_most: int) -> list[Row]:
    """Settle calls whose process is gone, of all organizations: as unanswered, with all that was set aside."""
    return await tx.fetch("SELECT id, organization_id, work_id FROM calls_lapse($1)", at_most)
