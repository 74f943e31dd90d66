from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.db.database import Transaction
from kit.ids import new_id
from postrules.limits import Platform
from publisher.withdrawals.model import Progress, Wish, Withdrawal

TOPIC: Final = "withdrawals"
"""Under which the loop is woken."""


@dataclass(frozen=True, slots=True)
class WithdrawalRepository:
    """Withdrawals, which are of no organization."""

    tx: Transaction

    async def add(self, platform: Platform, wish: Wish, code: bytes, blind: bytes, issued_at: datetime) -> None:
        """Note one; the same one again changes nothing."""
        await self.tx.execute(
            """
            INSERT INTO withdrawals (id, platform, wish, code_hash, grantor_blind, issued_at)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (code_hash) DO NOTHING
            """,
            new_id(),
            platform,
            wish,
            code,
            blind,
            issued_at,
        )

    async def take(self, most: int, lease: timedelta) -> list[Withdrawal]:
        """Those that are to be carried out, due longest first: nobody else has them until the lease ends.

        Each counts as failed until it is said to be done or tried again: who takes what kills its worker waits, too.
        """
        rows = await self.tx.fetch(
            """
            UPDATE withdrawals SET due_at = kit_now() + $2::interval, failures = least(failures + 1, 1000)
            WHERE id = ANY (ARRAY(
                SELECT id FROM withdrawals WHERE done_at IS NULL AND due_at <= kit_now()
                ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ))
            RETURNING id, platform, wish, grantor_blind, issued_at, failures
            """,
            most,
            lease,
        )
        return [
            Withdrawal(
                row["id"],
                Platform(row["platform"]),
                Wish(row["wish"]),
                row["grantor_blind"],
                row["issued_at"],
                row["failures"],
            )
            for row in rows
        ]

    async def postpone(self, withdrawal: Withdrawal, wait: timedelta) -> None:
        """It could not be carried out: try again after so long."""
        await self.tx.execute(
            "UPDATE withdrawals SET due_at = kit_now() + $2::interval WHERE id = $1 AND done_at IS NULL",
            withdrawal.id,
            wait,
        )

    async def accounts(self, withdrawal: Withdrawal) -> list[tuple[UUID, UUID]]:
        """The accounts that the person let us use, of any organization, as (organization, account)."""
        rows = await self.tx.fetch(
            "SELECT id, organization_id FROM accounts_of_grantor($1, $2)",
            withdrawal.platform,
            withdrawal.grantor_blind,
        )
        return [(row["organization_id"], row["id"]) for row in rows]

    async def done(self, withdrawal: Withdrawal, accounts: int) -> None:
        """It was carried out: who it was is not known any more."""
        await self.tx.execute(
            """
            UPDATE withdrawals SET done_at = kit_now(), accounts = $2, grantor_blind = NULL
            WHERE id = $1 AND done_at IS NULL
            """,
            withdrawal.id,
            accounts,
        )

    async def progress(self, code: bytes) -> Progress | None:
        """How far the deletion with this code is."""
        row = await self.tx.fetchrow(
            "SELECT asked_at, done_at, accounts FROM withdrawals WHERE code_hash = $1 AND wish = $2",
            code,
            Wish.DELETE,
        )
        return None if row is None else Progress(row["asked_at"], row["done_at"], row["accounts"])
