from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth.staff.model import IDLE_LIFE, OpenSession, StaffSession
from auth.staff.permissions import StaffRole
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class StaffSessionRepository:
    """Sessions of staff."""

    tx: Transaction

    async def add(self, session_id: UUID, staff_id: UUID, agent: str, life: timedelta) -> None:
        """Begin a session."""
        await self.tx.execute(
            """
            INSERT INTO staff_sessions (id, staff_id, agent, expires_at)
            VALUES ($1, $2, $3, kit_now() + $4::interval)
            """,
            session_id,
            staff_id,
            agent,
            life,
        )

    async def lock(self, session_id: UUID) -> tuple[StaffSession, datetime] | None:
        """A session for update with what its member is now, and the time as of the question."""
        row = await self.tx.fetchrow(
            """
            SELECT s.id, s.staff_id, m.role, m.epoch, s.counter, s.rotated_at, s.used_at, s.expires_at,
                   s.ended_at IS NOT NULL AS ended, kit_now() AS now
            FROM staff_sessions AS s JOIN staff AS m ON m.id = s.staff_id
            WHERE s.id = $1
            FOR NO KEY UPDATE OF s
            """,
            session_id,
        )
        if row is None:
            return None
        fields = dict(row)
        now: datetime = fields.pop("now")
        return StaffSession(**fields | {"role": StaffRole(row["role"])}), now

    async def save_use(self, session: StaffSession, counter: int) -> None:
        """The session was used; a counter that moved begins a new grace."""
        await self.tx.execute(
            """
            UPDATE staff_sessions
            SET counter = $2, used_at = kit_now(),
                rotated_at = CASE WHEN counter = $2 THEN rotated_at ELSE kit_now() END
            WHERE id = $1
            """,
            session.id,
            counter,
        )

    async def prove(self, session_id: UUID, staff_id: UUID) -> bool:
        """Password and code were shown again; False when the session has ended."""
        return (
            await self.tx.execute(
                """
                UPDATE staff_sessions SET proven_at = kit_now()
                WHERE id = $1 AND staff_id = $2 AND ended_at IS NULL AND expires_at > kit_now()
                """,
                session_id,
                staff_id,
            )
            == 1
        )

    async def is_fresh(self, session_id: UUID, staff_id: UUID, within: timedelta) -> bool:
        """Whether the session goes on and was proven lately."""
        found = await self.tx.fetchval(
            """
            SELECT proven_at > kit_now() - $3::interval FROM staff_sessions
            WHERE id = $1 AND staff_id = $2 AND ended_at IS NULL AND expires_at > kit_now()
            """,
            session_id,
            staff_id,
            within,
        )
        return bool(found)

    async def end(self, session_id: UUID, staff_id: UUID, because: str) -> bool:
        """End one; False when it had ended, or there is none such."""
        return (
            await self.tx.execute(
                """
                UPDATE staff_sessions SET ended_at = kit_now(), ended_because = $3
                WHERE id = $1 AND staff_id = $2 AND ended_at IS NULL
                """,
                session_id,
                staff_id,
                because,
            )
            == 1
        )

    async def end_all(self, staff_id: UUID, because: str) -> None:
        """End all of a member."""
        await self.tx.execute(
            """
            UPDATE staff_sessions SET ended_at = kit_now(), ended_because = $2
            WHERE staff_id = $1 AND ended_at IS NULL
            """,
            staff_id,
            because,
        )

    async def open(self, staff_id: UUID, at_most: int) -> list[OpenSession]:
        """Those that go on, the newest first."""
        rows = await self.tx.fetch(
            """
            SELECT id, agent, created_at, used_at, expires_at FROM staff_sessions
            WHERE staff_id = $1 AND ended_at IS NULL AND expires_at > kit_now()
              AND used_at > kit_now() - $2::interval
            ORDER BY id DESC
            LIMIT $3
            """,
            staff_id,
            IDLE_LIFE,
            at_most,
        )
        return [OpenSession(**row) for row in rows]

    async def purge(self, kept_for: timedelta, at_most: int) -> int:
        """Forget those that expired so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM staff_sessions
            WHERE id IN (SELECT id FROM staff_sessions WHERE expires_at < kit_now() - $1::interval LIMIT $2)
            """,
            kept_for,
            at_most,
        )
