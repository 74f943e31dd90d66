from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.credit_notes.model import CreditNote, Seen, State
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL

_COLUMNS: Final = "id, invoice_id, stripe_id, number, currency, amount, reason, state, failure, version, created_at"


@dataclass(frozen=True, slots=True)
class CreditNoteRepository:
    """The credit notes of the transaction's organization."""

    tx: Transaction

    async def add(self, note_id: UUID, invoice_id: UUID, currency: str, amount: int, reason: str) -> None:
        """Ask for one, with its invoice locked."""
        await self.tx.execute(
            """
            INSERT INTO credit_notes (id, organization_id, invoice_id, currency, amount, reason, state)
            VALUES ($1, $2, $3, $4, $5, $6, 'asked')
            """,
            note_id,
            self.tx.organization_id,
            invoice_id,
            currency,
            amount,
            reason,
        )

    async def insert(self, note_id: UUID, invoice_id: UUID, seen: Seen) -> None:
        """One that was made at Stripe and not here."""
        await self.tx.execute(
            """
            INSERT INTO credit_notes (id, organization_id, invoice_id, stripe_id, number, currency, amount, reason,
                state, created_at, stripe_created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
            """,
            note_id,
            self.tx.organization_id,
            invoice_id,
            seen.stripe_id,
            seen.number,
            seen.currency,
            seen.amount,
            seen.reason,
            seen.state.value,
            seen.created_at,
        )

    async def lock(self, row_id: UUID | None, stripe_id: str | None) -> CreditNote | None:
        """The credit note by our id or Stripe's, for update."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM credit_notes
            WHERE organization_id = $1 AND (id = $2 OR stripe_id = $3) FOR UPDATE
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            row_id,
            stripe_id,
        )
        return None if row is None else _note(row)

    async def asked(self, invoice_id: UUID) -> list[CreditNote]:
        """Those of an invoice that Stripe has not answered, the newest first, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM credit_notes
            WHERE organization_id = $1 AND invoice_id = $2 AND state = 'asked' ORDER BY id DESC FOR UPDATE
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            invoice_id,
        )
        return [_note(row) for row in rows]

    async def save(self, note_id: UUID, state: State, *, seen: Seen | None = None, failure: str = "") -> None:
        """Write where it stands."""
        await self.tx.execute(
            """
            UPDATE credit_notes SET state = $3, failure = $4, version = version + 1,
                stripe_id = coalesce($5, stripe_id), number = coalesce($6, number),
                stripe_created_at = coalesce($7, stripe_created_at)
            WHERE id = $1 AND organization_id = $2
            """,
            note_id,
            self.tx.organization_id,
            state.value,
            failure,
            seen.stripe_id if seen else None,
            seen.number if seen else None,
            seen.created_at if seen else None,
        )

    async def find(self, note_id: UUID) -> CreditNote:
        """One that is known to be there."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM credit_notes WHERE id = $1 AND organization_id = $2",  # noqa: S608 - our own
            note_id,
            self.tx.organization_id,
        )
        if row is None:
            raise LookupError(note_id)
        return _note(row)

    async def by_stripe_ids(self, stripe_ids: Collection[str]) -> Mapping[str, CreditNote]:
        """Those of these, by Stripe's id."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM credit_notes WHERE organization_id = $1 AND stripe_id = ANY ($2)",  # noqa: S608 - ours
            self.tx.organization_id,
            list(stripe_ids),
        )
        return {row["stripe_id"]: _note(row) for row in rows}

    async def page(self, before: UUID | None, invoice_id: UUID | None, at_most: int) -> list[CreditNote]:
        """Credit notes, the newest first; of one invoice, if it is named."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM credit_notes
            WHERE organization_id = $1 AND id < $2 AND ($3::uuid IS NULL OR invoice_id = $3)
            ORDER BY id DESC LIMIT $4
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            before or AFTER_ALL,
            invoice_id,
            at_most,
        )
        return [_note(row) for row in rows]

    async def works(self, note_ids: Sequence[UUID]) -> Mapping[UUID, Row]:
        """What Stripe is to be told of those that are on their way; of any organization of the transaction."""
        rows = await self.tx.fetch(
            """
            SELECT n.id, n.organization_id, n.amount, n.reason, i.stripe_id AS invoice, i.status = 'paid' AS paid
            FROM credit_notes AS n JOIN invoices AS i ON i.id = n.invoice_id
            WHERE n.id = ANY ($1) AND n.state = 'asked'
            """,
            list(note_ids),
        )
        return {row["id"]: row for row in rows}


def _note(row: Row) -> CreditNote:
    return CreditNote(**{**row, "state": State(row["state"])})
