"""How refunds are read at Stripe and followed here, whoever made them."""

from dataclasses import dataclass
from typing import Any

from billing.payments.model import Payment
from billing.payments.repository import PaymentRepository
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.refunds.model import GONE, Change, Refund, Seen, State, change
from billing.refunds.repository import RefundRepository
from billing.refunds.seeing import seen_of
from billing.stripe_api import StripeApi
from billing.stripe_objects import Unreadable
from contracts.money import RefundFailed, RefundIssued
from kit.audit import Provider, audited
from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.model import Refused


@dataclass(frozen=True, slots=True)
class RefundReader:
    """Follows refunds, those of ours and those that were made at Stripe's own desk."""

    stripe: StripeApi

    type: str = "refund"

    async def read(self, object_id: str) -> Seen:
        """The refund."""
        try:
            return seen_of(await self.stripe.get(f"/v1/refunds/{object_id}"))
        except Unreadable as trouble:
            raise Refused("It could not be understood.", code="unreadable", said=str(trouble)) from trouble

    async def apply(self, tx: Transaction, found: Seen, ticket: int) -> None:  # noqa: ARG002 - as readings have it
        """Bring the row up to it; one of a payment that is not known yet waits for that: it is asked for."""
        if await follow(tx, found) is None and found.payment is not None:
            await ask(tx, Named("payment_intent", found.payment))


async def follow(tx: Transaction, seen: Seen) -> Refund | None:
    """The refund after this was seen, or None while its payment is not known; seen again it is the same."""
    refunds, payments = RefundRepository(tx), PaymentRepository(tx)
    payment_id = await payments.of(seen.payment, seen.charge)
    if payment_id is None:
        return None
    payment = await payments.hold(payment_id)
    before = await refunds.lock(seen.row_id, seen.stripe_id)
    if before is None:
        if not await _has_room(tx, payment, seen):
            return None
        refund_id, version = new_id(), 1
        await refunds.insert(refund_id, payment_id, seen)
    elif (before.stripe_id, before.state, before.failure) == (seen.stripe_id, seen.state, seen.failure):
        return before
    else:
        refund_id = before.id
        version = await refunds.save(before.id, seen.state, seen.failure, seen=seen)
    after = await refunds.find(refund_id)
    await tell(tx, change(before.state if before else None, after.state), after, version)
    return after


async def _has_room(tx: Transaction, payment: Payment, seen: Seen) -> bool:
    """See that what was given back at Stripe's desk fits in: what was only asked for here gives way, newest first.

    Stripe will refuse it, or has not been asked yet. It does not fit while a newer state of the payment is not read.
    """
    missing = 0 if seen.state in GONE else seen.amount - payment.refundable
    for asked in await RefundRepository(tx).asked(payment.id):
        if missing <= 0:
            break
        version = await RefundRepository(tx).save(asked.id, State.FAILED, "superseded")
        await tell(tx, Change.FAILED, await RefundRepository(tx).find(asked.id), version)
        missing -= asked.amount
    return missing <= 0


async def tell(tx: Transaction, happened: Change | None, refund: Refund, version: int) -> None:
    """Let others know, and put it on record."""
    said: dict[str, Any] = {"refund_id": refund.id, "payment_id": refund.payment_id, "amount": refund.amount}
    match happened:
        case Change.ISSUED:
            await tx.emit(
                RefundIssued(version=version, currency=refund.currency, **said),
                audited("billing.refund.issued", Provider(), "refund", refund.id, amount=refund.amount),
            )
        case Change.FAILED:
            await tx.emit(
                RefundFailed(version=version, currency=refund.currency, **said),
                audited("billing.refund.failed", Provider(), "refund", refund.id, amount=refund.amount),
            )
        case None:
            pass
