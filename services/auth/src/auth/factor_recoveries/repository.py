from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from auth.factor_recoveries.model import By, FactorRecovery
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL

_COLUMNS: Final = "id, user_id, reason_sealed, state, cancelled_by, begun_by, due_at, settled_at, created_at"


@dataclass(frozen=True, slots=True)
class FactorRecoveryRepository:
    """Recoveries of people who have lost their second factors."""

    tx: Transaction

    async def add(
        self, recovery_id: UUID, user_id: UUID, reason_sealed: bytes, begun_by: UUID, wait: timedelta
    ) -> FactorRecovery | None:
        """Begin one; None while another of the user is pending."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO factor_recoveries (id, user_id, reason_sealed, begun_by, due_at)
            VALUES ($1, $2, $3, $4, kit_now() + $5::interval)
            ON CONFLICT (user_id) WHERE state = 'pending' DO NOTHING
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - our own columns
            recovery_id,
            user_id,
            reason_sealed,
            begun_by,
            wait,
        )
        return None if row is None else _recovery(row)

    async def hold_user(self, user_id: UUID) -> bool:
        """Let other changes of the user wait until we commit; False when the account is gone."""
        found = await self.tx.fetchval("SELECT true FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)
        return bool(found)

    async def is_of_staff(self, blinds: Sequence[bytes]) -> bool:
        """Whether one of these is the address of a member of staff."""
        found = await self.tx.fetchval("SELECT EXISTS (SELECT FROM staff WHERE email_blind = ANY ($1))", list(blinds))
        return bool(found)

    async def cancel(self, recovery_id: UUID, by: By, user_id: UUID | None = None) -> UUID | None:
        """Stop one that is pending, of this user if one is named; whose it was, None when there is none."""
        found: UUID | None = await self.tx.fetchval(
            """
            UPDATE factor_recoveries SET state = 'cancelled', cancelled_by = $2, settled_at = kit_now()
            WHERE id = $1 AND state = 'pending' AND ($3::uuid IS NULL OR user_id = $3)
            RETURNING user_id
            """,
            recovery_id,
            by,
            user_id,
        )
        return found

    async def cancel_of(self, user_id: UUID, by: By) -> UUID | None:
        """Stop the one of a user that is pending; None when there is none."""
        found: UUID | None = await self.tx.fetchval(
            """
            UPDATE factor_recoveries SET state = 'cancelled', cancelled_by = $2, settled_at = kit_now()
            WHERE user_id = $1 AND state = 'pending'
            RETURNING id
            """,
            user_id,
            by,
        )
        return found

    async def due(self, at_most: int) -> list[tuple[UUID, UUID]]:
        """Those that have waited long enough: id and user."""
        rows = await self.tx.fetch(
            """
            SELECT id, user_id FROM factor_recoveries
            WHERE state = 'pending' AND due_at <= kit_now() ORDER BY due_at LIMIT $1
            """,
            at_most,
        )
        return [(row["id"], row["user_id"]) for row in rows]

    async def finish(self, recovery_id: UUID) -> bool:
        """Mark one that is due as done; False when it was stopped, or done by somebody else."""
        touched = await self.tx.execute(
            """
            UPDATE factor_recoveries SET state = 'done', settled_at = kit_now()
            WHERE id = $1 AND state = 'pending' AND due_at <= kit_now()
            """,
            recovery_id,
        )
        return touched == 1

    async def find(self, user_id: UUID, recovery_id: UUID) -> FactorRecovery | None:
        """One of a user's."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM factor_recoveries WHERE user_id = $1 AND id = $2",  # noqa: S608 - ours
            user_id,
            recovery_id,
        )
        return None if row is None else _recovery(row)

    async def of_user(self, user_id: UUID, at_most: int) -> list[FactorRecovery]:
        """Those of a user, the newest first."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM factor_recoveries WHERE user_id = $1 ORDER BY id DESC LIMIT $2",  # noqa: S608 - ours
            user_id,
            at_most,
        )
        return [_recovery(row) for row in rows]

    async def pending(self, before: UUID | None, at_most: int) -> list[FactorRecovery]:
        """Those that wait, the newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM factor_recoveries
            WHERE state = 'pending' AND id < $1 ORDER BY id DESC LIMIT $2
            """,  # noqa: S608 - our own columns
            before or AFTER_ALL,
            at_most,
        )
        return [_recovery(row) for row in rows]

    async def delete_of_user(self, user_id: UUID) -> int:
        """Forget those of a user."""
        return await self.tx.execute("DELETE FROM factor_recoveries WHERE user_id = $1", user_id)


def _recovery(row: Row) -> FactorRecovery:
    return FactorRecovery(**row)
