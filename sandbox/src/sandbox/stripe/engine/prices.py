"""What a quantity of something costs: per unit, in packages, or in tiers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from sandbox.stripe.engine.money import rounded


@dataclass(frozen=True, slots=True)
class Tier:
    """Up to so many units (None is without end) at a price each, and once for the tier."""

    up_to: int | None
    unit_amount: Decimal
    flat_amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price's way of reckoning."""

    unit_amount: Decimal = Decimal(0)
    tiers: Sequence[Tier] = ()
    tiers_mode: Literal["graduated", "volume"] | None = None
    divide_by: int = 1
    round_up: bool = False

    def amount(self, quantity: int) -> int:
        """What so many cost for a whole period, in minor units."""
        return rounded(self.exact(quantity))

    def exact(self, quantity: int) -> Fraction:
        """The same before rounding."""
        if self.tiers:
            return self._volume(quantity) if self.tiers_mode == "volume" else self._graduated(quantity)
        units = -(-quantity // self.divide_by) if self.round_up else quantity // self.divide_by
        return Fraction(self.unit_amount) * units

    def _volume(self, quantity: int) -> Fraction:
        tier = next(tier for tier in self.tiers if tier.up_to is None or quantity <= tier.up_to)
        return Fraction(tier.unit_amount) * quantity + (Fraction(tier.flat_amount) if quantity else 0)

    def _graduated(self, quantity: int) -> Fraction:
        total, below = Fraction(0), 0
        for tier in self.tiers:
            within = quantity - below if tier.up_to is None else min(quantity, tier.up_to) - below
            if within <= 0:
                break
            total += Fraction(tier.unit_amount) * within + Fraction(tier.flat_amount)
            below += within
        return total
