"""The kind `billing.card`: the card that was given on a page becomes the one that is charged from now on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.checkouts.repository import CheckoutRepository
from billing.customers.repository import CustomerRepository
from billing.stripe_api import LANE, TIMING, StripeApi
from kit.audit import SYSTEM, audited
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Found, Lane, Look, Receipt, Settled, Status
from kit.ledger.rows import add

KIND: Final = "billing.card"
_ENDED: Final = ("canceled", "incomplete_expired")


@dataclass(frozen=True, slots=True)
class Given:
    """A setup intent that succeeded, and whose it is at Stripe."""

    setup_id: str
    customer: str


@dataclass(frozen=True, slots=True)
class CardChange:
    """Names the card as the customer's and as that of each subscription, which would else keep its own."""

    stripe: StripeApi

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Given]:
        """What was given on which page."""
        checkouts = await CheckoutRepository(tx).by_ids([entry.subject_id for entry in entries])
        owners = [each.organization_id for each in checkouts.values()]
        customers = await CustomerRepository(tx).stripe_ids(owners)
        found = {entry.id: checkouts.get(entry.subject_id) for entry in entries}
        return {
            entry_id: Given(each.stripe_setup_id, customers[each.organization_id])
            for entry_id, each in found.items()
            if each is not None and each.stripe_setup_id and each.organization_id in customers
        }

    async def call(self, entry: Entry, work: Given) -> Receipt:
        """Change it everywhere; each step may be made twice."""
        setup = await self.stripe.get(f"/v1/setup_intents/{work.setup_id}")
        card, key = setup["payment_method"], f"card-{entry.subject_id}"
        settings = {"invoice_settings": {"default_payment_method": card}}
        await self.stripe.post(f"/v1/customers/{work.customer}", settings, key=key)
        async for each in self.stripe.pages("/v1/subscriptions", {"customer": work.customer}):
            if each["status"] not in _ENDED:
                own = {"default_payment_method": card}
                await self.stripe.post(f"/v1/subscriptions/{each['id']}", own, key=f"{key}-{each['id']}")
        return Receipt(external_id=card, said=f"attempt {entry.attempt}")

    async def look(self, entry: Entry, work: Given) -> Look:
        """Do it again."""
        return Found(await self.call(entry, work))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Say so."""
        for each in settled:
            if each.status is Status.DONE and each.entry.organization_id is not None:
                checkout_id, organization_id = each.entry.subject_id, each.entry.organization_id
                line = audited(
                    "billing.card.changed", SYSTEM, "checkout", checkout_id, organization_id=organization_id
                )
                await tx.emit(line)


async def change_card(tx: Transaction, checkout_id: UUID) -> None:
    """Have it changed, with the commit of the transaction that is bound to its organization."""
    await add(tx, [Effect(KIND, Lane(tx.organization_id, LANE), checkout_id)])
