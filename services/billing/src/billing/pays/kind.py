"""The kind `billing.invoice_pay`: an open invoice is tried to be paid again, because its owner asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.payments.declines import told
from billing.pays.repository import PayRepository
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.stripe_api import LANE, TIMING, StripeApi
from kit.audit import SYSTEM, audited
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Found, Lane, Look, Receipt, Settled, Status

KIND: Final = "billing.invoice_pay"

CONFIRMING: Final = frozenset(
    {
        "authentication_required",
        "invoice_payment_intent_requires_action",
        "subscription_payment_intent_requires_action",
    }
)
"""Codes that mean: the bank wants its customer to confirm."""

PAID: Final = frozenset({"invoice_already_paid", "payment_intent_unexpected_state"})
"""Codes that mean: somebody else was faster; what is read next tells."""


@dataclass(frozen=True, slots=True)
class Paying:
    """Has Stripe try again. Under the key of the wish it is one try, however often it is asked for."""

    stripe: StripeApi

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Row]:
        """Which invoices."""
        works = await PayRepository(tx).works([entry.subject_id for entry in entries])
        return {entry.id: works[entry.subject_id] for entry in entries if entry.subject_id in works}

    async def call(self, entry: Entry, work: Row) -> Receipt:
        """Try it, with the way to pay that is on file."""
        invoice = await self.stripe.post(f"/v1/invoices/{work['invoice']}/pay", key=f"pay-{work['id']}")
        return Receipt(external_id=invoice["id"], said=f"attempt {entry.attempt}: {invoice['status']}")

    async def look(self, entry: Entry, work: Row) -> Look:
        """Ask again: while Stripe remembers the key, the answer is what the first try came to."""
        return Found(await self.call(entry, work))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep what came of it, and have the invoice and what pays it read."""
        organizations = tx.organization_ids
        for each in settled:
            if each.entry.organization_id is None or each.status is Status.PENDING:
                continue
            await tx.bind(each.entry.organization_id)
            await _came(tx, each)
        await tx.bind(*organizations)


async def _came(tx: Transaction, settled: Settled) -> None:
    pays, pay_id = PayRepository(tx), settled.entry.subject_id
    state, failure = outcome(settled.status, settled.code)
    await pays.save(pay_id, state, failure)
    await ask(tx, *(Named(kind, stripe_id) for kind, stripe_id in await pays.touches(pay_id)))
    if state in {"succeeded", "failed"}:
        await tx.emit(audited("billing.invoice.pay_tried", SYSTEM, "invoice_pay", pay_id, outcome=state))


def outcome(status: Status, code: str) -> tuple[str, str]:
    """What a try came to, and why it failed."""
    if status is Status.DONE or (status is Status.REFUSED and code in PAID):
        return "succeeded", ""
    if status is Status.REFUSED:
        return ("action_required", "") if code in CONFIRMING else ("failed", told(code or "unknown"))
    return ("failed", "processing_error") if status is Status.UNCONFIRMED else ("unknown", "")


def effect(organization_id: UUID, pay_id: UUID) -> Effect:
    """A try as the ledger knows it."""
    return Effect(KIND, Lane(organization_id, LANE), pay_id)
