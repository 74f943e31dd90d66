from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from billing.errors import PaymentsOff, PaymentsUnavailable
from billing.invoices.errors import InvoiceNotIssued
from billing.invoices.model import Invoice
from billing.invoices.repository import InvoiceRepository
from billing.stripe_api import Json, StripeApi
from kit.db.database import Database
from kit.http.pagination import PageRequest
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered


@dataclass(frozen=True, slots=True)
class Link:
    """Addresses of an invoice at Stripe; asked for each time, and kept nowhere: who has them can see and pay it."""

    page: str
    pdf: str | None


@dataclass(frozen=True, slots=True)
class InvoiceService:
    """Shows invoices."""

    database: Database
    stripe: StripeApi

    async def page(self, organization_id: UUID, page: PageRequest) -> tuple[list[Invoice], str | None]:
        """Invoices, the newest first."""
        before = page.after(datetime, UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await InvoiceRepository(tx).page(before, page.limit + 1)
        return page.cut(rows, lambda invoice: (invoice.seen.created_at, invoice.id))

    async def find(self, organization_id: UUID, invoice_id: UUID) -> Invoice:
        """One of them.

        Raises:
            InvoiceNotFound: it is not there.
        """
        async with self.database.transaction(organization_id) as tx:
            return await InvoiceRepository(tx).find(invoice_id)

    async def link(self, organization_id: UUID, invoice_id: UUID) -> Link:
        """Where it is shown, and paid or confirmed if it is open.

        Raises:
            InvoiceNotFound: it is not there.
            InvoiceNotIssued: it is a draft.
            PaymentsOff, PaymentsUnavailable: Stripe cannot be asked.
        """
        invoice = await self.find(organization_id, invoice_id)
        if invoice.seen.finalized_at is None:
            raise InvoiceNotIssued
        return _link(await self._read(invoice.seen.stripe_id))

    async def _read(self, stripe_id: str) -> Json:
        if not self.stripe.on:
            raise PaymentsOff
        try:
            return await self.stripe.get(f"/v1/invoices/{stripe_id}")
        except (NotAccepted, Parked, Refused, Unanswered) as trouble:
            raise PaymentsUnavailable from trouble


def _link(invoice: Json) -> Link:
    page, pdf = invoice.get("hosted_invoice_url"), invoice.get("invoice_pdf")
    if not isinstance(page, str) or urlsplit(page).scheme not in {"https", "http"}:
        raise InvoiceNotIssued
    return Link(page, pdf if isinstance(pdf, str) else None)
