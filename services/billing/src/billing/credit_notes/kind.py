"""The kind `billing.credit_note`: an invoice is corrected, once, however often somebody has to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.credit_notes.following import follow
from billing.credit_notes.model import Seen, State
from billing.credit_notes.repository import CreditNoteRepository
from billing.credit_notes.seeing import seen_of
from billing.invoices.repository import InvoiceRepository
from billing.refunds.kind import TIMING
from billing.stripe_api import LANE, Json, StripeApi
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Found, Lane, Look, NotFound, Receipt, Settled, Status

KIND: Final = "billing.credit_note"


@dataclass(frozen=True, slots=True)
class Correcting:
    """Has Stripe issue a credit note.

    Of an open invoice less is due; of a paid one the amount goes to the customer's balance, from which the next
    invoices are paid. Money goes back by a refund and never from here.
    """

    stripe: StripeApi

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Row]:
        """What is asked for; one that Stripe has told us of meanwhile is withdrawn."""
        works = await CreditNoteRepository(tx).works([entry.subject_id for entry in entries])
        return {entry.id: works[entry.subject_id] for entry in entries if entry.subject_id in works}

    async def call(self, entry: Entry, work: Row) -> Receipt:
        """Ask for it; under the same key it is the same credit note."""
        reason = {} if work["reason"] == "other" else {"reason": work["reason"]}
        balance = {"credit_amount": work["amount"]} if work["paid"] else {}
        params: Json = {
            "invoice": work["invoice"],
            "amount": work["amount"],
            "metadata": {"organization_id": str(work["organization_id"]), "row_id": str(work["id"])},
            **reason,
            **balance,
        }

        async def find() -> Json | None:
            return await self._found(work)

        made = await self.stripe.make("/v1/credit_notes", params, key=f"credit-note-{work['id']}", find=find)
        return Receipt(external_id=made["id"], said=f"attempt {entry.attempt}", result=seen_of(made))

    async def look(self, entry: Entry, work: Row) -> Look:
        """Look for it among the credit notes of the invoice."""
        found = await self._found(work)
        if found is None:
            return NotFound(f"attempt {entry.attempt} left no credit note")
        return Found(Receipt(external_id=found["id"], result=seen_of(found)))

    async def _found(self, work: Row) -> Json | None:
        return await self.stripe.ours("/v1/credit_notes", {"invoice": work["invoice"]}, work["id"])

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep what came of it; what was refused frees what it had reserved."""
        organizations = tx.organization_ids
        for each in settled:
            if each.entry.organization_id is not None:
                await tx.bind(each.entry.organization_id)
            if each.status is Status.DONE and isinstance(each.result, Seen):
                await follow(tx, each.result)
            elif each.status is Status.REFUSED:
                await _refused(tx, each)
        await tx.bind(*organizations)


async def _refused(tx: Transaction, settled: Settled) -> None:
    notes = CreditNoteRepository(tx)
    await InvoiceRepository(tx).hold((await notes.find(settled.entry.subject_id)).invoice_id)
    before = await notes.find(settled.entry.subject_id)
    if before.state is State.ASKED:
        await notes.save(before.id, State.REFUSED, failure=settled.code[:40] or "refused")


def effect(organization_id: UUID, note_id: UUID) -> Effect:
    """A credit note as the ledger knows it."""
    return Effect(KIND, Lane(organization_id, LANE), note_id)
