from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing.credits.model import Balance, Lot, Movement, Spend, Take
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, new_id

_LOT: Final = "id, reason, priority, expires_at, granted, available, spent, expired, created_at"

_MOVES: Final = {
    "spend": ("available", "spent"),
    "return": ("spent", "available"),
    "expire": ("available", "expired"),
}


@dataclass(frozen=True, slots=True)
class CreditRepository:
    """The credits of the transaction's organization."""

    tx: Transaction

    async def lock(self) -> None:
        """Let changes of the organization's credits happen one after the other; opens the account if need be."""
        await self.tx.execute(
            """
            INSERT INTO credit_accounts AS held (organization_id) VALUES ($1)
            ON CONFLICT (organization_id) DO UPDATE SET version = held.version
            """,
            self.tx.organization_id,
        )

    async def turn(self) -> int:
        """Raise the version of the books, under `lock`."""
        version: int = await self.tx.fetchval(
            "UPDATE credit_accounts SET version = version + 1 WHERE organization_id = $1 RETURNING version",
            self.tx.organization_id,
        )
        return version

    async def now(self) -> datetime:
        """The platform's time, as the rows of this transaction have it."""
        moment: datetime = await self.tx.fetchval("SELECT kit_now()")
        return moment

    async def add(self, lot_id: UUID, reason: str, priority: int, expires_at: datetime | None, amount: int) -> None:
        """A new lot, and the movement that issues it."""
        await self.tx.execute(
            """
            WITH lot AS (
                INSERT INTO credit_lots (id, organization_id, reason, priority, expires_at, granted, available)
                VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING id
            )
            INSERT INTO credit_movements (id, organization_id, lot_id, taken_from, put_into, amount)
            SELECT $7, $2, lot.id, 'issued', 'available', $6 FROM lot
            """,
            lot_id,
            self.tx.organization_id,
            reason,
            priority,
            expires_at,
            amount,
            new_id(),
        )

    async def spendable(self) -> list[Lot]:
        """Lots that have something left, under `lock`; some of them may have ended."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_LOT} FROM credit_lots WHERE organization_id = $1 AND available > 0
            ORDER BY priority, expires_at, id
            """,  # noqa: S608 - the columns are a constant
            self.tx.organization_id,
        )
        return [Lot(**row) for row in rows]

    async def named(self, lot_ids: Sequence[UUID]) -> list[Lot]:
        """These lots, under `lock`; what is not there is missing."""
        rows = await self.tx.fetch(
            f"SELECT {_LOT} FROM credit_lots WHERE organization_id = $1 AND id = ANY ($2) ORDER BY id",  # noqa: S608
            self.tx.organization_id,
            list(lot_ids),
        )
        return [Lot(**row) for row in rows]

    async def add_spend(self, spend_id: UUID, purpose: str, amount: int) -> None:
        """Write down that this is spent at once."""
        await self.tx.execute(
            "INSERT INTO credit_spends (organization_id, id, purpose, amount) VALUES ($1, $2, $3, $4)",
            self.tx.organization_id,
            spend_id,
            purpose,
            amount,
        )

    async def spend(self, spend_id: UUID) -> Spend | None:
        """What was spent under this id."""
        row = await self.tx.fetchrow(
            """
            SELECT id, purpose, amount, returned, created_at FROM credit_spends
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            spend_id,
        )
        return None if row is None else Spend(**row)

    async def raise_returned(self, spend_id: UUID, amount: int) -> None:
        """So much more of a spend was given back."""
        await self.tx.execute(
            "UPDATE credit_spends SET returned = returned + $3 WHERE organization_id = $1 AND id = $2",
            self.tx.organization_id,
            spend_id,
            amount,
        )

    async def movements_of(self, spend_id: UUID) -> tuple[list[Take], list[Take]]:
        """What a spend took, in the order it took it, and what was given back of it."""
        rows = await self.tx.fetch(
            """
            SELECT lot_id, taken_from, amount FROM credit_movements
            WHERE organization_id = $1 AND spend_id = $2 ORDER BY id
            """,
            self.tx.organization_id,
            spend_id,
        )
        taken = [Take(row["lot_id"], row["amount"]) for row in rows if row["taken_from"] == "available"]
        return taken, [Take(row["lot_id"], row["amount"]) for row in rows if row["taken_from"] == "spent"]

    async def move(self, what: str, parts: Sequence[Take], spend_id: UUID | None = None) -> None:
        """Move parts of lots to another account, with the lines that say so (`spend`, `return`, `expire`)."""
        taken_from, put_into = _MOVES[what]
        await self.tx.execute(
            f"""
            WITH moved AS (
                SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS t (id, lot_id, amount)
            ), changed AS (
                UPDATE credit_lots AS lot
                SET {taken_from} = lot.{taken_from} - moved.amount, {put_into} = lot.{put_into} + moved.amount
                FROM moved WHERE lot.id = moved.lot_id AND lot.organization_id = $1
            )
            INSERT INTO credit_movements (id, organization_id, lot_id, spend_id, taken_from, put_into, amount)
            SELECT moved.id, $1, moved.lot_id, $5, $6, $7, moved.amount FROM moved
            """,  # noqa: S608 - the names of the accounts are constants
            self.tx.organization_id,
            [new_id() for _ in parts],
            [part.lot_id for part in parts],
            [part.amount for part in parts],
            spend_id,
            taken_from,
            put_into,
        )

    async def balance(self) -> Balance:
        """What can be spent now."""
        row = await self.tx.fetchrow(
            """
            WITH live AS (
                SELECT available, expires_at FROM credit_lots
                WHERE organization_id = $1 AND available > 0 AND (expires_at IS NULL OR expires_at > kit_now())
            ), next AS (SELECT min(expires_at) AS at FROM live)
            SELECT (SELECT coalesce(sum(available), 0)::bigint FROM live) AS available, next.at AS next_end,
                   (SELECT coalesce(sum(available), 0)::bigint FROM live WHERE expires_at = next.at) AS ending,
                   coalesce((SELECT version FROM credit_accounts WHERE organization_id = $1), 0) AS version
            FROM next
            """,
            self.tx.organization_id,
        )
        if row is None:
            raise LookupError("an aggregate has one row")
        return Balance(**row)

    async def lots(self, before: UUID | None, at_most: int) -> list[Lot]:
        """Lots, the newest first."""
        return [Lot(**row) for row in await self._page(_LOT, "credit_lots", before, at_most)]

    async def movements(self, before: UUID | None, at_most: int) -> list[Movement]:
        """Lines of the books, the newest first."""
        columns = "id, lot_id, spend_id, taken_from, put_into, amount, created_at"
        return [Movement(**row) for row in await self._page(columns, "credit_movements", before, at_most)]

    async def _page(self, columns: str, table: str, before: UUID | None, at_most: int) -> list[Row]:
        return await self.tx.fetch(
            f"""
            SELECT {columns} FROM {table}
            WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - columns and table are constants of this class
            self.tx.organization_id,
            before or AFTER_ALL,
            at_most,
        )

    async def lapsed(self, at_most: int) -> list[UUID]:
        """Organizations, of whatever tenant, with credits that have ended."""
        rows = await self.tx.fetch("SELECT organization_id FROM organizations_with_lapsed_credits($1)", at_most)
        return [row["organization_id"] for row in rows]

    async def out_of_balance(self, after: UUID, at_most: int) -> tuple[UUID | None, Sequence[UUID]]:
        """One page of the books of all: the last organization looked at, and those whose books do not add up."""
        row: Any = await self.tx.fetchrow("SELECT * FROM credits_out_of_balance($1, $2)", after, at_most)
        return row["last"], row["wrong"]
