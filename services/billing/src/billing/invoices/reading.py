"""How an invoice is read at Stripe and followed here."""

from dataclasses import dataclass, replace
from typing import Any

import structlog

from billing.invoices.model import Change, Invoice, Seen, changes
from billing.invoices.repository import InvoiceRepository, new
from billing.invoices.seeing import seen_of
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.stripe_api import StripeApi
from billing.stripe_objects import Json, Unreadable, id_of
from contracts.event import Event
from contracts.money import InvoiceFinalized, InvoicePaid, InvoiceVoided
from kit.audit import Provider, audited
from kit.db.database import Transaction
from kit.ledger.model import Refused

log = structlog.get_logger(__name__)

GONE = "resource_missing"


@dataclass(frozen=True, slots=True)
class Found:
    """An invoice, and the credit notes there are about it, by their ids."""

    seen: Seen
    about: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceReader:
    """Follows invoices. A draft that was deleted at Stripe is found as its id alone, and forgotten.

    Credit notes of an invoice that is not known here yet cannot be kept; so whoever reads it for the first time has
    them read again.
    """

    stripe: StripeApi

    type: str = "invoice"

    async def read(self, object_id: str) -> Found | str:
        """The invoice with all its lines and the intents that pay it."""
        try:
            invoice = await self.stripe.get(f"/v1/invoices/{object_id}", {"expand": ["payments"]})
        except Refused as refusal:
            if refusal.code == GONE:
                return object_id
            raise
        try:
            lines = list(invoice["lines"]["data"])
            if invoice["lines"].get("has_more"):
                lines = [each async for each in self.stripe.pages(f"/v1/invoices/{object_id}/lines")]
            return Found(seen_of(invoice, lines), await self._about(invoice))
        except (Unreadable, KeyError, TypeError) as trouble:
            raise Refused("The invoice could not be understood.", code="unreadable", said=str(trouble)) from trouble

    async def _about(self, invoice: Json) -> tuple[Named, ...]:
        if not any(invoice.get(f"{when}_payment_credit_notes_amount") for when in ("pre", "post")):
            return ()
        notes = self.stripe.pages("/v1/credit_notes", {"invoice": invoice["id"]})
        return tuple([Named("credit_note", id_of(each)) async for each in notes])

    async def apply(self, tx: Transaction, found: Found | str, ticket: int) -> None:  # noqa: ARG002 - as readings have it
        """Bring the row up to it and tell what happened."""
        if isinstance(found, str):
            await InvoiceRepository(tx).delete_draft(found)
            return
        before, _ = await follow(tx, found.seen)
        if before is None:
            await ask(tx, *found.about)


async def follow(tx: Transaction, seen: Seen) -> tuple[Invoice | None, Invoice]:
    """The invoice before and after this was seen; the same one seen again changes and tells nothing."""
    invoices = InvoiceRepository(tx)
    before = await invoices.lock(seen.stripe_id)
    if before is None:
        after = new(seen)
        await invoices.add(after)
    else:
        wrong = before.contradicts(seen)
        if wrong:
            log.error("invoices.contradicted", invoice_id=str(before.id), fields=wrong)
        after = before.follow(replace(seen, payments=()))
        if after is not before:
            await invoices.save(replace(after, seen=replace(after.seen, payments=seen.payments)))
    await tx.emit(*(_fact(each, after) for each in changes(before, after)))
    if Change.FINALIZED in changes(before, after):
        await tx.emit(audited("billing.invoice.finalized", Provider(), "invoice", after.id, total=after.seen.total))
    return before, after


def _fact(change: Change, invoice: Invoice) -> Event:
    seen = invoice.seen
    said: dict[str, Any] = {"invoice_id": invoice.id, "total": seen.total, "tax": seen.tax, "currency": seen.currency}
    match change:
        case Change.FINALIZED:
            return InvoiceFinalized(version=invoice.version, **said)
        case Change.PAID:
            return InvoicePaid(version=invoice.version, **said)
        case Change.VOIDED:
            return InvoiceVoided(version=invoice.version, **said)
