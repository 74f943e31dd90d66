"""Stripe Billing: subscriptions, invoices, Checkout, the customer portal and test clocks."""

from sandbox.stripe.billing import (
    checkouts,
    clocks,
    credit_notes,
    invoice_items,
    invoices,
    portal,
    schedules,
    subscription_items,
    subscriptions,
    tax_rates,
)
from sandbox.stripe.operations import Operation

KINDS = (
    checkouts.KIND,
    clocks.KIND,
    credit_notes.KIND,
    invoice_items.KIND,
    invoices.KIND,
    invoices.LINE,
    invoices.PAYMENT,
    portal.KIND,
    portal.SETTINGS,
    schedules.KIND,
    subscriptions.ITEM,
    subscriptions.KIND,
    tax_rates.KIND,
)


def billing_operations() -> tuple[Operation, ...]:
    """All that is done with what billing is about."""
    return (
        *checkouts.operations(),
        *clocks.operations(),
        *credit_notes.operations(),
        *invoice_items.operations(),
        *invoices.operations(),
        *portal.operations(),
        *schedules.operations(),
        *subscription_items.operations(),
        *subscriptions.operations(),
        *tax_rates.operations(),
    )
