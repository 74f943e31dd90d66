from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from inbox.channels.base import Standing
from kit.db.database import Database, Row, Transaction


@dataclass(frozen=True, slots=True)
class SenderRepository:
    """How fast the numbers of the transaction's organization go, and how many people they may still write to."""

    tx: Transaction

    async def find(self, channel_id: UUID) -> Row | None:
        """What a channel may do just now."""
        return await self.tx.fetchrow(
            """
            SELECT id, kind, state, rate, brake, brake_code, braked_at, quality, daily_limit, health, health_code,
                   coexists, numbers_limit, version, coalesce(nullif(portfolio, ''), waba_id) AS portfolio
            FROM channels WHERE id = $1 AND organization_id = $2
            """,
            channel_id,
            self.tx.organization_id,
        )

    async def of_number(self, account: str, digits: str) -> Row | None:
        """The connected channel of this account whose number has these digits, and whether it coexists."""
        return await self.tx.fetchrow(
            """
            SELECT id, coexists FROM channels
            WHERE organization_id = $1 AND waba_id = $2 AND state = 'connected'
              AND regexp_replace(display_number, '[^0-9]', '', 'g') = $3
            """,
            self.tx.organization_id,
            account,
            digits,
        )

    async def of_account(self, account: str) -> list[Row]:
        """The connected channels of an account, with what is said of their health."""
        return await self.tx.fetch(
            """
            SELECT id, kind, health_code FROM channels
            WHERE organization_id = $1 AND waba_id = $2 AND state = 'connected' ORDER BY id
            """,
            self.tx.organization_id,
            account,
        )

    async def judge(self, channel_ids: Collection[UUID], code: str, reason: str, until: datetime | None) -> None:
        """The newest word of the platform on the account of these channels, and until when it holds, if it says so.

        Of one that is kept back for another reason, as for its token, nothing is changed.
        """
        await self.tx.execute(
            """
            UPDATE channels SET health_code = $3, health_reason = $4, health_until = $5
            WHERE id = ANY ($1) AND organization_id = $2 AND state = 'connected' AND health_code LIKE 'account-%'
            """,
            list(channel_ids),
            self.tx.organization_id,
            code,
            reason,
            until,
        )

    async def free_again(self, channel_id: UUID) -> Row | None:
        """One that its platform kept back for a while, which is over; for update."""
        return await self.tx.fetchrow(
            """
            SELECT id, kind, health_code FROM channels
            WHERE id = $1 AND organization_id = $2 AND state = 'connected' AND health_until <= kit_now()
            FOR NO KEY UPDATE
            """,
            channel_id,
            self.tx.organization_id,
        )

    async def lock(self, channel_id: UUID) -> Row | None:
        """Likewise, for update."""
        return await self.tx.fetchrow(
            """
            SELECT id, kind, rate, brake, brake_code, braked_at, quality, coexists, waba_id, portfolio, state, version
            FROM channels
            WHERE id = $1 AND organization_id = $2 FOR NO KEY UPDATE
            """,
            channel_id,
            self.tx.organization_id,
        )

    async def brake(self, channel_id: UUID, brake: float, code: str) -> None:
        """From now on use this share of its rate; the caller has locked it."""
        await self.tx.execute(
            """
            UPDATE channels SET brake = $3, brake_code = $4, braked_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            channel_id,
            self.tx.organization_id,
            brake,
            code,
        )

    async def stand(self, channel_id: UUID, standing: Standing) -> None:
        """What is known of a number. A limit is that of all numbers of its portfolio."""
        await self.tx.execute(
            """
            UPDATE channels
            SET quality = coalesce($3, quality), portfolio = coalesce($4, portfolio),
                coexists = coalesce($5, coexists)
            WHERE id = $1 AND organization_id = $2
            """,
            channel_id,
            self.tx.organization_id,
            standing.quality,
            standing.portfolio,
            standing.coexists,
        )
        if standing.daily_limit is not None:
            await self.limit(channel_id, standing.daily_limit)

    async def limit(self, channel_id: UUID, daily_limit: int) -> None:
        """How many people all numbers of this one's portfolio may write to first within 24 hours; 0: no limit."""
        await self.tx.execute(
            """
            UPDATE channels SET daily_limit = nullif($3, 0)
            WHERE organization_id = $2 AND kind = (SELECT kind FROM channels WHERE id = $1)
              AND coalesce(nullif(portfolio, ''), waba_id) = (
                  SELECT coalesce(nullif(portfolio, ''), waba_id) FROM channels
                  WHERE id = $1 AND organization_id = $2)
            """,
            channel_id,
            self.tx.organization_id,
            daily_limit,
        )

    async def settle(self, channel_id: UUID, rate: int, *, coexists: bool, portfolio: str) -> None:
        """As somebody says; the caller has locked it."""
        await self.tx.execute(
            """
            UPDATE channels
            SET rate = $3, coexists = $4, portfolio = $5, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            channel_id,
            self.tx.organization_id,
            rate,
            coexists,
            portfolio,
        )

    async def paced(self, channel_id: UUID, rate: int) -> None:
        """From now on the platform takes so many messages per second; the caller has locked it."""
        await self.tx.execute(
            """
            UPDATE channels SET rate = $3, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND rate <> $3
            """,
            channel_id,
            self.tx.organization_id,
            rate,
        )

    async def capable(self, account: str, daily_limit: int | None, numbers: int | None) -> None:
        """What an account's business may, for all numbers of its portfolio; None is not told, 0 is no limit."""
        await self.tx.execute(
            """
            UPDATE channels
            SET daily_limit = CASE WHEN $3::integer IS NULL THEN daily_limit ELSE nullif($3, 0) END,
                numbers_limit = CASE WHEN $4::integer IS NULL THEN numbers_limit ELSE nullif($4, 0) END
            WHERE organization_id = $1 AND kind = 'whatsapp' AND coalesce(nullif(portfolio, ''), waba_id) IN (
                SELECT coalesce(nullif(portfolio, ''), waba_id) FROM channels
                WHERE organization_id = $1 AND waba_id = $2 AND state = 'connected')
            """,
            self.tx.organization_id,
            account,
            daily_limit,
            numbers,
        )

    async def owned(self, account: str, portfolio: str) -> None:
        """An account belongs to this portfolio."""
        await self.tx.execute(
            """
            UPDATE channels SET portfolio = $3
            WHERE organization_id = $1 AND waba_id = $2 AND state = 'connected' AND portfolio <> $3
            """,
            self.tx.organization_id,
            account,
            portfolio,
        )

    async def hot(self, channel_id: UUID, contact_ids: Collection[UUID], burst: int, within: timedelta) -> list[Row]:
        """Those who were sent so many messages from this number within that time, and when the first is that old."""
        return await self.tx.fetch(
            """
            SELECT whom.id AS contact_id, (array_agg(said.at ORDER BY said.at DESC))[$4] + $5::interval AS free_at
            FROM unnest($2::uuid[]) AS whom (id)
            CROSS JOIN LATERAL (
                SELECT coalesce(r.sent_at, r.state_at) AS at
                FROM broadcast_recipients r JOIN broadcasts b ON b.id = r.broadcast_id AND b.channel_id = $1
                WHERE r.contact_id = whom.id AND r.organization_id = $3
                  AND r.state IN ('handed', 'unknown', 'unconfirmed', 'sent', 'delivered', 'read')
                UNION ALL
                SELECT m.provider_time
                FROM conversations v JOIN messages m ON m.conversation_id = v.id
                WHERE v.contact_id = whom.id AND v.channel_id = $1 AND v.organization_id = $3
                  AND v.last_message_at > (SELECT kit_now() - $5::interval)
                  AND m.provider_time > (SELECT kit_now() - $5::interval) AND m.direction = 'out'
                  AND m.organization_id = $3
            ) AS said
            WHERE said.at > (SELECT kit_now() - $5::interval)
            GROUP BY whom.id HAVING count(*) >= $4
            """,
            channel_id,
            list(contact_ids),
            self.tx.organization_id,
            burst,
            within,
        )

    async def opened(self, portfolio: str, within: timedelta) -> tuple[int, datetime | None]:
        """How many people were written to first, and when the first of these was; others who ask wait for us."""
        await self.tx.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{self.tx.organization_id}/{portfolio}"
        )
        return await self.used(portfolio, within)

    async def used(self, portfolio: str, within: timedelta) -> tuple[int, datetime | None]:
        """Likewise, for who only wants to know."""
        row = await self.tx.fetchrow(
            """
            SELECT count(*) AS n, min(opened_at) AS oldest FROM portfolio_openings
            WHERE organization_id = $1 AND portfolio = $2 AND opened_at > (SELECT kit_now() - $3::interval)
            """,
            self.tx.organization_id,
            portfolio,
            within,
        )
        return (0, None) if row is None else (row["n"], row["oldest"])

    async def counted(
        self, portfolio: str, channel_id: UUID, contact_ids: Collection[UUID], within: timedelta
    ) -> set[UUID]:
        """Those of these contacts who count no more: written to within that time, or their window is open."""
        rows = await self.tx.fetch(
            """
            SELECT contact_id FROM portfolio_openings
            WHERE organization_id = $1 AND portfolio = $2 AND contact_id = ANY ($3)
              AND opened_at > (SELECT kit_now() - $4::interval)
            UNION
            SELECT contact_id FROM conversations
            WHERE contact_id = ANY ($3) AND channel_id = $5 AND organization_id = $1
              AND window_open_until > (SELECT kit_now())
            """,
            self.tx.organization_id,
            portfolio,
            list(contact_ids),
            within,
            channel_id,
        )
        return {row["contact_id"] for row in rows}

    async def open(self, portfolio: str, contact_ids: Sequence[UUID]) -> None:
        """Count these as written to first, from now on."""
        await self.tx.execute(
            """
            INSERT INTO portfolio_openings (organization_id, portfolio, contact_id, opened_at)
            SELECT $1, $2, t.id, (SELECT kit_now()) FROM unnest($3::uuid[]) AS t (id) ORDER BY t.id
            ON CONFLICT (organization_id, portfolio, contact_id) DO UPDATE SET opened_at = excluded.opened_at
            """,
            self.tx.organization_id,
            portfolio,
            list(contact_ids),
        )

    async def forget_openings(self, within: timedelta, at_most: int) -> int:
        """Let go of what counts no more."""
        return await self.tx.execute(
            """
            DELETE FROM portfolio_openings WHERE (organization_id, portfolio, contact_id) IN (
                SELECT organization_id, portfolio, contact_id FROM portfolio_openings
                WHERE organization_id = $1 AND opened_at <= kit_now() - $2::interval LIMIT $3
            )
            """,
            self.tx.organization_id,
            within,
            at_most,
        )


async def ease(database: Database, after: timedelta, by: float) -> list[Row]:
    """Let numbers that have had no trouble for a while go faster, in all organizations; which they were."""
    return await database.statement("SELECT * FROM ease_brakes($1, $2)", after, by)


async def free_again(database: Database) -> list[Row]:
    """Channels of all organizations that their platform kept back until now."""
    return await database.statement("SELECT * FROM channels_free_again()")
