"""Currencies and amounts: integers in the smallest unit that the currency has, never a fraction."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kit.errors import FieldError, Invalid

_BY_DIGITS: Final = {
    0: "bif clp djf gnf jpy kmf krw pyg rwf ugx vnd vuv xaf xof xpf",
    2: "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop "
    "crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs "
    "khr kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab "
    "pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah "
    "usd uyu uzs wst xcd yer zar zmw",
    3: "bhd iqd jod kwd lyd omr tnd",
}
EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    {code: digits for digits, codes in _BY_DIGITS.items() for code in codes.split()}
)
"""How many decimal digits a currency has (ISO 4217, lower case as Stripe writes it)."""

MOST: Final = 99_999_999
"""The largest amount of one charge at Stripe, in the smallest unit: eight digits."""

LEAST: Final[Mapping[str, int]] = MappingProxyType({"chf": 50, "eur": 50, "gbp": 30, "jpy": 50, "usd": 50})
"""The smallest charge at Stripe by currency; https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts."""


class AmountRefused(Invalid):
    """This amount cannot be charged in this currency."""

    code = "amount-refused"


class CurrencyUnknown(Invalid):
    """Nothing is sold in this currency."""

    code = "currency-unknown"


def exponent(currency: str) -> int:
    """Decimal digits of the currency.

    Raises:
        CurrencyUnknown: ISO 4217 does not have it.
    """
    if currency not in EXPONENTS:
        raise CurrencyUnknown(errors=[FieldError("#/currency", "An ISO 4217 code in lower case, such as eur.")])
    return EXPONENTS[currency]


def checked(amount: int, currency: str, *, pointer: str = "#/amount") -> int:
    """The amount, if Stripe can charge or refund it.

    Raises:
        CurrencyUnknown: there is no such currency.
        AmountRefused: it is not positive, too large, or ends in a thousandth that card networks do not charge
            (https://docs.stripe.com/currencies#three-decimal).
    """
    digits = exponent(currency)
    if not 0 < amount <= MOST:
        raise AmountRefused(errors=[FieldError(pointer, f"An integer from 1 to {MOST}, in the smallest unit.")])
    if digits == 3 and amount % 10:
        raise AmountRefused(errors=[FieldError(pointer, "In this currency the last digit must be 0.")])
    return amount


def written(amount: int, currency: str) -> str:
    """The amount with its decimal point, for people: `1234` cents are `12.34`."""
    digits = exponent(currency)
    sign, whole = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{whole}" if digits == 0 else f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}d}"
