"""Amounts in a currency's minor unit: whole numbers, rounded once, half away from zero."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

LEAST_CHARGE: Mapping[str, int] = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
"""The smallest charge Stripe makes (docs.stripe.com/currencies, minimum charge amounts)."""

ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$", "inr": "₹", "brl": "R$"}


def rounded(exact: Fraction | Decimal | int) -> int:
    """To the minor unit, halves away from zero."""
    value = Fraction(exact)
    whole = (abs(value) * 2 + 1) // 2
    return int(whole if value >= 0 else -whole)


def exponent(currency: str) -> int:
    """How many digits follow the point."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def shown(amount: int, currency: str) -> str:
    """As a person reads it: $29.00, ¥500, -CHF 3.50."""
    digits = exponent(currency)
    major = f"{Decimal(abs(amount)).scaleb(-digits):,.{digits}f}"
    sign = _SIGNS.get(currency, f"{currency.upper()} ")
    return f"{'-' if amount < 0 else ''}{sign}{major}"


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """The total by weight, to the last unit: what rounding leaves goes to the largest remainders, first come."""
    whole = sum(weights)
    if whole == 0:
        return [0 for _ in weights]
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [int(each // 1) for each in exact]
    order = sorted(range(len(weights)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: total - sum(parts)]:
        parts[at] += 1
    return parts
