"""The parts by which something is bought for the first time; wired by `bootstrap`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billing.cards.kind import CardChange
from billing.catalogue.publishing import CataloguePublisher, PricePublication
from billing.catalogue.service import PlanService
from billing.checkouts.ending import CheckoutEnding
from billing.checkouts.kind import PageExpiry, PageOpening
from billing.checkouts.pages import Places
from billing.checkouts.repository import PersonsCheckouts
from billing.checkouts.service import CheckoutService
from billing.coupons.kind import CouponCreation
from billing.coupons.service import CouponService
from billing.customers.kind import CustomerCreation
from billing.customers.privacy import CustomerHolding
from billing.customers.service import CustomerService
from billing.customers.telling import DetailsTelling
from billing.stripe_api import StripeApi
from kit.db.database import Database
from kit.ledger.kind import Kind
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Holding
from kit.privacy.kept_rows import KeptRows
from kit.process import Loop
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class Buying:
    """Customers, the catalogue at Stripe, coupons, and pages."""

    places: Places
    plans: PlanService
    publisher: CataloguePublisher
    customers: CustomerService
    coupons: CouponService
    checkouts: CheckoutService
    ending: CheckoutEnding
    holdings: Sequence[Holding]

    @property
    def parts(self) -> Sequence[object]:
        """What endpoints ask for."""
        return (self.places, self.plans, self.customers, self.coupons, self.checkouts)

    @property
    def loops(self) -> Sequence[Loop]:
        """The catalogue comes to Stripe, and is there when a worker starts; pages that nobody finished are closed."""
        return (
            Loop("catalogue", self.publisher.publish, every=60),
            Loop("catalogue check", self.publisher.verify, every=3600),
            Loop("checkouts end", self.ending.end_due, every=60),
        )


def buying(database: Database, ledger: Ledger, keyring: Keyring, stripe: StripeApi, places: Places) -> Buying:
    """Build them; nothing of it needs closing."""
    customers, plans = CustomerService(database, ledger, stripe, keyring), PlanService(database.clock)
    return Buying(
        places=places,
        plans=plans,
        publisher=CataloguePublisher(database, ledger, stripe),
        customers=customers,
        coupons=CouponService(database, ledger, stripe),
        checkouts=CheckoutService(database, ledger, keyring, customers, plans),
        ending=CheckoutEnding(database, ledger),
        holdings=(CustomerHolding(database, ledger, keyring), KeptRows(database, "checkouts", PersonsCheckouts)),
    )


def kinds(stripe: StripeApi, keyring: Keyring, places: Places) -> Sequence[Kind[Any]]:
    """What of it is done at Stripe."""
    return (
        CustomerCreation(stripe, places.brand),
        DetailsTelling(stripe, keyring),
        PricePublication(stripe),
        CouponCreation(stripe),
        PageOpening(stripe, keyring, places),
        PageExpiry(stripe),
        CardChange(stripe),
    )
