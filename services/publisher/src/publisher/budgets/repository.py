from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from kit.db.database import Row, Transaction
from postrules.limits import Platform
from publisher.budgets.model import Told
from publisher.platforms.base import Bounds, Quota


@dataclass(frozen=True, slots=True)
class BudgetRepository:
    """What platforms said of the accounts of one organization: the transaction's, unless one is named."""

    tx: Transaction
    of: UUID | None = None

    @property
    def organization_id(self) -> UUID:
        """Whose accounts these are."""
        return self.of or self.tx.organization_id

    async def lock(self, account_ids: Collection[UUID]) -> None:
        """Who plans for one of these accounts waits until we commit; always in one order."""
        await self.tx.execute(
            """
            SELECT pg_advisory_xact_lock(hashtextextended('account_budgets ' || one.id::text, 0))
            FROM (SELECT unnest($1::uuid[]) AS id ORDER BY 1) AS one
            """,
            list(account_ids),
        )

    async def told(self, account_ids: Collection[UUID]) -> dict[UUID, Told]:
        """What was said of these."""
        rows = await self.tx.fetch(
            """
            SELECT account_id, told_limit, elsewhere, window_seconds, resets_at, told_at FROM account_budgets
            WHERE account_id = ANY ($1) AND organization_id = $2 AND told_limit IS NOT NULL
            """,
            list(account_ids),
            self.organization_id,
        )
        return {row["account_id"]: told_of(row) for row in rows}

    async def taken(
        self, account_ids: Collection[UUID], since: datetime, until: datetime, but_for: UUID | None = None
    ) -> dict[UUID, list[datetime]]:
        """When posts leave, or left, for these accounts between two times, in order; but for one post."""
        rows = await self.tx.fetch(
            """
            SELECT one.account_id, array_agg(post.publish_at ORDER BY post.publish_at) AS times
            FROM posts AS post JOIN deliveries AS one ON one.post_id = post.id
            WHERE post.organization_id = $1 AND post.publish_at > $3 AND post.publish_at < $4
              AND one.organization_id = $1 AND one.account_id = ANY ($2) AND post.id IS DISTINCT FROM $5
              AND one.status NOT IN ('draft', 'failed', 'cancelled')
            GROUP BY one.account_id
            """,
            self.organization_id,
            list(account_ids),
            since,
            until,
            but_for,
        )
        return {row["account_id"]: list(row["times"]) for row in rows}

    async def want(self, account_ids: Collection[UUID], fresh: timedelta) -> None:
        """Have these read at once, unless they were lately."""
        await self.tx.execute(
            """
            INSERT INTO account_budgets AS known (account_id, organization_id, look_at)
            SELECT one.id, $2, kit_now() FROM unnest($1::uuid[]) AS one (id) ORDER BY one.id
            ON CONFLICT (account_id) DO UPDATE SET look_at = least(known.look_at, excluded.look_at)
            WHERE coalesce(known.asked_at, '-infinity') < kit_now() - $3::interval
            """,
            list(account_ids),
            self.organization_id,
            fresh,
        )

    async def ask(self, account_id: UUID, reading_id: UUID, again: timedelta) -> Row | None:
        """Note that it is asked for, if it is due and nobody else has it just now; of which platform it is."""
        return await self.tx.fetchrow(
            """
            UPDATE account_budgets AS budget
            SET reading_id = $3, asked_at = kit_now(), look_at = kit_now() + $4::interval
            FROM connected_accounts AS account
            WHERE budget.account_id = (
                SELECT due.account_id FROM account_budgets AS due
                WHERE due.account_id = $1 AND due.organization_id = $2 AND due.look_at <= kit_now()
                FOR UPDATE SKIP LOCKED
            ) AND account.id = budget.account_id
            RETURNING account.platform
            """,
            account_id,
            self.organization_id,
            reading_id,
            again,
        )

    async def outgoing(self, reading_ids: Collection[UUID]) -> list[Row]:
        """What is needed to ask, of all organizations of the transaction."""
        return await self.tx.fetch(
            """
            SELECT budget.reading_id, account.id, account.platform, account.external_sealed, account.access_token
            FROM account_budgets AS budget JOIN connected_accounts AS account ON account.id = budget.account_id
            WHERE budget.reading_id = ANY ($1) AND account.state = 'connected'
            """,
            list(reading_ids),
        )

    async def keep(self, reading_id: UUID, told: Told) -> None:
        """Keep what was said, if no later reading was begun."""
        await self.tx.execute(
            """
            UPDATE account_budgets SET told_limit = $2, elsewhere = $3, window_seconds = $4, resets_at = $5,
                told_at = $6
            WHERE reading_id = $1
            """,
            reading_id,
            told.limit,
            told.elsewhere,
            told.window.total_seconds(),
            told.resets_at,
            told.told_at,
        )

    async def heard(self, quotas: Mapping[UUID, tuple[UUID, Quota, datetime]]) -> None:
        """Keep what platforms said of accounts with what they took: (organization, quota, when), by account.

        What was used otherwise than by us is what they count beyond what we know to have published.
        """
        await self.tx.execute(
            """
            INSERT INTO account_budgets AS known
                (account_id, organization_id, told_limit, elsewhere, window_seconds, resets_at, told_at)
            SELECT t.account_id, t.organization_id, t.told, greatest(0, t.used - (
                SELECT count(*) FROM deliveries AS one
                WHERE one.account_id = t.account_id AND one.published_at > t.at - make_interval(secs => t.seconds)
            )), t.seconds, t.resets_at, t.at
            FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::float8[], $6::timestamptz[],
                        $7::timestamptz[]) AS t (account_id, organization_id, told, used, seconds, resets_at, at)
            ORDER BY t.account_id
            ON CONFLICT (account_id) DO UPDATE SET told_limit = excluded.told_limit, elsewhere = excluded.elsewhere,
                window_seconds = excluded.window_seconds, resets_at = excluded.resets_at, told_at = excluded.told_at
            WHERE known.told_at IS NULL OR known.told_at <= excluded.told_at
            """,
            list(quotas),
            [organization_id for organization_id, _, _ in quotas.values()],
            [quota.limit for _, quota, _ in quotas.values()],
            [quota.used for _, quota, _ in quotas.values()],
            [quota.window for _, quota, _ in quotas.values()],
            [quota.resets_at for _, quota, _ in quotas.values()],
            [at for _, _, at in quotas.values()],
        )

    async def bind(self, reading_id: UUID, bounds: Bounds) -> None:
        """Keep what the account may choose, if no later reading was begun."""
        told = {"privacy": bounds.privacy and list(bounds.privacy), "seconds": bounds.seconds}
        await self.tx.execute("UPDATE account_budgets SET bounds = $2 WHERE reading_id = $1", reading_id, told)

    async def bounds(self, account_ids: Collection[UUID]) -> dict[UUID, Bounds]:
        """What these may choose, of those of which it is known."""
        rows = await self.tx.fetch(
            """
            SELECT account_id, bounds FROM account_budgets
            WHERE account_id = ANY ($1) AND organization_id = $2 AND bounds IS NOT NULL
            """,
            list(account_ids),
            self.organization_id,
        )
        return {row["account_id"]: _bounds(row["bounds"]) for row in rows}

    async def account_of(self, reading_id: UUID) -> UUID | None:
        """The account that was asked about, unless a later reading was begun."""
        found: UUID | None = await self.tx.fetchval(
            "SELECT account_id FROM account_budgets WHERE reading_id = $1", reading_id
        )
        return found


async def due(tx: Transaction, at_most: int = 50) -> list[tuple[UUID, UUID]]:
    """Accounts of any organization that are to be asked about, as (organization, account)."""
    rows = await tx.fetch("SELECT account_id, organization_id FROM budgets_due($1)", at_most)
    return [(row["organization_id"], row["account_id"]) for row in rows]


def _bounds(told: Mapping[str, Any]) -> Bounds:
    privacy = told.get("privacy")
    return Bounds(None if privacy is None else tuple(privacy), told.get("seconds"))


def told_of(row: Row) -> Told:
    """What a row says."""
    return Told(
        limit=row["told_limit"],
        elsewhere=row["elsewhere"],
        window=timedelta(seconds=row["window_seconds"]),
        resets_at=row["resets_at"],
        told_at=row["told_at"],
    )


@dataclass(frozen=True, slots=True)
class ProjectRepository:
    """What is known of our application at the platforms, which is of no organization."""

    tx: Transaction

    async def full(self, platforms: Collection[Platform]) -> dict[Platform, datetime]:
        """Until when these take nothing more from us, for those that do not."""
        rows = await self.tx.fetch(
            "SELECT platform, full_until FROM project_limits WHERE platform = ANY ($1) AND full_until > kit_now()",
            list(platforms),
        )
        return {Platform(row["platform"]): row["full_until"] for row in rows}

    async def is_full(self, until: Mapping[Platform, datetime]) -> None:
        """These have just said that they take nothing more until then."""
        await self.tx.execute(
            """
            INSERT INTO project_limits AS known (platform, full_until)
            SELECT t.platform, t.at FROM unnest($1::text[], $2::timestamptz[]) AS t (platform, at) ORDER BY t.platform
            ON CONFLICT (platform) DO UPDATE SET full_until = excluded.full_until, told_at = kit_now()
            WHERE known.full_until <= kit_now()
            """,
            list(until),
            list(until.values()),
        )

    async def lock(self, platform: Platform) -> None:
        """Who plans for this platform, in whatever organization, waits until we commit."""
        await self.tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('project ' || $1::text, 0))", platform)

    async def planned(self, since: datetime, until: datetime, zone: str, but_for: UUID) -> Counter[date]:
        """How many uploads to YouTube there are on each day, of all organizations; but for one post."""
        rows = await self.tx.fetch("SELECT * FROM youtube_uploads($1, $2, $3, $4)", since, until, zone, but_for)
        return Counter({row["day"]: row["uploads"] for row in rows})
