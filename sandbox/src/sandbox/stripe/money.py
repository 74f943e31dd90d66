"""Currencies and amounts: https://docs.stripe.com/currencies."""

from typing import Final

from sandbox.stripe import errors

_WITHOUT: Final = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"
ZERO_DECIMAL: Final = frozenset(_WITHOUT.split())
THREE_DECIMAL: Final = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_WITH_TWO: Final = (
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny "
    "cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd "
    "kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr "
    "nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd "
    "twd tzs uah uyu uzs wst xcd yer zar zmw "
)
CURRENCIES: Final = frozenset(_WITH_TWO.split()) | ZERO_DECIMAL | THREE_DECIMAL
LEAST: Final = {
    "usd": 50,
    "eur": 50,
    "gbp": 30,
    "chf": 50,
    "jpy": 50,
    "aed": 200,
    "aud": 50,
    "bgn": 100,
    "brl": 50,
    "cad": 50,
    "czk": 1500,
    "dkk": 250,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
}
"""The least that a card is charged."""
MOST: Final = 99_999_999


def currency_of(name: str, at: str = "currency") -> str:
    """A currency as it is kept.

    Raises:
        Refusal: There is no such currency.
    """
    found = name.lower()
    if found not in CURRENCIES:
        raise errors.invalid(
            f"Invalid currency: {found}. Stripe currently supports these currencies: {', '.join(sorted(CURRENCIES))}",
            at,
        )
    return found


def refuse_amount(amount: int, currency: str, at: str = "amount") -> None:
    """Refuse what no card is charged.

    Raises:
        Refusal: The amount is too small or too large, or, of a currency of three decimals, ends not in zero.
    """
    if amount < LEAST.get(currency, 1):
        raise errors.invalid(
            f"Amount must be at least {LEAST.get(currency, 1)} {currency} in the smallest unit",
            at,
            "amount_too_small",
        )
    if amount > MOST:
        raise errors.invalid(f"Amount must be no more than {MOST} {currency}", at, "amount_too_large")
    if currency in THREE_DECIMAL and amount % 10:
        raise errors.invalid(f"Invalid amount: the last digit must be 0 for {currency}", at)
