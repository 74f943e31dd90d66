"""Text messages: what they say, and how many there may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

KIND: Final = "auth.text"
LANE: Final = "telnyx"
HOUR: Final = timedelta(hours=1)
COOL_DOWN: Final = timedelta(seconds=30)
"""Between two texts of one challenge."""


@dataclass(frozen=True, slots=True)
class TextLimits:
    """How many texts may be asked for within an hour, whether or not they are sent: each costs money.

    Who makes us send thousands to numbers that earn by it (SMS pumping) meets these, whatever addresses they come
    from.
    """

    number: int = 5
    network: int = 20
    all: int = 500


_WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "code": {
            "en": "{code} is your Rostrum code, good for 10 minutes. Never tell it to anybody, not even to us.",
            "de": "{code} ist Ihr Rostrum-Code, 10 Minuten gültig. Sagen Sie ihn niemandem, auch uns nicht.",
        },
        "known": {
            "en": "Somebody wanted to use this number with Rostrum. It already has an account: sign in at {link}",
            "de": "Jemand wollte diese Nummer bei Rostrum angeben. Zu ihr gibt es bereits ein Konto: {link}",
        },
        "changed": {
            "en": "The phone number of your Rostrum account was changed. If it was not you, undo it: {link}",
            "de": "Die Telefonnummer Ihres Rostrum-Kontos wurde geändert. Wenn Sie es nicht waren: {link}",
        },
    }
)


def words(what: str, locale: str, **values: str) -> str:
    """What a text says, in the language or in English."""
    said = _WORDS[what]
    return said.get(locale, said["en"]).format(**values)
