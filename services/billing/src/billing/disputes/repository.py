from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing.disputes.errors import DisputeNotFound
from billing.disputes.model import Dispute, Seen, State
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, END_OF_TIME

_COLUMNS: Final = (
    "d.id, d.payment_id, d.stripe_id, d.currency, d.amount, d.reason, d.state, d.evidence_due_at, d.withholds, "
    "d.version, d.created_at, p.stripe_id AS payment, p.stripe_charge_id AS charge"
)
_FROM: Final = "disputes AS d JOIN payments AS p ON p.id = d.payment_id"


@dataclass(frozen=True, slots=True)
class DisputeRepository:
    """The disputes of the transaction's organization."""

    tx: Transaction

    async def lock(self, stripe_id: str) -> Dispute | None:
        """The dispute of this id of Stripe's, for update."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE d.stripe_id = $1 AND d.organization_id = $2 FOR UPDATE OF d",  # noqa: S608
            stripe_id,
            self.tx.organization_id,
        )
        return None if row is None else _dispute(row)

    async def find(self, dispute_id: UUID) -> Dispute:
        """One of them, for update.

        Raises:
            DisputeNotFound: it is not there.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE d.id = $1 AND d.organization_id = $2 FOR UPDATE OF d",  # noqa: S608
            dispute_id,
            self.tx.organization_id,
        )
        if row is None:
            raise DisputeNotFound
        return _dispute(row)

    async def open_on(self, payment_id: UUID) -> bool:
        """Whether the payer's bank wants this money, or has it back for good."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (SELECT FROM disputes WHERE organization_id = $1 AND payment_id = $2
                           AND state IN ('opened', 'under_review', 'lost'))
            """,
            self.tx.organization_id,
            payment_id,
        )
        return found

    async def save(self, dispute: Dispute) -> None:
        """Write it as it is now."""
        seen = dispute.seen
        await self.tx.execute(
            """
            INSERT INTO disputes (id, organization_id, payment_id, stripe_id, currency, amount, reason, state,
                evidence_due_at, withholds, version, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (id) DO UPDATE
            SET amount = excluded.amount, reason = excluded.reason, state = excluded.state,
                evidence_due_at = excluded.evidence_due_at, withholds = excluded.withholds, version = excluded.version
            """,
            dispute.id,
            self.tx.organization_id,
            dispute.payment_id,
            seen.stripe_id,
            seen.currency,
            seen.amount,
            seen.reason,
            seen.state.value,
            seen.evidence_due_at,
            dispute.withholds,
            dispute.version,
            seen.created_at,
        )

    async def by_stripe_ids(self, stripe_ids: Collection[str]) -> Mapping[str, Dispute]:
        """Those of these, by Stripe's id."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE d.organization_id = $1 AND d.stripe_id = ANY ($2)",  # noqa: S608 - ours
            self.tx.organization_id,
            list(stripe_ids),
        )
        return {row["stripe_id"]: _dispute(row) for row in rows}

    async def page(self, before: tuple[datetime, UUID] | None, at_most: int) -> list[Dispute]:
        """Disputes, the newest first."""
        moment, dispute_id = before or (END_OF_TIME, AFTER_ALL)
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM {_FROM}
            WHERE d.organization_id = $1 AND (d.created_at, d.id) < ($2, $3)
            ORDER BY d.created_at DESC, d.id DESC LIMIT $4
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            moment,
            dispute_id,
            at_most,
        )
        return [_dispute(row) for row in rows]


def _dispute(row: Row) -> Dispute:
    values: dict[str, Any] = {name: row[name] for name in Seen.__slots__ if name != "state"}
    seen = Seen(state=State(row["state"]), **values)
    return Dispute(row["id"], row["payment_id"], seen, row["withholds"], row["version"])
