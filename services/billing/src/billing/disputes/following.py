"""How disputes are read at Stripe and followed here, and what they mean for the plan."""

from dataclasses import dataclass, replace
from typing import Any

from billing.disputes.model import Change, Dispute, Seen, begun, changes
from billing.disputes.repository import DisputeRepository
from billing.disputes.seeing import seen_of
from billing.entitlements.service import settle
from billing.payments.repository import PaymentRepository
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.stripe_api import StripeApi
from billing.stripe_objects import Unreadable
from contracts.money import DisputeClosed, DisputeOpened
from kit.audit import Provider, audited
from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.model import Refused


@dataclass(frozen=True, slots=True)
class DisputeReader:
    """Follows disputes."""

    stripe: StripeApi

    type: str = "dispute"

    async def read(self, object_id: str) -> Seen:
        """The dispute."""
        try:
            return seen_of(await self.stripe.get(f"/v1/disputes/{object_id}"))
        except Unreadable as trouble:
            raise Refused("It could not be understood.", code="unreadable", said=str(trouble)) from trouble

    async def apply(self, tx: Transaction, found: Seen, ticket: int) -> None:  # noqa: ARG002 - as readings have it
        """Bring the row up to it; one about a payment that is not known yet waits for that: it is asked for."""
        if await follow(tx, found) is None and found.payment is not None:
            await ask(tx, Named("payment_intent", found.payment))


async def follow(tx: Transaction, seen: Seen) -> Dispute | None:
    """The dispute after this was seen, or None while its payment is not known; seen again it is the same.

    To be called under `GrantRepository.lock`.
    """
    disputes, payments = DisputeRepository(tx), PaymentRepository(tx)
    payment_id = await payments.of(seen.payment, seen.charge)
    if payment_id is None:
        return None
    payment = (await payments.find(payment_id)).seen
    seen = replace(seen, payment=payment.stripe_id, charge=payment.charge)
    before = await disputes.lock(seen.stripe_id)
    after = begun(new_id(), payment_id, seen) if before is None else before.follow(seen)
    if after is before:
        return after
    await disputes.save(after)
    for each in changes(before, after):
        await _tell(tx, each, after)
    if after.withholds is not (before is not None and before.withholds):
        await settle(tx)
    return after


async def _tell(tx: Transaction, happened: Change, dispute: Dispute) -> None:
    seen = dispute.seen
    said: dict[str, Any] = {"dispute_id": dispute.id, "payment_id": dispute.payment_id, "version": dispute.version}
    if happened is Change.OPENED:
        await tx.emit(
            DisputeOpened(
                amount=seen.amount,
                currency=seen.currency,
                reason=seen.reason,
                evidence_due_at=seen.evidence_due_at,
                **said,
            ),
            audited("billing.dispute.opened", Provider(), "dispute", dispute.id, reason=seen.reason),
        )
        return
    await tx.emit(
        DisputeClosed(outcome=seen.state.value, **said),
        audited("billing.dispute.closed", Provider(), "dispute", dispute.id, outcome=seen.state.value),
    )
