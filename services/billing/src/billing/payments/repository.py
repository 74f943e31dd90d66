from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing.payments.errors import PaymentNotFound
from billing.payments.model import Payment, Seen, State
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, END_OF_TIME

_COLUMNS: Final = (
    "p.id, p.stripe_id, p.stripe_charge_id, p.currency, p.amount, p.received, p.refunded, p.state, p.failure, "
    "p.attempt, p.faltered, p.version, p.created_at, link.invoice_id"
)
_FROM: Final = "payments AS p LEFT JOIN invoice_payments AS link ON link.stripe_payment_id = p.stripe_id"


@dataclass(frozen=True, slots=True)
class PaymentRepository:
    """The payments of the transaction's organization."""

    tx: Transaction

    async def find(self, payment_id: UUID) -> Payment:
        """One of them.

        Raises:
            PaymentNotFound: it is not there.
        """
        return await self._find(payment_id, "")

    async def hold(self, payment_id: UUID) -> Payment:
        """One of them, for update: what is given back of it is decided by one after the other.

        Raises:
            PaymentNotFound: it is not there.
        """
        return await self._find(payment_id, "FOR NO KEY UPDATE OF p")

    async def _find(self, payment_id: UUID, locking: str) -> Payment:
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.id = $1 AND p.organization_id = $2 {locking}",  # noqa: S608
            payment_id,
            self.tx.organization_id,
        )
        if row is None:
            raise PaymentNotFound
        return _payment(row)

    async def lock(self, stripe_id: str) -> Payment | None:
        """The payment of this id of Stripe's, for update."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM {_FROM} WHERE p.stripe_id = $1 AND p.organization_id = $2
            FOR NO KEY UPDATE OF p
            """,  # noqa: S608 - our own columns
            stripe_id,
            self.tx.organization_id,
        )
        return None if row is None else _payment(row)

    async def of(self, stripe_id: str | None, charge: str | None) -> UUID | None:
        """The payment that an intent or a charge stands for."""
        found: UUID | None = await self.tx.fetchval(
            """
            SELECT id FROM payments
            WHERE organization_id = $1 AND (stripe_id = $2 OR stripe_charge_id = $3) LIMIT 1
            """,
            self.tx.organization_id,
            stripe_id,
            charge,
        )
        return found

    async def page(
        self, before: tuple[datetime, UUID] | None, invoice_id: UUID | None, at_most: int
    ) -> list[Payment]:
        """Payments, the newest first; of one invoice, if it is named."""
        moment, payment_id = before or (END_OF_TIME, AFTER_ALL)
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM {_FROM}
            WHERE p.organization_id = $1 AND (p.created_at, p.id) < ($2, $3)
              AND ($4::uuid IS NULL OR link.invoice_id = $4)
            ORDER BY p.created_at DESC, p.id DESC LIMIT $5
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            moment,
            payment_id,
            invoice_id,
            at_most,
        )
        return [_payment(row) for row in rows]

    async def add(self, payment: Payment) -> None:
        """A new one."""
        seen = payment.seen
        await self.tx.execute(
            """
            INSERT INTO payments (id, organization_id, stripe_id, stripe_charge_id, currency, amount, received, state,
                failure, attempt, faltered, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
            payment.id,
            self.tx.organization_id,
            seen.stripe_id,
            seen.charge,
            seen.currency,
            seen.amount,
            seen.received,
            seen.state.value,
            seen.failure,
            seen.attempt,
            payment.faltered,
            seen.created_at,
        )

    async def save(self, payment: Payment) -> None:
        """Write what is seen now."""
        seen = payment.seen
        await self.tx.execute(
            """
            UPDATE payments SET stripe_charge_id = $3, amount = $4, received = $5, state = $6, failure = $7,
                attempt = $8, faltered = $9, version = $10
            WHERE id = $1 AND organization_id = $2
            """,
            payment.id,
            self.tx.organization_id,
            seen.charge,
            seen.amount,
            seen.received,
            seen.state.value,
            seen.failure,
            seen.attempt,
            payment.faltered,
            payment.version,
        )

    async def by_stripe_ids(self, stripe_ids: Collection[str]) -> Mapping[str, Payment]:
        """Those of these, by Stripe's id."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.organization_id = $1 AND p.stripe_id = ANY ($2)",  # noqa: S608
            self.tx.organization_id,
            list(stripe_ids),
        )
        return {row["stripe_id"]: _payment(row) for row in rows}

    async def invoice_of(self, stripe_id: str) -> UUID | None:
        """Which invoice an intent pays."""
        found: UUID | None = await self.tx.fetchval(
            "SELECT invoice_id FROM invoice_payments WHERE stripe_payment_id = $1 AND organization_id = $2",
            stripe_id,
            self.tx.organization_id,
        )
        return found

    async def owners(self, stripe_ids: Collection[str]) -> Mapping[str, UUID]:
        """Whose payments these intents and charges are, of whatever tenant."""
        rows = await self.tx.fetch("SELECT * FROM owners_of_payments($1)", list(stripe_ids))
        return {row["stripe_id"]: row["organization_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class SetupRepository:
    """The setup intents of the transaction's organization."""

    tx: Transaction

    async def save(self, setup_id: UUID, seen: Seen) -> Row | None:
        """Write what is seen now; None when that changes nothing, else the row with its version."""
        return await self.tx.fetchrow(
            """
            INSERT INTO payment_setups AS held (id, organization_id, stripe_id, state, failure, attempt, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (stripe_id) DO UPDATE
            SET state = excluded.state, failure = excluded.failure, attempt = excluded.attempt,
                version = held.version + 1
            WHERE (held.state, held.failure, held.attempt)
                  IS DISTINCT FROM (excluded.state, excluded.failure, excluded.attempt)
            RETURNING id, version
            """,
            setup_id,
            self.tx.organization_id,
            seen.stripe_id,
            seen.state.value,
            seen.failure,
            seen.attempt,
            seen.created_at,
        )

    async def page(self, before: tuple[datetime, UUID] | None, at_most: int) -> Sequence[Row]:
        """Setups, the newest first."""
        moment, setup_id = before or (END_OF_TIME, AFTER_ALL)
        return await self.tx.fetch(
            """
            SELECT id, state, failure, version, created_at FROM payment_setups
            WHERE organization_id = $1 AND (created_at, id) < ($2, $3)
            ORDER BY created_at DESC, id DESC LIMIT $4
            """,
            self.tx.organization_id,
            moment,
            setup_id,
            at_most,
        )


def _payment(row: Row) -> Payment:
    values: dict[str, Any] = {
        name: row[name]
        for name in ("stripe_id", "currency", "amount", "received", "failure", "attempt", "created_at")
    }
    seen = Seen(charge=row["stripe_charge_id"], state=State(row["state"]), **values)
    return Payment(row["id"], seen, row["refunded"], row["faltered"], row["version"], row["invoice_id"])


async def owners_of_payments(tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
    """Whose payments these are, by intent or charge: refunds and disputes name no customer."""
    return await PaymentRepository(tx).owners([each for each in tenants if each.startswith(("pi_", "ch_", "py_"))])
