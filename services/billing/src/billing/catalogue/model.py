"""Plans and prices in versions; plain values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

MONTHS_OF_A_YEAR: Final = 10
"""A year costs as much as so many months."""

MOST_SEATS: Final = 1_000


class Interval(StrEnum):
    """How long a period lasts that is paid at once."""

    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Price:
    """What one period costs, per unit; `seat` is what each seat beyond those included costs.

    `lookup_key` names it at Stripe: what it says never changes.
    """

    plan: str
    interval: Interval
    currency: str
    amount: int
    seat: bool
    version: int

    @property
    def lookup_key(self) -> str:
        """`pro_month_eur_v1`, `pro_seat_month_eur_v1`."""
        what = f"{self.plan}_seat" if self.seat else self.plan
        return f"{what}_{self.interval}_{self.currency}_v{self.version}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an organization on this plan may use; None is no limit, a meter that is absent is not included.

    `trial_days` is how long it may be tried, once; 0 is not at all. A plan without prices is not sold.
    """

    name: str
    version: int
    limits: Mapping[str, int | None]
    trial_days: int
    prices: Sequence[Price]

    @property
    def sold(self) -> bool:
        """Whether it can be bought."""
        return bool(self.prices)

    @property
    def seats_included(self) -> int:
        """How many members the plan's own price covers."""
        return self.limits.get("seats") or 0

    def price(self, interval: Interval, currency: str, *, seat: bool = False) -> Price | None:
        """One price; None when it is not sold so."""
        for each in self.prices:
            if (each.interval, each.currency, each.seat) == (interval, currency, seat):
                return each
        return None

    def limits_with(self, extra_seats: int) -> dict[str, int | None]:
        """The limits with so many seats bought beside those included."""
        limits = dict(self.limits)
        included = limits.get("seats")
        if included is not None:
            limits["seats"] = included + extra_seats
        return limits


@dataclass(frozen=True, slots=True)
class Version:
    """The plans as they are sold from a moment on, the lowest first."""

    number: int
    effective_from: datetime
    plans: Mapping[str, Plan]

    @property
    def prices(self) -> Iterator[Price]:
        """Every price of every plan."""
        return (price for plan in self.plans.values() for price in plan.prices)
