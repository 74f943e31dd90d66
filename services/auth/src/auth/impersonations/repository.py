from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.impersonations.model import EndedBy, Impersonation
from kit.db.database import Row, Transaction

_COLUMNS = """
    id, staff_id, staff_session_id, user_id, organization_id, reason_sealed, created_at, ends_at, ended_at, ended_by,
    ended_at IS NOT NULL OR ends_at <= kit_now() AS over
"""


@dataclass(frozen=True, slots=True)
class ImpersonationRepository:
    """Staff in people's places."""

    tx: Transaction

    async def add(  # noqa: PLR0917 - what it is made of
        self,
        impersonation_id: UUID,
        staff_id: UUID,
        staff_session_id: UUID,
        user_id: UUID,
        organization_id: UUID | None,
        reason_sealed: bytes,
        life: timedelta,
    ) -> Impersonation | None:
        """Begin one, which does not outlast the session of the member of staff; None when that has ended."""
        return _impersonation(
            await self.tx.fetchrow(
                f"""
                INSERT INTO impersonations
                    (id, staff_id, staff_session_id, user_id, organization_id, reason_sealed, ends_at)
                SELECT $1, s.staff_id, s.id, $4, $5, $6, least(kit_now() + $7::interval, s.expires_at)
                FROM staff_sessions AS s
                WHERE s.id = $3 AND s.staff_id = $2 AND s.ended_at IS NULL AND s.expires_at > kit_now()
                FOR KEY SHARE
                RETURNING {_COLUMNS}
                """,  # noqa: S608 - our own columns
                impersonation_id,
                staff_id,
                staff_session_id,
                user_id,
                organization_id,
                reason_sealed,
                life,
            )
        )

    async def find(self, impersonation_id: UUID) -> Impersonation | None:
        """One."""
        return _impersonation(
            await self.tx.fetchrow(
                f"SELECT {_COLUMNS} FROM impersonations WHERE id = $1",  # noqa: S608 - our own columns
                impersonation_id,
            )
        )

    async def end(self, impersonation_id: UUID, by: EndedBy) -> bool:
        """End one; False when it is over."""
        return (
            await self.tx.execute(
                """
                UPDATE impersonations SET ended_at = kit_now(), ended_by = $2
                WHERE id = $1 AND ended_at IS NULL AND ends_at > kit_now()
                """,
                impersonation_id,
                by,
            )
            == 1
        )

    async def end_of_staff(self, staff_id: UUID, staff_session_id: UUID | None) -> list[Row]:
        """End all that a member of staff began, in one session or in any."""
        return await self.tx.fetch(
            """
            UPDATE impersonations SET ended_at = kit_now(), ended_by = 'session'
            WHERE staff_id = $1 AND ($2::uuid IS NULL OR staff_session_id = $2)
              AND ended_at IS NULL AND ends_at > kit_now()
            RETURNING id, user_id, organization_id
            """,
            staff_id,
            staff_session_id,
        )

    async def of_user(self, user_id: UUID, before: UUID | None, at_most: int) -> list[Impersonation]:
        """Those in a person's place, the newest first."""
        return await self._page("user_id", user_id, before, at_most)

    async def of_organization(self, before: UUID | None, at_most: int) -> list[Impersonation]:
        """Those in the transaction's organization, the newest first."""
        return await self._page("organization_id", self.tx.organization_id, before, at_most)

    async def of_staff(self, staff_id: UUID, before: UUID | None, at_most: int) -> list[Impersonation]:
        """Those a member of staff began, the newest first."""
        return await self._page("staff_id", staff_id, before, at_most)

    async def _page(self, column: str, value: UUID, before: UUID | None, at_most: int) -> list[Impersonation]:
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM impersonations
            WHERE {column} = $1 AND id < $2
            ORDER BY id DESC
            LIMIT $3
            """,  # noqa: S608 - our own columns
            value,
            before or UUID(int=2**128 - 1),
            at_most,
        )
        return [found for found in map(_impersonation, rows) if found is not None]

    async def delete_of(self, user_id: UUID, at_most: int) -> int:
        """Forget those in a person's place."""
        return await self.tx.execute(
            """
            DELETE FROM impersonations
            WHERE id IN (SELECT id FROM impersonations WHERE user_id = $1 ORDER BY id LIMIT $2 FOR UPDATE)
            """,
            user_id,
            at_most,
        )

    async def purge(self, kept_for: timedelta, at_most: int) -> int:
        """Forget those that were over so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM impersonations
            WHERE id IN (SELECT id FROM impersonations WHERE ends_at < kit_now() - $1::interval LIMIT $2)
            """,
            kept_for,
            at_most,
        )


def _impersonation(row: Row | None) -> Impersonation | None:
    if row is None:
        return None
    return Impersonation(**{**row, "ended_by": None if row["ended_by"] is None else EndedBy(row["ended_by"])})
