from dataclasses import dataclass
from uuid import UUID

from billing.credit_notes.errors import NothingToCorrect, OverCredit
from billing.credit_notes.kind import effect
from billing.credit_notes.model import CreditNote
from billing.credit_notes.repository import CreditNoteRepository
from billing.invoices.repository import InvoiceRepository
from kit.audit import audited
from kit.db.database import Database
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Correction:
    """By how much which invoice is to be corrected."""

    invoice_id: UUID
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class CreditNoteService:
    """Asks for credit notes and shows them."""

    database: Database
    ledger: Ledger

    async def ask(self, organization_id: UUID, wish: Correction, staff: StaffCaller, key: Idempotency) -> CreditNote:
        """Reserve the amount and put it on its way; Stripe is asked after the commit.

        Raises:
            InvoiceNotFound, NothingToCorrect: there is no invoice that could be corrected.
            OverCredit: it is more than is left of it.
        """
        async with self.database.transaction(organization_id) as tx:
            notes = CreditNoteRepository(tx)
            if earlier := await key.claim(tx):
                return await notes.find(earlier.resource_id)
            invoice = await InvoiceRepository(tx).hold(wish.invoice_id)
            if invoice.seen.status not in {"open", "paid"}:
                raise NothingToCorrect
            left = invoice.seen.total - invoice.credited
            if invoice.seen.status == "open":
                left = min(left, invoice.seen.remaining)
            if wish.amount > left:
                raise OverCredit(creditable=max(left, 0))
            note_id = new_id()
            await notes.add(note_id, invoice.id, invoice.seen.currency, wish.amount, wish.reason)
            await key.remember(tx, note_id)
            await self.ledger.add(tx, effect(organization_id, note_id))
            await tx.emit(audited("billing.credit_note.asked", staff, "credit_note", note_id, amount=wish.amount))
            return await notes.find(note_id)

    async def page(
        self, organization_id: UUID, invoice_id: UUID | None, page: PageRequest
    ) -> tuple[list[CreditNote], str | None]:
        """Credit notes, the newest first."""
        before = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await CreditNoteRepository(tx).page(before[0] if before else None, invoice_id, page.limit + 1)
        return page.cut(rows, lambda note: (note.id,))
