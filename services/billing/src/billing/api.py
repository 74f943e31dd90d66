"""The doors of billing."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from billing.catalogue.router import router as catalogue
from billing.changes.router import router as changes
from billing.checkouts.router import router as checkouts
from billing.coupons.router import router as coupons
from billing.credit_notes.router import staff_router as staff_invoices
from billing.credits.router import router as own_credits
from billing.credits.router import staff_router as staff_credits
from billing.customers.router import router as customers
from billing.disputes.router import router as disputes
from billing.disputes.router import staff_router as staff_disputes
from billing.entitlements.router import internal as plans
from billing.invoices.router import router as invoices
from billing.organizations.router import router as organizations
from billing.payments.router import router as payments
from billing.payments.router import staff_router as staff_payments
from billing.purchases.router import router as purchases
from billing.reconciliation.router import router as reconciliations
from billing.refunds.router import router as refunds
from billing.refunds.router import staff_router as staff_refunds
from billing.seats.router import router as seats
from billing.sponsorships.router import router as sponsorships
from billing.subscriptions.router import router as subscriptions

ROUTERS: Final[Sequence[APIRouter]] = (
    organizations,
    plans,
    catalogue,
    customers,
    checkouts,
    coupons,
    subscriptions,
    changes,
    reconciliations,
    own_credits,
    staff_credits,
    invoices,
    payments,
    staff_payments,
    refunds,
    staff_refunds,
    staff_invoices,
    disputes,
    staff_disputes,
    sponsorships,
    seats,
    purchases,
)
