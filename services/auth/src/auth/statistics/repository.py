from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from auth.statistics.model import Booking, Figures, Generations, Made, Revenue
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class StatisticsRepository:
    """The numbers of each day."""

    tx: Transaction

    async def now(self) -> datetime:
        """The platform's time."""
        now: datetime = await self.tx.fetchval("SELECT kit_now()")
        return now

    async def count(self, day: date, idle: timedelta) -> None:
        """Count a day anew; twice gives the same, and what was counted is never less for who was forgotten since."""
        await self.tx.execute(
            """
            WITH span AS (
                SELECT $1::date::timestamp AT TIME ZONE 'UTC' AS since,
                       ($1::date + 1)::timestamp AT TIME ZONE 'UTC' AS before
            ), people AS (
                SELECT count(*) AS users, count(*) FILTER (WHERE u.verified_at < span.before) AS verified_users,
                       count(*) FILTER (WHERE u.suspended_at < span.before) AS suspended_users,
                       count(*) FILTER (WHERE u.verified_at < span.before AND f.user_id IS NOT NULL)
                           AS with_second_factor,
                       count(*) FILTER (WHERE u.created_at >= span.since) AS sign_ups
                FROM span, users AS u LEFT JOIN (
                    SELECT user_id FROM totp_factors WHERE activated_at IS NOT NULL
                    UNION SELECT user_id FROM passkeys
                ) AS f ON f.user_id = u.id
                WHERE u.created_at < span.before
            ), doings AS (
                SELECT count(*) FILTER (WHERE a.sign_ins > 0 OR a.minutes > 0) AS active_users,
                       coalesce(sum(a.sign_ins), 0) AS sign_ins, coalesce(sum(a.refusals), 0) AS refusals
                FROM activity AS a WHERE a.day = $1
            ), week AS (
                SELECT count(DISTINCT a.user_id) AS weekly_active_users FROM activity AS a
                WHERE a.day > $1::date - 7 AND a.day <= $1 AND (a.sign_ins > 0 OR a.minutes > 0)
            ), open AS (
                SELECT count(*) AS sessions FROM sessions AS s JOIN users AS u ON u.id = s.user_id
                WHERE s.ended_at IS NULL AND s.expires_at > kit_now() AND s.used_at > kit_now() - $2::interval
                  AND s.epoch >= u.sessions_from_epoch
            ), acting AS (
                SELECT count(*) AS impersonations FROM span, impersonations AS i
                WHERE i.created_at >= span.since AND i.created_at < span.before
            )
            INSERT INTO daily_figures AS held (
                day, users, verified_users, suspended_users, with_second_factor, sign_ups, active_users,
                weekly_active_users, sign_ins, refusals, sessions, organizations, new_organizations, impersonations
            )
            SELECT $1, users, verified_users, suspended_users, with_second_factor, sign_ups, active_users,
                   weekly_active_users, sign_ins, refusals, sessions, organizations, new_organizations, impersonations
            FROM span, people, doings, week, open, acting,
                 LATERAL count_organizations(span.since, span.before)
            ON CONFLICT (day) DO UPDATE
            SET users = excluded.users, verified_users = excluded.verified_users,
                suspended_users = excluded.suspended_users, with_second_factor = excluded.with_second_factor,
                sign_ups = greatest(held.sign_ups, excluded.sign_ups),
                active_users = greatest(held.active_users, excluded.active_users),
                weekly_active_users = greatest(held.weekly_active_users, excluded.weekly_active_users),
                sign_ins = greatest(held.sign_ins, excluded.sign_ins),
                refusals = greatest(held.refusals, excluded.refusals),
                sessions = CASE WHEN (kit_now() AT TIME ZONE 'UTC')::date = held.day THEN excluded.sessions
                                ELSE held.sessions END,
                organizations = excluded.organizations, new_organizations = excluded.new_organizations,
                impersonations = greatest(held.impersonations, excluded.impersonations), counted_at = kit_now()
            """,
            day,
            idle,
        )

    async def newest(self, days: int) -> list[Figures]:
        """The newest days that were counted, the newest first."""
        rows = await self.tx.fetch(
            """
            SELECT day, users, verified_users, suspended_users, with_second_factor, sign_ups, active_users,
                   weekly_active_users, sign_ins, refusals, sessions, organizations, new_organizations,
                   impersonations, counted_at
            FROM daily_figures ORDER BY day DESC LIMIT $1
            """,
            days,
        )
        return [Figures(**row) for row in rows]

    async def purge(self, kept_for: timedelta) -> int:
        """Forget days so long ago."""
        return await self.tx.execute(
            "DELETE FROM daily_figures WHERE day < (kit_now() - $1::interval)::date", kept_for
        )


@dataclass(frozen=True, slots=True)
class RevenueRepository:
    """Money by day and currency."""

    tx: Transaction

    async def add(self, kind: str, bookings: Sequence[Booking], *, received: int = 0, refunded: int = 0) -> None:
        """Add what was not added before, times `received` to what came in and times `refunded` to what went back."""
        await self.tx.execute(
            """
            WITH told AS (
                SELECT DISTINCT ON (fact_id) fact_id, day, currency, amount
                FROM unnest($2::uuid[], $3::date[], $4::text[], $5::bigint[]) AS t (fact_id, day, currency, amount)
                ORDER BY fact_id
            ), fresh AS (
                INSERT INTO counted_facts (kind, fact_id) SELECT $1, fact_id FROM told ORDER BY fact_id
                ON CONFLICT (kind, fact_id) DO NOTHING
                RETURNING fact_id
            )
            INSERT INTO daily_revenue AS held (day, currency, payments, received, refunds, refunded)
            SELECT day, currency, $6::integer * count(*), $6::integer * sum(amount),
                   $7::integer * count(*), $7::integer * sum(amount)
            FROM told JOIN fresh USING (fact_id)
            GROUP BY day, currency ORDER BY day, currency
            ON CONFLICT (day, currency) DO UPDATE
            SET payments = held.payments + excluded.payments, received = held.received + excluded.received,
                refunds = held.refunds + excluded.refunds, refunded = held.refunded + excluded.refunded
            """,
            kind,
            [each.fact_id for each in bookings],
            [each.day for each in bookings],
            [each.currency for each in bookings],
            [each.amount for each in bookings],
            received,
            refunded,
        )

    async def of(self, days: Collection[date]) -> Mapping[date, Sequence[Revenue]]:
        """The money of these days, by currency."""
        rows = await self.tx.fetch(
            """
            SELECT day, currency, payments, received, refunds, refunded FROM daily_revenue
            WHERE day = ANY ($1::date[]) ORDER BY day, currency
            """,
            list(days),
        )
        found = defaultdict[date, list[Revenue]](list)
        for row in rows:
            found[row["day"]].append(Revenue(*row[1:]))
        return found

    async def purge(self, kept_for: timedelta, counted_for: timedelta) -> None:
        """Forget days so long ago, and what was counted so long ago."""
        await self.tx.execute("DELETE FROM daily_revenue WHERE day < (kit_now() - $1::interval)::date", kept_for)
        await self.tx.execute("DELETE FROM counted_facts WHERE counted_at < kit_now() - $1::interval", counted_for)


@dataclass(frozen=True, slots=True)
class GenerationRepository:
    """What was made, by day and kind."""

    tx: Transaction

    async def add(self, made: Sequence[Made]) -> None:
        """Add what was not added before."""
        await self.tx.execute(
            """
            WITH told AS (
                SELECT DISTINCT ON (fact_id) fact_id, day, kind, cost_micros
                FROM unnest($1::uuid[], $2::date[], $3::text[], $4::bigint[]) AS t (fact_id, day, kind, cost_micros)
                ORDER BY fact_id
            ), fresh AS (
                INSERT INTO counted_facts (kind, fact_id) SELECT 'generation', fact_id FROM told ORDER BY fact_id
                ON CONFLICT (kind, fact_id) DO NOTHING
                RETURNING fact_id
            )
            INSERT INTO daily_generations AS held (day, kind, finished, cost_micros)
            SELECT day, kind, count(*), sum(cost_micros) FROM told JOIN fresh USING (fact_id)
            GROUP BY day, kind ORDER BY day, kind
            ON CONFLICT (day, kind) DO UPDATE
            SET finished = held.finished + excluded.finished, cost_micros = held.cost_micros + excluded.cost_micros
            """,
            [each.generation_id for each in made],
            [each.day for each in made],
            [each.kind for each in made],
            [each.cost_micros for each in made],
        )

    async def of(self, days: Collection[date]) -> Mapping[date, Sequence[Generations]]:
        """What was made on these days, by kind."""
        rows = await self.tx.fetch(
            """
            SELECT day, kind, finished, cost_micros FROM daily_generations
            WHERE day = ANY ($1::date[]) ORDER BY day, kind
            """,
            list(days),
        )
        found = defaultdict[date, list[Generations]](list)
        for row in rows:
            found[row["day"]].append(Generations(*row[1:]))
        return found

    async def purge(self, kept_for: timedelta) -> None:
        """Forget days so long ago."""
        await self.tx.execute("DELETE FROM daily_generations WHERE day < (kit_now() - $1::interval)::date", kept_for)
