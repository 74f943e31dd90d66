"""The kind `billing.change`: a change is carried out at Stripe, once however often it is tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.changes.model import Action, Change, ChangeState, When
from billing.changes.repository import ChangeRepository
from billing.changes.requests import Invoice, Steps, invoice_of
from billing.grants.repository import GrantRepository
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.stripe_api import LANE, TIMING, Json, StripeApi
from billing.subscriptions.following import TYPE
from billing.subscriptions.seeing import instant
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Found, Lane, Look, Receipt, Settled, Status

KIND: Final = "billing.change"
_NOT_CONFIRMED: Final = "Nobody can say whether this was done; look at the subscription before asking again."


@dataclass(frozen=True, slots=True)
class Came:
    """What a change came to at Stripe; `waits_until` while the payer has to do something."""

    waits_until: datetime | None
    invoice: Invoice | None


@dataclass(frozen=True, slots=True)
class ChangeKind:
    """Carries changes out."""

    stripe: StripeApi

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Change]:
        """The rows; one that was superseded meanwhile is withdrawn."""
        found = await ChangeRepository(tx).by_ids([entry.subject_id for entry in entries])
        return {
            entry.id: found[entry.subject_id]
            for entry in entries
            if entry.subject_id in found and found[entry.subject_id].state is ChangeState.PENDING
        }

    async def call(self, entry: Entry, work: Change) -> Receipt:
        """Take all steps; those that were taken before are answered as they were."""
        subscription = await Steps(self.stripe, work).take()
        return Receipt(
            external_id=work.basis.subscription, said=f"attempt {entry.attempt}", result=came(work, subscription)
        )

    async def look(self, entry: Entry, work: Change) -> Look:
        """Ask again under the same keys."""
        return Found(await self.call(entry, work))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep what became of it, let it supersede older ones, and have the subscription read again."""
        organizations = tx.organization_ids
        ended = [each for each in settled if each.status not in (Status.PENDING, Status.UNKNOWN)]
        for each in sorted(ended, key=lambda each: (str(each.entry.organization_id), each.entry.subject_id)):
            await tx.bind(*filter(None, [each.entry.organization_id]))
            await _record(tx, each)
        await tx.bind(*organizations)


def came(change: Change, subscription: Json) -> Came:
    """What Stripe's answer means for a change."""
    pending = subscription.get("pending_update")
    invoice = subscription.get("latest_invoice")
    at_once = change.action is Action.SWITCH and change.when is When.NOW
    charged = at_once and change.basis.status != "trialing" and isinstance(invoice, Mapping)
    return Came(
        waits_until=instant(pending["expires_at"]) if at_once and pending else None,
        invoice=invoice_of(invoice) if charged and isinstance(invoice, Mapping) else None,
    )


async def _record(tx: Transaction, settled: Settled) -> None:
    await GrantRepository(tx).lock()
    changes = ChangeRepository(tx)
    change = (await changes.by_ids([settled.entry.subject_id])).get(settled.entry.subject_id)
    if change is None or change.state is not ChangeState.PENDING:
        return
    asked = await ask(tx, Named(TYPE, change.basis.subscription))
    read_from = asked[change.basis.subscription]
    result = settled.result
    if settled.status is not Status.DONE or not isinstance(result, Came):
        reason = settled.reason if settled.status is Status.REFUSED else _NOT_CONFIRMED
        await changes.settle(change, ChangeState.REFUSED, read_from=read_from, reason=reason, code=settled.code)
        return
    for older in await changes.open(change.subscription_id):
        if older.id != change.id:
            await changes.settle(older, ChangeState.SUPERSEDED)
    if result.invoice is not None:
        await changes.invoiced(change, result.invoice.id, result.invoice.total, result.invoice.amount_due)
    await changes.settle(change, _state(change, result), read_from=read_from, expires_at=result.waits_until)


def _state(change: Change, result: Came) -> ChangeState:
    if result.waits_until is not None:
        return ChangeState.REQUIRES_ACTION
    at_the_end = change.action is Action.SWITCH and change.when is When.PERIOD_END
    return ChangeState.SCHEDULED if at_the_end else ChangeState.APPLIED


def effect(change: Change, due_at: datetime | None = None) -> Effect:
    """A change as the ledger knows it."""
    return Effect(KIND, Lane(change.organization_id, LANE), change.id, due_at=due_at)
