from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.purchases.model import Purchase
from kit.db.database import Row, Transaction

_COLUMNS: Final = "id, plan, plan_version, interval, currency, state, stripe_session_id"


@dataclass(frozen=True, slots=True)
class PurchaseRepository:
    """What was bought without an account; of no tenant."""

    tx: Transaction

    async def add(self, purchase: Purchase, code_hash: bytes) -> None:
        """A new one."""
        await self.tx.execute(
            """
            INSERT INTO purchases (id, code_hash, plan, plan_version, interval, currency)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            purchase.id,
            code_hash,
            purchase.plan,
            purchase.plan_version,
            purchase.interval,
            purchase.currency,
        )

    async def by_ids(self, purchase_ids: Sequence[UUID]) -> Mapping[UUID, Purchase]:
        """These, those that are there."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM purchases WHERE id = ANY ($1)",  # noqa: S608 - our own columns
            list(purchase_ids),
        )
        return {row["id"]: Purchase(**row) for row in rows}

    async def by_hashes(self, code_hashes: Sequence[bytes]) -> Mapping[bytes, Purchase]:
        """Those that were sold with these codes."""
        rows = await self.tx.fetch(
            f"SELECT code_hash, {_COLUMNS} FROM purchases WHERE code_hash = ANY ($1)",  # noqa: S608 - our own columns
            list(code_hashes),
        )
        return {bytes(row["code_hash"]): _purchase(row) for row in rows}

    async def opened(self, purchase_id: UUID, session_id: str) -> None:
        """Stripe has made its page."""
        await self.tx.execute(
            """
            UPDATE purchases SET state = 'open', stripe_session_id = $2
            WHERE id = $1 AND state = 'opening'
            """,
            purchase_id,
            session_id,
        )

    async def bought(self, purchase_id: UUID) -> None:
        """It was paid."""
        await self.tx.execute("UPDATE purchases SET state = 'bought' WHERE id = $1", purchase_id)

    async def forget(self, purchase_id: UUID) -> None:
        """Nothing was bought."""
        await self.tx.execute("DELETE FROM purchases WHERE id = $1 AND claim_id IS NULL", purchase_id)

    async def claim(self, code_hash: bytes, claim_id: UUID) -> bool:
        """It is this claim's from now on; False when it is another's."""
        claimed = await self.tx.execute(
            """
            UPDATE purchases SET claim_id = $2, state = 'bought'
            WHERE code_hash = $1 AND (claim_id IS NULL OR claim_id = $2)
            """,
            code_hash,
            claim_id,
        )
        return claimed == 1

    async def release(self, claim_id: UUID) -> None:
        """It is nobody's again."""
        await self.tx.execute("UPDATE purchases SET claim_id = NULL WHERE claim_id = $1", claim_id)


def _purchase(row: Row) -> Purchase:
    return Purchase(**{name: row[name] for name in Purchase.__slots__})
