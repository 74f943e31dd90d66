"""What a change in mid-period costs: the unused time is credited, the remaining time is charged, by the second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sandbox.stripe.engine.money import rounded
from sandbox.stripe.engine.periods import Period


@dataclass(frozen=True, slots=True)
class Held:
    """One item of a subscription as it stands in a period: what the whole of that period costs."""

    key: str
    price: str
    quantity: int
    amount: int
    period: Period


@dataclass(frozen=True, slots=True)
class Proration:
    """One line of a change, for what is left of the period; the amount of a credit is not positive."""

    key: str
    price: str
    quantity: int
    amount: int
    period: Period
    credits: bool


def remaining(amount: int, period: Period, at: int) -> int:
    """What the rest of the period from this moment on is worth, to the nearest minor unit."""
    left = max(0, min(period.end - at, period.seconds))
    return rounded(Fraction(amount * left, period.seconds))


def credit(held: Held, at: int) -> Proration:
    """For the time that is not used; nothing is credited for more than was charged."""
    unused = Period(max(at, held.period.start), held.period.end)
    return Proration(
        held.key, held.price, held.quantity, -remaining(held.amount, held.period, at), unused, credits=True
    )


def charge(held: Held, at: int) -> Proration:
    """For the time that remains."""
    rest = Period(max(at, held.period.start), held.period.end)
    return Proration(
        held.key, held.price, held.quantity, remaining(held.amount, held.period, at), rest, credits=False
    )


def changed(before: Sequence[Held], after: Sequence[Held], at: int) -> list[Proration]:
    """The lines of a change within one period, item by item: first its credit, then its charge.

    Items that are as they were have none. What is gone is credited only, what is new is charged only.
    """
    then = {held.key: held for held in before}
    now = {held.key: held for held in after}
    lines: list[Proration] = []
    for key in [*then, *(key for key in now if key not in then)]:
        lines.extend(_one(then, now, key, at))
    return lines


def _one(then: Mapping[str, Held], now: Mapping[str, Held], key: str, at: int) -> list[Proration]:
    was, becomes = then.get(key), now.get(key)
    if was is not None and becomes is not None and (was.price, was.quantity) == (becomes.price, becomes.quantity):
        return []
    lines = [credit(was, at)] if was is not None else []
    return [*lines, charge(becomes, at)] if becomes is not None else lines
