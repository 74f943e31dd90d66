from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.refunds.errors import RefundNotFound
from billing.refunds.model import Refund, Seen, State
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL

_COLUMNS: Final = "id, payment_id, stripe_id, currency, amount, reason, state, failure, version, created_at"


@dataclass(frozen=True, slots=True)
class RefundRepository:
    """The refunds of the transaction's organizations; `add` and `follow` are for one of them."""

    tx: Transaction

    async def add(self, refund_id: UUID, payment_id: UUID, currency: str, amount: int, reason: str) -> None:
        """Ask for one, with its payment locked; what was received bounds the sum of those that have not failed."""
        await self.tx.execute(
            """
            INSERT INTO refunds (id, organization_id, payment_id, currency, amount, reason, state)
            VALUES ($1, $2, $3, $4, $5, $6, 'asked')
            """,
            refund_id,
            self.tx.organization_id,
            payment_id,
            currency,
            amount,
            reason,
        )

    async def asked(self, payment_id: UUID) -> list[Refund]:
        """Those of a payment that Stripe has not answered, the newest first, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM refunds
            WHERE organization_id = $1 AND payment_id = $2 AND state = 'asked' ORDER BY id DESC FOR UPDATE
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            payment_id,
        )
        return [_refund(row) for row in rows]

    async def insert(self, refund_id: UUID, payment_id: UUID, seen: Seen) -> None:
        """One that was made at Stripe and not here."""
        await self.tx.execute(
            """
            INSERT INTO refunds (id, organization_id, payment_id, stripe_id, currency, amount, reason, state, failure,
                created_at, stripe_created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
            """,
            refund_id,
            self.tx.organization_id,
            payment_id,
            seen.stripe_id,
            seen.currency,
            seen.amount,
            seen.reason,
            seen.state.value,
            seen.failure,
            seen.created_at,
        )

    async def lock(self, row_id: UUID | None, stripe_id: str | None) -> Refund | None:
        """The refund by our id or Stripe's, for update."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM refunds
            WHERE organization_id = ANY ($1) AND (id = $2 OR stripe_id = $3) FOR UPDATE
            """,  # noqa: S608 - our own columns
            list(self.tx.organization_ids),
            row_id,
            stripe_id,
        )
        return None if row is None else _refund(row)

    async def save(self, refund_id: UUID, state: State, failure: str, *, seen: Seen | None = None) -> int:
        """Write where it stands; returns the new version."""
        version: int = await self.tx.fetchval(
            """
            UPDATE refunds SET state = $2, failure = $3, version = version + 1,
                stripe_id = coalesce($4, stripe_id), stripe_created_at = coalesce($5, stripe_created_at)
            WHERE id = $1 AND organization_id = ANY ($6) RETURNING version
            """,
            refund_id,
            state.value,
            failure,
            seen.stripe_id if seen else None,
            seen.created_at if seen else None,
            list(self.tx.organization_ids),
        )
        return version

    async def find(self, refund_id: UUID) -> Refund:
        """One of them.

        Raises:
            RefundNotFound: it is not there.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM refunds WHERE id = $1 AND organization_id = $2",  # noqa: S608 - our own columns
            refund_id,
            self.tx.organization_id,
        )
        if row is None:
            raise RefundNotFound
        return _refund(row)

    async def by_stripe_ids(self, stripe_ids: Collection[str]) -> Mapping[str, Refund]:
        """Those of these, by Stripe's id."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM refunds WHERE organization_id = $1 AND stripe_id = ANY ($2)",  # noqa: S608 - ours
            self.tx.organization_id,
            list(stripe_ids),
        )
        return {row["stripe_id"]: _refund(row) for row in rows}

    async def page(self, before: UUID | None, payment_id: UUID | None, at_most: int) -> list[Refund]:
        """Refunds, the newest first; of one payment, if it is named."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM refunds
            WHERE organization_id = $1 AND id < $2 AND ($3::uuid IS NULL OR payment_id = $3)
            ORDER BY id DESC LIMIT $4
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            before or AFTER_ALL,
            payment_id,
            at_most,
        )
        return [_refund(row) for row in rows]

    async def works(self, refund_ids: Sequence[UUID]) -> Mapping[UUID, Row]:
        """What Stripe is to be told of those that are on their way."""
        rows = await self.tx.fetch(
            """
            SELECT r.id, r.organization_id, r.amount, r.reason, p.stripe_id AS payment
            FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id
            WHERE r.id = ANY ($1) AND r.state = 'asked'
            """,
            list(refund_ids),
        )
        return {row["id"]: row for row in rows}


def _refund(row: Row) -> Refund:
    return Refund(**{**row, "state": State(row["state"])})
