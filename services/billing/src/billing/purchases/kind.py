"""The kinds `billing.purchase`, which opens a guest's page, and `billing.purchase_outcome`, which sees what came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from billing.catalogue.catalogue import CATALOGUE
from billing.catalogue.repository import PriceRepository
from billing.checkouts.pages import Places
from billing.purchases.model import Purchase
from billing.purchases.repository import PurchaseRepository
from billing.stripe_api import TIMING, Json, StripeApi
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Found, Lane, Look, NotAccepted, Receipt, Refused, Settled, Status

KIND: Final = "billing.purchase"
OUTCOME: Final = "billing.purchase_outcome"
LANE: Final = Lane(None, "stripe-guests")
"""Guests share a lane of the platform's: they are in no organization's way."""

OVER_AFTER: Final = timedelta(hours=25)
"""Stripe closes a page 24 hours after it was made."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A purchase with Stripe's id of its price, which may still be on its way there."""

    purchase: Purchase
    price: str | None


@dataclass(frozen=True, slots=True)
class GuestPage:
    """Opens a page on which a guest subscribes; Stripe makes them a customer when they pay."""

    stripe: StripeApi
    places: Places

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Asked]:
        """The rows with their prices."""
        purchases = await PurchaseRepository(tx).by_ids([entry.subject_id for entry in entries])
        keys = {each.id: lookup_key(each) for each in purchases.values()}
        prices = await PriceRepository(tx).stripe_ids([key for key in keys.values() if key])
        return {
            entry.id: Asked(purchases[entry.subject_id], prices.get(keys[entry.subject_id] or ""))
            for entry in entries
            if entry.subject_id in purchases
        }

    async def call(self, entry: Entry, work: Asked) -> Receipt:
        """Open it.

        Raises:
            NotAccepted: the price is still on its way to Stripe.
        """
        if work.price is None:
            raise NotAccepted("The price is still on its way to Stripe.", code="price-missing")
        asked = params(work.purchase, work.price, self.places)
        made = await self.stripe.post("/v1/checkout/sessions", asked, key=f"purchase-{work.purchase.id}")
        return Receipt(external_id=made["id"], said=f"attempt {entry.attempt}", result=made.get("url"))

    async def look(self, entry: Entry, work: Asked) -> Look:
        """Ask again."""
        return Found(await self.call(entry, work))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep the session; of its address nothing is kept."""
        for each in settled:
            if each.status is Status.DONE and each.external_id is not None:
                await PurchaseRepository(tx).opened(each.entry.subject_id, each.external_id)
            elif each.status is Status.REFUSED:
                await PurchaseRepository(tx).forget(each.entry.subject_id)


@dataclass(frozen=True, slots=True)
class GuestOutcome:
    """Sees, when the page is closed, whether something was bought on it."""

    stripe: StripeApi

    name: str = OUTCOME
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Purchase]:
        """Those that are there and have a page."""
        found = await PurchaseRepository(tx).by_ids([entry.subject_id for entry in entries])
        return {entry.id: found[entry.subject_id] for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Purchase) -> Receipt:
        """Read the session."""
        if work.stripe_session_id is None:
            raise Refused("Stripe made no page.", code="no-page")
        session = await self.stripe.get(f"/v1/checkout/sessions/{work.stripe_session_id}")
        if session["status"] == "open":
            raise NotAccepted("The page is still open.", code="open", retry_after=600.0)
        return Receipt(said=f"attempt {entry.attempt}", result=session["status"] == "complete")

    async def look(self, entry: Entry, work: Purchase) -> Look:
        """Read it again."""
        return Found(await self.call(entry, work))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep what was bought and forget the rest."""
        for each in settled:
            if each.status is Status.DONE and each.result:
                await PurchaseRepository(tx).bought(each.entry.subject_id)
            elif each.status in (Status.DONE, Status.REFUSED):
                await PurchaseRepository(tx).forget(each.entry.subject_id)


def lookup_key(purchase: Purchase) -> str | None:
    """The price of what is bought."""
    plan = CATALOGUE.plan(purchase.plan, purchase.plan_version)
    price = plan.price(purchase.interval, purchase.currency) if plan else None
    return price.lookup_key if price else None


def params(purchase: Purchase, price: str, places: Places) -> Json:
    """What is asked of Stripe, the same whenever it is asked; nothing of it names a person or the code."""
    names = {"row_id": str(purchase.id)}
    asked: dict[str, Any] = {
        "mode": "subscription",
        "client_reference_id": str(purchase.id),
        "line_items": [{"price": price, "quantity": 1}],
        "metadata": names,
        "subscription_data": {"metadata": names},
        "payment_method_collection": "always",
        "automatic_tax": {"enabled": places.automatic_tax},
        "billing_address_collection": "required" if places.automatic_tax else "auto",
        "tax_id_collection": {"enabled": True},
        "success_url": places.console(purchase.id),
        "cancel_url": places.console(purchase.id),
        **places.brand.of_pages(),
    }
    return asked


def effect(purchase_id: UUID) -> Effect:
    """The page as the ledger knows it."""
    return Effect(KIND, LANE, purchase_id)
