from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.pays.errors import PayNotFound
from billing.pays.model import Pay
from kit.db.database import Row, Transaction

_COLUMNS: Final = "id, invoice_id, state, failure, created_at"


@dataclass(frozen=True, slots=True)
class PayRepository:
    """Wishes to pay of the transaction's organizations."""

    tx: Transaction

    async def add(self, pay_id: UUID, invoice_id: UUID) -> bool:
        """A new one; False while another for the invoice is under way."""
        added = await self.tx.execute(
            """
            INSERT INTO invoice_pays (id, organization_id, invoice_id) VALUES ($1, $2, $3)
            ON CONFLICT (invoice_id) WHERE state IN ('asked', 'unknown') DO NOTHING
            """,
            pay_id,
            self.tx.organization_id,
            invoice_id,
        )
        return added == 1

    async def find(self, pay_id: UUID) -> Pay:
        """One of them.

        Raises:
            PayNotFound: it is not there.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM invoice_pays WHERE id = $1 AND organization_id = $2",  # noqa: S608 - our own
            pay_id,
            self.tx.organization_id,
        )
        if row is None:
            raise PayNotFound
        return Pay(**row)

    async def save(self, pay_id: UUID, state: str, failure: str) -> None:
        """Write what came of it."""
        await self.tx.execute(
            "UPDATE invoice_pays SET state = $3, failure = $4 WHERE id = $1 AND organization_id = $2",
            pay_id,
            self.tx.organization_id,
            state,
            failure,
        )

    async def works(self, pay_ids: Sequence[UUID]) -> Mapping[UUID, Row]:
        """Which invoices Stripe is to try; of any organization of the transaction."""
        rows = await self.tx.fetch(
            """
            SELECT pay.id, invoice.stripe_id AS invoice
            FROM invoice_pays AS pay JOIN invoices AS invoice ON invoice.id = pay.invoice_id
            WHERE pay.id = ANY ($1)
            """,
            list(pay_ids),
        )
        return {row["id"]: row for row in rows}

    async def touches(self, pay_id: UUID) -> list[tuple[str, str]]:
        """What a try may have changed at Stripe, as type and id: the invoice, and the intents that pay it."""
        rows = await self.tx.fetch(
            """
            SELECT 'invoice' AS kind, invoice.stripe_id FROM invoice_pays AS pay
            JOIN invoices AS invoice ON invoice.id = pay.invoice_id WHERE pay.id = $1 AND pay.organization_id = $2
            UNION ALL
            SELECT 'payment_intent', link.stripe_payment_id FROM invoice_pays AS pay
            JOIN invoice_payments AS link ON link.invoice_id = pay.invoice_id
            WHERE pay.id = $1 AND pay.organization_id = $2
            """,
            pay_id,
            self.tx.organization_id,
        )
        return [(row["kind"], row["stripe_id"]) for row in rows]
