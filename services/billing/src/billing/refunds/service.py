from dataclasses import dataclass
from uuid import UUID

from billing.disputes.repository import DisputeRepository
from billing.payments.model import State as PaymentState
from billing.payments.repository import PaymentRepository
from billing.refunds.errors import NothingReceived, OverRefund, PaymentDisputed
from billing.refunds.kind import effect
from billing.refunds.model import Refund
from billing.refunds.repository import RefundRepository
from kit.audit import audited
from kit.db.database import Database
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be given back: so much, or all that is left."""

    payment_id: UUID
    amount: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class RefundService:
    """Asks for refunds and shows them."""

    database: Database
    ledger: Ledger

    async def ask(self, organization_id: UUID, order: Order, staff: StaffCaller, key: Idempotency) -> Refund:
        """Reserve the amount and put it on its way; Stripe is asked after the commit.

        Raises:
            PaymentNotFound, NothingReceived, PaymentDisputed: there is nothing to give back.
            OverRefund: it is more than is left.
        """
        async with self.database.transaction(organization_id) as tx:
            refunds = RefundRepository(tx)
            if earlier := await key.claim(tx):
                return await refunds.find(earlier.resource_id)
            payment = await PaymentRepository(tx).hold(order.payment_id)
            if payment.seen.state is not PaymentState.SUCCEEDED:
                raise NothingReceived
            if await DisputeRepository(tx).open_on(payment.id):
                raise PaymentDisputed
            amount = payment.refundable if order.amount is None else order.amount
            if not 0 < amount <= payment.refundable:
                raise OverRefund(refundable=payment.refundable)
            refund_id = new_id()
            await refunds.add(refund_id, payment.id, payment.seen.currency, amount, order.reason)
            await key.remember(tx, refund_id)
            await self.ledger.add(tx, effect(organization_id, refund_id))
            await tx.emit(
                audited("billing.refund.asked", staff, "refund", refund_id, amount=amount, reason=order.reason)
            )
            return await refunds.find(refund_id)

    async def find(self, organization_id: UUID, refund_id: UUID) -> Refund:
        """One of them.

        Raises:
            RefundNotFound: it is not there.
        """
        async with self.database.transaction(organization_id) as tx:
            return await RefundRepository(tx).find(refund_id)

    async def page(
        self, organization_id: UUID, payment_id: UUID | None, page: PageRequest
    ) -> tuple[list[Refund], str | None]:
        """Refunds, the newest first."""
        before = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await RefundRepository(tx).page(before[0] if before else None, payment_id, page.limit + 1)
        return page.cut(rows, lambda refund: (refund.id,))
