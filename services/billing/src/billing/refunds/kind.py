"""The kind `billing.refund`: money is given back, once, however often somebody has to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.payments.repository import PaymentRepository
from billing.refunds.following import follow, tell
from billing.refunds.model import Change, Seen, State
from billing.refunds.repository import RefundRepository
from billing.refunds.seeing import seen_of
from billing.stripe_api import LANE, WITHIN, Json, StripeApi
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Found, Lane, Look, NotFound, Receipt, Settled, Status

KIND: Final = "billing.refund"
TIMING: Final = Timing(
    call_within=WITHIN + 5.0,
    looks_after=(1.0, 10.0, 60.0, 300.0),
    absent_after=120.0,
    unconfirmed_after=20 * 3600.0,
    give_up_after=20 * 3600.0,
)
"""All of it well within the 24 hours for which Stripe remembers a key: what was proven absent is asked for again
under the same key, so that even a request that is still on its way there makes no second refund."""


@dataclass(frozen=True, slots=True)
class Refunding:
    """Asks Stripe to give money back. What may have happened is looked for among the payment's refunds first."""

    stripe: StripeApi

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Row]:
        """What is asked for; one that Stripe has told us of meanwhile is withdrawn."""
        works = await RefundRepository(tx).works([entry.subject_id for entry in entries])
        return {entry.id: works[entry.subject_id] for entry in entries if entry.subject_id in works}

    async def call(self, entry: Entry, work: Row) -> Receipt:
        """Ask for it; under the same key it is the same refund."""
        reason = {} if work["reason"] == "other" else {"reason": work["reason"]}
        params: Json = {
            "payment_intent": work["payment"],
            "amount": work["amount"],
            "metadata": {"organization_id": str(work["organization_id"]), "row_id": str(work["id"])},
            **reason,
        }

        async def find() -> Json | None:
            return await self._found(work)

        made = await self.stripe.make("/v1/refunds", params, key=f"refund-{work['id']}", find=find)
        return Receipt(external_id=made["id"], said=f"attempt {entry.attempt}", result=seen_of(made))

    async def look(self, entry: Entry, work: Row) -> Look:
        """Look for it among the refunds of the payment."""
        found = await self._found(work)
        if found is None:
            return NotFound(f"attempt {entry.attempt} left no refund")
        return Found(Receipt(external_id=found["id"], result=seen_of(found)))

    async def _found(self, work: Row) -> Json | None:
        return await self.stripe.ours("/v1/refunds", {"payment_intent": work["payment"]}, work["id"])

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
    refunds = RefundRepository(tx)
    await PaymentRepository(tx).hold((await refunds.find(settled.entry.subject_id)).payment_id)
    before = await refunds.lock(settled.entry.subject_id, None)
    if before is None or before.state is not State.ASKED:
        return
    version = await refunds.save(before.id, State.FAILED, settled.code[:40] or "refused")
    await tell(tx, Change.FAILED, await refunds.find(before.id), version)


def effect(organization_id: UUID, refund_id: UUID) -> Effect:
    """A refund as the ledger knows it."""
    return Effect(KIND, Lane(organization_id, LANE), refund_id)
