"""Builds billing's own parts; the only wiring."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import ASGIApp

from billing import migrations, worker
from billing.api import ROUTERS
from billing.branding import Brand
from billing.buying import Buying, buying, kinds
from billing.catalogue.catalogue import CATALOGUE
from billing.catalogue.service import PlanService
from billing.changes.kind import ChangeKind
from billing.changes.prices import PriceIds
from billing.changes.service import ChangeService
from billing.changes.settling import settle_open
from billing.checkouts.following import SessionReader
from billing.checkouts.pages import Places
from billing.claims.kind import Claiming
from billing.credit_notes.following import CreditNoteReader
from billing.credit_notes.kind import Correcting
from billing.credit_notes.service import CreditNoteService
from billing.credits.keeping import CreditCheck, CreditExpiry
from billing.credits.service import CreditService
from billing.customers.repository import owners_of_customers
from billing.disputes.following import DisputeReader
from billing.disputes.service import DisputeService
from billing.entitlements.service import EntitlementService
from billing.grants.ending import GrantEnding
from billing.invoices.reading import InvoiceReader
from billing.invoices.service import InvoiceService
from billing.notifications.returning import Returning
from billing.notifications.source import Owners, StripeSource
from billing.organizations.service import OrganizationService
from billing.payments.reading import PaymentReader, SetupReader
from billing.payments.repository import owners_of_payments
from billing.payments.service import PaymentService
from billing.pays.kind import Paying
from billing.persons.repository import known_in
from billing.purchases.kind import GuestOutcome, GuestPage
from billing.purchases.service import PurchaseService
from billing.readings.model import Reader
from billing.readings.reading import ReadingKind
from billing.reconciliation.comparing import Reconciling
from billing.reconciliation.mirrored import MONEY
from billing.reconciliation.model import Compared
from billing.reconciliation.repository import mark_repaired
from billing.reconciliation.service import ReconciliationService
from billing.refunds.following import RefundReader
from billing.refunds.kind import Refunding
from billing.refunds.service import RefundService
from billing.seats.service import SeatService
from billing.settings import BillingSettings
from billing.sponsorships.service import SponsorshipService
from billing.stripe_api import StripeApi
from billing.subscriptions.comparing import ComparedSubscriptions
from billing.subscriptions.ending import SubscriptionEnding
from billing.subscriptions.following import SubscriptionReader
from billing.subscriptions.service import SubscriptionService
from contracts.billing import BillingErasureAnswered, BillingExportPartReady
from contracts.consumers import CONSUMERS
from kit.db.database import Database
from kit.http.acting import Acting
from kit.intake.intake import Intake
from kit.intake.model import Source
from kit.ledger.kind import Kind
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Holdings
from kit.privacy.requests import RequestKeys
from kit.process import Loop
from kit.seal import Keyring
from kit.service import Backbone, Privacy, Service


@dataclass(frozen=True, slots=True)
class Selling:
    """What has to do with Stripe."""

    stripe: StripeApi
    ledger: Ledger
    intake: Intake
    sources: Sequence[str]
    buying: Buying
    holdings: Holdings
    subscriptions: SubscriptionService
    ending: SubscriptionEnding
    changes: ChangeService
    returning: Returning
    reconciling: Reconciling
    reconciliations: ReconciliationService
    sponsorships: SponsorshipService
    money: Sequence[object]
    """What endpoints ask for about invoices, payments, refunds, credit notes and disputes."""


def stripe_of(settings: BillingSettings) -> StripeApi:
    """The way to Stripe; to be closed."""
    return StripeApi(settings.stripe_api_key.get_secret_value(), settings.stripe_url, settings.stripe_api_version)


def _places(settings: BillingSettings) -> Places:
    return Places(
        public_url=settings.public_url.rstrip("/"),
        console_url=settings.console_url.rstrip("/"),
        automatic_tax=settings.stripe_automatic_tax,
        brand=Brand(
            settings.brand_name, settings.brand_color, settings.brand_logo_url, settings.stripe_invoice_template
        ),
    )


def selling(settings: BillingSettings, database: Database, keyring: Keyring, stripe: StripeApi) -> Selling:
    """Build it; nothing of it but `stripe` needs closing."""
    reading = ReadingKind(_readers(stripe), applied=(mark_repaired,))
    places = _places(settings)
    ledger = Ledger(database, (*kinds(stripe, keyring, places), *_kinds(stripe, places), reading))
    made = buying(database, ledger, keyring, stripe, places)
    sources = _sources(settings, database, reading.types)
    intake = Intake(database, sources, keyring)
    return Selling(
        stripe=stripe,
        ledger=ledger,
        intake=intake,
        sources=[source.name for source in sources],
        buying=made,
        holdings=Holdings((*made.holdings, RequestKeys(database)), known_in),
        subscriptions=SubscriptionService(database),
        ending=SubscriptionEnding(database),
        changes=ChangeService(database, ledger, stripe, CATALOGUE, PriceIds(stripe)),
        returning=Returning(database, intake, OWNERS),
        reconciling=Reconciling(database, stripe, OWNERS, _compared(), CATALOGUE.beginning),
        reconciliations=ReconciliationService(database, stripe),
        money=(
            InvoiceService(database, stripe),
            PaymentService(database, ledger, stripe),
            RefundService(database, ledger),
            CreditNoteService(database, ledger),
            DisputeService(database),
            SeatService(database),
            PurchaseService(database, ledger, stripe, PlanService(database.clock)),
        ),
        sponsorships=SponsorshipService(database),
    )


OWNERS: Final[Sequence[Owners]] = (owners_of_customers, owners_of_payments)
"""Who can say whose an object of Stripe's is."""


def _kinds(stripe: StripeApi, places: Places) -> Sequence[Kind[Any]]:
    """What is done at Stripe."""
    return (
        ChangeKind(stripe),
        Paying(stripe),
        Refunding(stripe),
        Correcting(stripe),
        GuestPage(stripe, places),
        GuestOutcome(stripe),
        Claiming(stripe),
    )


def _readers(stripe: StripeApi) -> Sequence[Reader[Any]]:
    """What is read again when Stripe hints that it changed."""
    return (
        SubscriptionReader(stripe, CATALOGUE, settle_open),
        SessionReader(stripe),
        InvoiceReader(stripe),
        PaymentReader(stripe),
        SetupReader(stripe),
        RefundReader(stripe),
        CreditNoteReader(stripe),
        DisputeReader(stripe),
        SessionReader(stripe),
    )


def _compared() -> Sequence[Compared]:
    """What is compared every night."""
    return (ComparedSubscriptions(CATALOGUE), *MONEY)


def _sources(settings: BillingSettings, database: Database, types: Collection[str]) -> Sequence[Source]:
    """Who sends us webhooks."""
    secrets = [each.get_secret_value() for each in settings.stripe_webhook_secrets]
    return (StripeSource(secrets, database.clock, types, OWNERS),)


@dataclass(frozen=True, slots=True)
class Parts:
    """What billing is made of."""

    organizations: OrganizationService
    entitlements: EntitlementService
    ending: GrantEnding
    credits: CreditService
    credit_expiry: CreditExpiry
    credit_check: CreditCheck
    selling: Selling


@asynccontextmanager
async def open_parts(backbone: Backbone[BillingSettings]) -> AsyncIterator[Parts]:
    """Build the parts, and close the way to Stripe at the end."""
    made = selling(backbone.settings, backbone.database, backbone.keyring, stripe_of(backbone.settings))
    try:
        yield Parts(
            organizations=OrganizationService(backbone.database),
            entitlements=EntitlementService(backbone.database),
            ending=GrantEnding(backbone.database),
            credits=CreditService(backbone.database),
            credit_expiry=CreditExpiry(backbone.database),
            credit_check=CreditCheck(backbone.database),
            selling=made,
        )
    finally:
        await made.stripe.close()


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return (parts.organizations, parts.entitlements, parts.credits, *selling_parts(parts.selling))


def selling_parts(made: Selling) -> Sequence[object]:
    """What endpoints of selling ask for."""
    return (
        *made.buying.parts,
        made.subscriptions,
        made.changes,
        made.reconciliations,
        made.sponsorships,
        *made.money,
    )


def loops(parts: Parts) -> Sequence[Loop]:
    """What a worker does beside consuming, relaying and what the ledger does."""
    return (
        Loop("grants end", parts.ending.end_due, every=30),
        Loop("credits end", parts.credit_expiry.expire_due, every=30),
        Loop("credits add up", parts.credit_check.check, every=300),
        parts.selling.sponsorships.loop(),
        *selling_loops(parts.selling),
    )


def selling_loops(made: Selling) -> Sequence[Loop]:
    """What a worker does about selling."""
    return (
        *worker.selling_loops(made.intake),
        *made.buying.loops,
        *worker.subscription_loops(made.ending, made.returning, made.reconciling, made.reconciliations),
    )


def mounts(parts: Parts) -> Mapping[str, ASGIApp]:
    """What receives webhooks."""
    made = parts.selling
    return {f"/v1/webhooks/{name}": made.intake.asgi(name) for name in made.sources}


def ledger(parts: Parts) -> Ledger:
    """What is to be done outside."""
    return parts.selling.ledger


def privacy(parts: Parts) -> Privacy:
    """What is held about people, and how it is answered for."""
    return Privacy(parts.selling.holdings, BillingExportPartReady, BillingErasureAnswered)


SERVICE: Final = Service(
    name="billing",
    title="Billing",
    settings=BillingSettings,
    migrations=migrations,
    open_parts=open_parts,
    routers=ROUTERS,
    endpoint_parts=endpoint_parts,
    loops=loops,
    subscriptions=worker.SUBSCRIPTIONS,
    consumers=CONSUMERS,
    mounts=mounts,
    ledger=ledger,
    privacy=privacy,
    acting=Acting("billing.request.impersonated", changes=False),
)
