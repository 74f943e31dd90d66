"""What WhatsApp asks for a message made of a template, by the recipient's country: dated data with its source.

Prices are a forecast of the organization's own bill at Meta; nothing here is charged. A country that is not in the
list has no price, and a forecast says how many recipients those are: no price is made up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from inbox.consent.model import Purpose

EFFECTIVE: Final = date(2025, 7, 1)
SOURCE: Final = "https://docs.sent.dm/docs/guides/whatsapp-pricing"
CURRENCY: Final = "USD"


@dataclass(frozen=True, slots=True)
class Price:
    """Of one message, in ten-thousandths of a dollar; `service` is a code to sign in."""

    marketing: int
    utility: int
    service: int

    def of(self, purpose: Purpose) -> int:
        """For this purpose."""
        return {"marketing": self.marketing, "utility": self.utility, "service": self.service}[purpose]


_ASIA: Final = Price(732, 113, 113)
_EAST: Final = Price(860, 212, 212)
_AFRICA: Final = Price(225, 40, 40)
_WEST: Final = Price(592, 171, 171)
_LATIN: Final = Price(740, 113, 113)
_OTHER: Final = Price(604, 77, 77)

PRICES: Final[Mapping[str, Price]] = MappingProxyType(
    {
        "AF": _ASIA,
        "AU": _ASIA,
        "AL": _EAST,
        "AM": _EAST,
        "AZ": _EAST,
        "DZ": _AFRICA,
        "AO": _AFRICA,
        "AD": _WEST,
        "AT": _WEST,
        "AI": _LATIN,
        "AG": _LATIN,
        "AW": _LATIN,
        "BS": _LATIN,
        "AS": _OTHER,
        "AQ": _OTHER,
        "AR": Price(618, 289, 289),
    }
)
"""By country, as the source listed them on the day given; the list is not complete."""
