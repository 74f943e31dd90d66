"""An invoice's arithmetic: lines, discounts in their order, tax, the customer's balance and what is due.

Discounts come off before tax: those of a line in their order, then those of the invoice in theirs, each from what the
ones before have left (docs.stripe.com/billing/subscriptions/coupons). An amount off is shared among the lines by what
they have left. Tax is reckoned and rounded line by line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from sandbox.stripe.engine.money import LEAST_CHARGE, rounded, shared


@dataclass(frozen=True, slots=True)
class Off:
    """A discount: a percentage, or an amount."""

    id: str
    percent: Decimal | None = None
    amount: int | None = None
    products: frozenset[str] | None = None
    """What it is for; None is all."""

    def reaches(self, line: "Line") -> bool:
        """Whether it may come off that line."""
        return line.discountable and (self.products is None or line.product in self.products)


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax rate in percent; inclusive tax is part of the price."""

    id: str
    percentage: Decimal
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """What is reckoned with: its amount before discounts and tax."""

    amount: int
    discountable: bool = True
    discounts: Sequence[Off] = ()
    rates: Sequence[Rate] = ()
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Tax:
    """One rate's tax on one line."""

    rate: str
    inclusive: bool
    taxable: int
    amount: int


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A line with what came off and what tax is on it."""

    amount: int
    discounts: Sequence[tuple[str, int]]
    taxes: Sequence[Tax]

    @property
    def off(self) -> int:
        """All that came off."""
        return sum(amount for _, amount in self.discounts)

    @property
    def exclusive_tax(self) -> int:
        """Tax on top."""
        return sum(tax.amount for tax in self.taxes if not tax.inclusive)

    @property
    def inclusive_tax(self) -> int:
        """Tax within."""
        return sum(tax.amount for tax in self.taxes if tax.inclusive)

    @property
    def total(self) -> int:
        """What the line adds to the invoice."""
        return self.amount - self.off + self.exclusive_tax


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of an invoice."""

    lines: Sequence[Reckoned]

    @property
    def subtotal(self) -> int:
        """Before discounts and exclusive tax."""
        return sum(line.amount for line in self.lines)

    @property
    def total(self) -> int:
        """After both; may be negative."""
        return sum(line.total for line in self.lines)

    @property
    def tax(self) -> int:
        """Of both kinds."""
        return sum(line.exclusive_tax + line.inclusive_tax for line in self.lines)

    @property
    def subtotal_excluding_tax(self) -> int:
        """Before discounts and without inclusive tax; that of the undiscounted amount, as Stripe has it."""
        return self.subtotal - sum(_within(line) for line in self.lines)

    @property
    def total_excluding_tax(self) -> int:
        """After discounts, without any tax."""
        return self.total - self.tax

    def off(self) -> dict[str, int]:
        """By discount, in the order of their first use."""
        found: dict[str, int] = {}
        for line in self.lines:
            for name, amount in line.discounts:
                found[name] = found.get(name, 0) + amount
        return found

    def taxes(self) -> dict[tuple[str, bool], Tax]:
        """By rate."""
        found: dict[tuple[str, bool], Tax] = {}
        for tax in (tax for line in self.lines for tax in line.taxes):
            key = (tax.rate, tax.inclusive)
            before = found.get(key, Tax(tax.rate, tax.inclusive, 0, 0))
            found[key] = Tax(tax.rate, tax.inclusive, before.taxable + tax.taxable, before.amount + tax.amount)
        return found


def _within(line: Reckoned) -> int:
    left = line.amount - line.off
    return rounded(Fraction(line.inclusive_tax * line.amount, left)) if left else line.inclusive_tax


@dataclass(slots=True)
class _Open:
    line: Line
    left: int
    off: list[tuple[str, int]] = field(default_factory=list)

    def take(self, name: str, amount: int) -> None:
        self.off.append((name, amount))
        self.left -= amount


def reckon(lines: Sequence[Line], discounts: Sequence[Off] = ()) -> Totals:
    """All sums of an invoice; `discounts` are those of the whole invoice."""
    opened = [_Open(line, line.amount) for line in lines]
    for each in opened:
        for off in each.line.discounts:
            _apply(off, [each])
    for off in discounts:
        _apply(off, opened)
    return Totals([_taxed(each) for each in opened])


def _apply(off: Off, opened: Sequence[_Open]) -> None:
    reached = [each for each in opened if off.reaches(each.line) and each.left > 0]
    if off.percent is not None:
        for each in reached:
            each.take(off.id, rounded(Fraction(off.percent) * each.left / 100))
        return
    most = min(off.amount or 0, sum(each.left for each in reached))
    for each, part in zip(reached, shared(most, [each.left for each in reached]), strict=True):
        if part:
            each.take(off.id, part)


def _taxed(opened: _Open) -> Reckoned:
    left = opened.left
    within = sum((Fraction(rate.percentage) for rate in opened.line.rates if rate.inclusive), Fraction(0))
    net = left / (1 + within / 100)
    taxes = []
    for rate in opened.line.rates:
        base = net if within else Fraction(left)
        taxes.append(Tax(rate.id, rate.inclusive, rounded(base), rounded(base * Fraction(rate.percentage) / 100)))
    return Reckoned(opened.line.amount, opened.off, taxes)


@dataclass(frozen=True, slots=True)
class Due:
    """What finalizing makes of a total: what is to be paid, and the balance after it (negative is credit)."""

    amount: int
    ending_balance: int


def due(total: int, balance: int, currency: str) -> Due:
    """Settle a total against the customer's balance.

    Credit is used first, a debit is collected with it, a negative total becomes credit, and what is too small to be
    charged waits in the balance for the next invoice.
    """
    wanted = total + balance
    if wanted <= 0 or wanted < LEAST_CHARGE.get(currency, 50):
        return Due(0, wanted)
    return Due(wanted, 0)
