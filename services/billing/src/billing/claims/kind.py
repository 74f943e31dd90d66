"""The kind `billing.claim`: what was bought without an account becomes the organization's that has its code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from billing.claims.repository import ClaimRepository
from billing.customers.repository import CustomerRepository
from billing.grants.repository import GrantRepository
from billing.purchases.model import Purchase
from billing.purchases.repository import PurchaseRepository
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.stripe_api import LANE, WITHIN, StripeApi
from billing.stripe_objects import id_of
from contracts.billing import SubscriptionLinked
from kit.audit import SYSTEM, audited
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Found, Lane, Look, NotAccepted, Receipt, Refused, Settled, Status

KIND: Final = "billing.claim"
LIFE: Final = timedelta(days=14)
"""As long as auth waits for an answer."""

TIMING: Final = Timing(
    call_within=4 * WITHIN,
    looks_after=(1.0, 10.0, 60.0),
    unconfirmed_after=LIFE.total_seconds(),
    backoff_longest=600.0,
    give_up_after=LIFE.total_seconds(),
)


@dataclass(frozen=True, slots=True)
class Bought:
    """Whose customer a guest became at Stripe, and what there is of them."""

    customer: str
    objects: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Claiming:
    """Reads what was bought and links it. Reading changes nothing, so whatever is in doubt is read again."""

    stripe: StripeApi

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Purchase | None]:
        """What was sold with the code, if something was; a claim that waits no more is withdrawn."""
        claims = await ClaimRepository(tx).waiting([entry.subject_id for entry in entries])
        hashes = {key: bytes(row["code_hash"]) for key, row in claims.items()}
        sold = await PurchaseRepository(tx).by_hashes(list(hashes.values()))
        return {entry.id: sold.get(hashes[entry.subject_id]) for entry in entries if entry.subject_id in hashes}

    async def call(self, entry: Entry, work: Purchase | None) -> Receipt:
        """See what was bought.

        Raises:
            Refused: nobody sold anything with this code, or it was never paid.
            NotAccepted: it is not paid yet.
        """
        if work is None or work.stripe_session_id is None:
            raise Refused("Nothing was sold with this code.", code="unknown_code")
        session = await self.stripe.get(f"/v1/checkout/sessions/{work.stripe_session_id}")
        if session["status"] == "open":
            raise NotAccepted("It is not paid yet.", code="not_paid", retry_after=60.0)
        if session["status"] != "complete":
            raise Refused("It was never paid.", code="never_paid")
        bought = await self._bought(id_of(session["customer"]), id_of(session["subscription"]))
        return Receipt(external_id=work.stripe_session_id, said=f"attempt {entry.attempt}", result=bought)

    async def _bought(self, customer: str, subscription: str) -> Bought:
        """The subscription, and all there is of invoices and payments."""
        objects = [Named("subscription", subscription)]
        for kind, path in (("invoice", "/v1/invoices"), ("payment_intent", "/v1/payment_intents")):
            objects += [Named(kind, id_of(each)) async for each in self.stripe.pages(path, {"customer": customer})]
        return Bought(customer, tuple(objects))

    async def look(self, entry: Entry, work: Purchase | None) -> Look:
        """Read it again."""
        return Found(await self.call(entry, work))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Link it, or say why not."""
        organizations = tx.organization_ids
        for each in settled:
            if each.entry.organization_id is None:
                continue
            await tx.bind(each.entry.organization_id)
            if each.status is Status.DONE and isinstance(each.result, Bought):
                await link(tx, each.entry.subject_id, each.result)
            elif each.status in (Status.REFUSED, Status.UNCONFIRMED):
                await ClaimRepository(tx).refuse(each.entry.subject_id, each.code or "unconfirmed")
        await tx.bind(*organizations)


async def link(tx: Transaction, claim_id: UUID, bought: Bought) -> None:
    """The guest's customer is the organization's from now on, and everything of it is read under it.

    Nothing happens to a claim that was withdrawn meanwhile. One whose purchase is another's, or whose organization is
    another customer already, is refused: subscriptions cannot be moved from one customer to another.
    """
    claims, customers = ClaimRepository(tx), CustomerRepository(tx)
    await GrantRepository(tx).lock()
    code_hash = await claims.lock(claim_id)
    if code_hash is None:
        return
    customer = await customers.take(tx.organization_id)
    if customer.stripe_id not in (None, bought.customer):
        await claims.end(claim_id, "refused", "customer_already")
        return
    if not await PurchaseRepository(tx).claim(code_hash, claim_id):
        await claims.end(claim_id, "refused", "claimed_already")
        return
    if customer.stripe_id is None and await customers.made(customer.id, bought.customer) is None:
        await PurchaseRepository(tx).release(claim_id)
        await claims.end(claim_id, "refused", "customer_already")
        return
    await claims.end(claim_id, "linked")
    await ask(tx, *bought.objects)
    await tx.emit(
        SubscriptionLinked(claim_id=claim_id),
        audited("billing.subscription.linked", SYSTEM, "claim", claim_id),
    )


def effect(organization_id: UUID, claim_id: UUID) -> Effect:
    """A claim as the ledger knows it."""
    return Effect(KIND, Lane(organization_id, LANE), claim_id)
