"""How credit notes are read at Stripe and followed here, whoever made them."""

from dataclasses import dataclass
from typing import Any

from billing.credit_notes.model import CreditNote, Seen, State
from billing.credit_notes.repository import CreditNoteRepository
from billing.credit_notes.seeing import seen_of
from billing.invoices.model import Invoice
from billing.invoices.repository import InvoiceRepository
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.stripe_api import StripeApi
from billing.stripe_objects import Unreadable
from contracts.money import CreditNoteIssued, CreditNoteVoided
from kit.audit import Provider, audited
from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.model import Refused


@dataclass(frozen=True, slots=True)
class CreditNoteReader:
    """Follows credit notes."""

    stripe: StripeApi

    type: str = "credit_note"

    async def read(self, object_id: str) -> Seen:
        """The credit note."""
        try:
            return seen_of(await self.stripe.get(f"/v1/credit_notes/{object_id}"))
        except Unreadable as trouble:
            raise Refused("It could not be understood.", code="unreadable", said=str(trouble)) from trouble

    async def apply(self, tx: Transaction, found: Seen, ticket: int) -> None:  # noqa: ARG002 - as readings have it
        """Bring the row up to it; one of an invoice that is not known yet has both read again, the invoice first."""
        if await follow(tx, found) is None:
            await ask(tx, Named("invoice", found.invoice))


async def follow(tx: Transaction, seen: Seen) -> CreditNote | None:
    """The credit note after this was seen, or None while its invoice is not known; seen again it is the same."""
    notes = CreditNoteRepository(tx)
    invoice = await InvoiceRepository(tx).lock(seen.invoice)
    if invoice is None:
        return None
    before = await notes.lock(seen.row_id, seen.stripe_id)
    if before is None:
        if not await _has_room(tx, invoice, seen):
            return None
        note_id = new_id()
        await notes.insert(note_id, invoice.id, seen)
    elif (before.stripe_id, before.state) == (seen.stripe_id, seen.state):
        return before
    else:
        note_id = before.id
        await notes.save(note_id, seen.state, seen=seen)
    after = await notes.find(note_id)
    await _tell(tx, before, after)
    return after


async def _has_room(tx: Transaction, invoice: Invoice, seen: Seen) -> bool:
    """See that what was credited at Stripe's desk fits in: what was only asked for here gives way, newest first."""
    missing = 0 if seen.state is State.VOID else seen.amount - (invoice.seen.total - invoice.credited)
    for asked in await CreditNoteRepository(tx).asked(invoice.id):
        if missing <= 0:
            break
        await CreditNoteRepository(tx).save(asked.id, State.REFUSED, failure="superseded")
        missing -= asked.amount
    return missing <= 0


async def _tell(tx: Transaction, before: CreditNote | None, after: CreditNote) -> None:
    said: dict[str, Any] = {
        "credit_note_id": after.id,
        "invoice_id": after.invoice_id,
        "amount": after.amount,
        "currency": after.currency,
    }
    if before is None or before.state is State.ASKED:
        await tx.emit(
            CreditNoteIssued(version=after.version, **said),
            audited("billing.credit_note.issued", Provider(), "credit_note", after.id, amount=after.amount),
        )
    if after.state is State.VOID:
        await tx.emit(
            CreditNoteVoided(version=after.version, **said),
            audited("billing.credit_note.voided", Provider(), "credit_note", after.id, amount=after.amount),
        )
