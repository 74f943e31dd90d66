"""A credit note as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class State(StrEnum):
    """Where a credit note stands; `asked` is on its way to Stripe, `refused` what Stripe did not accept."""

    ASKED = "asked"
    ISSUED = "issued"
    VOID = "void"
    REFUSED = "refused"


REASONS: Final = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")
"""Stripe's reasons; whatever else it may say is kept as `other`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What Stripe says of a credit note. `row_id` is ours, if it was asked for here."""

    stripe_id: str
    invoice: str
    row_id: UUID | None
    number: str | None
    currency: str
    amount: int
    reason: str
    state: State
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A correction of an invoice; the amount in the minor unit."""

    id: UUID
    invoice_id: UUID
    stripe_id: str | None
    number: str | None
    currency: str
    amount: int
    reason: str
    state: State
    failure: str
    version: int
    created_at: datetime
