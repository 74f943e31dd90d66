"""What WhatsApp asks for a message made of a template, by the market of the recipient: dated data with its source.

Prices are a forecast of the organization's own bill at Meta; nothing here is charged. They stand in `prices.toml`.
Where nobody knows a price a forecast says how many recipients those are: no price is made up.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Final, Literal

Category = Literal["marketing", "utility", "authentication"]
CATEGORIES: Final[tuple[Category, ...]] = ("marketing", "utility", "authentication")
_MICROS: Final = 100  # the file has ten-thousandths


@dataclass(frozen=True, slots=True)
class RateCard:
    """Prices as they were in force on a day; `other` is the market of countries that the card does not name."""

    effective: date
    source: str
    currency: str
    prices: Mapping[str, Mapping[Category, int]]
    markets: Mapping[str, str]
    unknown: frozenset[str]
    other: str

    def market_of(self, country: str) -> str:
        """In which market of the card a country is; empty where nobody knows."""
        if not country or country in self.unknown:
            return ""
        return self.markets.get(country, self.other)

    def micros(self, country: str, category: Category) -> int | None:
        """Millionths of the currency for one message; None where the price is not known."""
        market = self.market_of(country)
        return self.prices[market][category] if market else None


def _read() -> RateCard:
    told = tomllib.loads(files("inbox.broadcasts").joinpath("prices.toml").read_text(encoding="utf-8"))
    prices = {
        market: {category: each * _MICROS for category, each in zip(CATEGORIES, row, strict=True)}
        for market, row in told["markets"].items()
    }
    markets = {country: market for market, countries in told["countries"].items() for country in countries}
    return RateCard(
        told["effective"],
        told["source"],
        told["currency"],
        prices,
        markets,
        frozenset(told["unknown"]),
        told["other"],
    )


CARD: Final = _read()
