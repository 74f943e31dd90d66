from typing import Self

from pydantic import Field

from billing.catalogue.model import Interval, Plan, Version
from billing.money import exponent
from kit.http.models import Out


class PriceOut(Out):
    """What one period costs, before taxes."""

    interval: Interval
    currency: str = Field(examples=["eur"])
    exponent: int = Field(description="How many decimal digits the currency has: 1900 with 2 is 19.00.")
    amount: int = Field(description="In the smallest unit of the currency.", examples=[1900])
    seat_amount: int | None = Field(description="For each seat beyond those included; null is none to be had.")


class PlanOut(Out):
    """A plan, what it allows and what it costs."""

    plan: str = Field(examples=["pro"])
    limits: dict[str, int | None] = Field(description="Units included per meter; null is no limit.")
    seats_included: int
    trial_days: int = Field(description="How long it may be tried, once for each organization; 0 is not at all.")
    prices: list[PriceOut] = Field(description="Empty for a plan that is not sold.")

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The plan as people see it."""
        return cls(
            plan=plan.name,
            limits=dict(plan.limits),
            seats_included=plan.seats_included,
            trial_days=plan.trial_days,
            prices=[_price(plan, each.interval, each.currency, each.amount) for each in plan.prices if not each.seat],
        )


class CatalogueOut(Out):
    """What is sold now, the lowest plan first."""

    version: int
    plans: list[PlanOut]

    @classmethod
    def of(cls, version: Version) -> Self:
        """The version as people see it."""
        return cls(version=version.number, plans=[PlanOut.of(plan) for plan in version.plans.values()])


def _price(plan: Plan, interval: Interval, currency: str, amount: int) -> PriceOut:
    seat = plan.price(interval, currency, seat=True)
    return PriceOut(
        interval=interval,
        currency=currency,
        exponent=exponent(currency),
        amount=amount,
        seat_amount=None if seat is None else seat.amount,
    )
