"""Discounts, and the codes by which they are redeemed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Duration(StrEnum):
    """For which invoices of a subscription the discount counts."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a coupon gives: per cent, or an amount of one currency in its smallest unit.

    No `plans` means all; `first_only` is for organizations that never subscribed; `most` bounds how often it is
    redeemed by all together.
    """

    name: str
    duration: Duration
    percent_off: int | None = None
    amount_off: int | None = None
    currency: str | None = None
    months: int | None = None
    plans: Sequence[str] = ()
    first_only: bool = False
    most: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """What people type; `taken` counts redemptions, those that wait for a payment included."""

    code: str
    most: int | None
    taken: int
    expires_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon with its codes."""

    id: UUID
    terms: Terms
    taken: int
    state: str
    reason: str
    stripe_id: str | None
    version: int
    created_at: datetime
    codes: Sequence[Code] = ()

    def at_stripe(self) -> Mapping[str, Any]:
        """The parameters that make it at Stripe; its id there is ours, so it is made once.

        Who may redeem it, how often and until when is counted here.
        """
        terms = self.terms
        products = [f"rostrum_{plan}{seat}" for plan in terms.plans for seat in ("", "_seat")]
        params = {
            "id": f"rostrum_{self.id.hex}",
            "name": terms.name,
            "duration": terms.duration.value,
            "percent_off": terms.percent_off,
            "amount_off": terms.amount_off,
            "currency": terms.currency,
            "duration_in_months": terms.months,
            "applies_to": {"products": products} if products else None,
            "metadata": {"row_id": str(self.id)},
        }
        return {name: value for name, value in params.items() if value is not None}
