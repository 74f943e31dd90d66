from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.errors import PaymentsOff
from billing.invoices.errors import InvoiceNotOpen
from billing.invoices.repository import InvoiceRepository
from billing.payments.model import Payment
from billing.payments.repository import PaymentRepository, SetupRepository
from billing.pays.errors import PayUnderWay
from billing.pays.kind import effect
from billing.pays.model import Pay
from billing.pays.repository import PayRepository
from billing.stripe_api import StripeApi
from kit.audit import audited
from kit.db.database import Database, Row
from kit.errors import TransientError
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id
from kit.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class PaymentService:
    """Shows payments, and pays an open invoice again."""

    database: Database
    ledger: Ledger
    stripe: StripeApi

    async def page(
        self, organization_id: UUID, invoice_id: UUID | None, page: PageRequest
    ) -> tuple[list[Payment], str | None]:
        """Payments, the newest first."""
        before = page.after(datetime, UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await PaymentRepository(tx).page(before, invoice_id, page.limit + 1)
        return page.cut(rows, lambda payment: (payment.seen.created_at, payment.id))

    async def find(self, organization_id: UUID, payment_id: UUID) -> Payment:
        """One of them.

        Raises:
            PaymentNotFound: it is not there.
        """
        async with self.database.transaction(organization_id) as tx:
            return await PaymentRepository(tx).find(payment_id)

    async def setups(self, organization_id: UUID, page: PageRequest) -> tuple[list[Row], str | None]:
        """Ways to pay that were to be kept, the newest first."""
        before = page.after(datetime, UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await SetupRepository(tx).page(before, page.limit + 1)
        return page.cut(rows, lambda row: (row["created_at"], row["id"]))

    async def pay(self, caller: MemberCaller, invoice_id: UUID, key: Idempotency) -> Pay:
        """Try now to have an open invoice paid with what is on file; who asks waits for what comes of it.

        Whatever happens here, the wish is in the ledger: it is tried once, and `pay` tells later what came of it.

        Raises:
            InvoiceNotFound, InvoiceNotOpen: there is nothing to pay.
            PayUnderWay: somebody pays it just now.
            PaymentsOff: nothing is sold here.
        """
        if not self.stripe.on:
            raise PaymentsOff
        organization_id = caller.organization_id
        async with self.database.transaction(organization_id) as tx:
            pays = PayRepository(tx)
            if earlier := await key.claim(tx):
                return await pays.find(earlier.resource_id)
            if (await InvoiceRepository(tx).hold(invoice_id)).seen.status != "open":
                raise InvoiceNotOpen
            pay_id = new_id()
            if not await pays.add(pay_id, invoice_id):
                raise PayUnderWay
            await key.remember(tx, pay_id)
            await self.ledger.add(tx, effect(organization_id, pay_id))
            await tx.emit(audited("billing.invoice.pay_asked", caller, "invoice_pay", pay_id))
        with suppress(TransientError):  # a worker has it, or the lane is busy: it goes on without us
            await self.ledger.perform(effect(organization_id, pay_id))
        return await self.read_pay(organization_id, pay_id)

    async def read_pay(self, organization_id: UUID, pay_id: UUID) -> Pay:
        """What came of a try.

        Raises:
            PayNotFound: nobody asked for it.
        """
        async with self.database.transaction(organization_id) as tx:
            return await PayRepository(tx).find(pay_id)
