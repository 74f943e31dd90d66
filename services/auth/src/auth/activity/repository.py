from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Day:
    """What was done on a day of one person, in UTC."""

    day: date
    sign_ins: int
    refusals: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What there is now."""

    sessions: int
    devices: int


@dataclass(frozen=True, slots=True)
class ActivityRepository:
    """Counts by person and day."""

    tx: Transaction

    async def refused(self, user_id: UUID) -> None:
        """Count a refusal of today; for nobody nothing, after the same work."""
        await self.tx.execute(
            """
            INSERT INTO activity AS held (user_id, day, refusals)
            SELECT id, (kit_now() AT TIME ZONE 'UTC')::date, 1 FROM users WHERE id = $1
            ON CONFLICT (user_id, day) DO UPDATE SET refusals = least(held.refusals + 1, 1000000)
            """,
            user_id,
        )

    async def seen(self, session_ids: Collection[UUID], apart: timedelta) -> int:
        """These sessions were used within the last minute: when they were last seen, and a minute of the day.

        Gateways may tell of one minute several times; what was told within `apart` counts once.
        """
        return await self.tx.execute(
            """
            WITH found AS (
                SELECT id FROM sessions
                WHERE id = ANY ($1::uuid[]) AND seen_at < kit_now() - $2::interval AND ended_at IS NULL
                ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
            ), touched AS (
                UPDATE sessions AS s SET seen_at = kit_now() FROM found WHERE s.id = found.id RETURNING s.user_id
            )
            INSERT INTO activity AS held (user_id, day, minutes)
            SELECT DISTINCT user_id, (kit_now() AT TIME ZONE 'UTC')::date, 1 FROM touched ORDER BY user_id
            ON CONFLICT (user_id, day) DO UPDATE SET minutes = least(held.minutes + 1, 1440)
            """,
            list(session_ids),
            apart,
        )

    async def days(self, user_id: UUID, back: timedelta) -> list[Day]:
        """The days on which something was counted, oldest first."""
        rows = await self.tx.fetch(
            """
            SELECT day, sign_ins, refusals, minutes FROM activity
            WHERE user_id = $1 AND day > (kit_now() - $2::interval)::date
            ORDER BY day
            """,
            user_id,
            back,
        )
        return [Day(**row) for row in rows]

    async def totals(self, user_id: UUID, idle: timedelta) -> Totals:
        """How many sessions and devices there are."""
        row = await self.tx.fetchrow(
            """
            SELECT (SELECT count(*) FROM sessions AS s JOIN users AS u ON u.id = s.user_id
                    WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > kit_now()
                      AND s.used_at > kit_now() - $2::interval AND s.epoch >= u.sessions_from_epoch) AS sessions,
                   (SELECT count(*) FROM devices WHERE user_id = $1) AS devices
            """,
            user_id,
            idle,
        )
        return Totals(0, 0) if row is None else Totals(**row)

    async def of(self, user_id: UUID) -> list[Row]:
        """All days of one person."""
        return await self.tx.fetch(
            "SELECT day, sign_ins, refusals, minutes FROM activity WHERE user_id = $1 ORDER BY day", user_id
        )

    async def delete(self, user_id: UUID) -> int:
        """Forget all days of one person."""
        return await self.tx.execute("DELETE FROM activity WHERE user_id = $1", user_id)

    async def purge(self, kept_for: timedelta, at_most: int) -> int:
        """Forget days so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM activity
            WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM activity WHERE day < (kit_now() - $1::interval)::date
                LIMIT $2 FOR UPDATE SKIP LOCKED
            ))
            """,
            kept_for,
            at_most,
        )
