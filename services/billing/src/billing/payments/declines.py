"""Why payments fail, in plain words: `declines.toml`, read once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Final

UNTOLD: Final = "card_declined"
"""What is shown for a code that has no words here: banks report some that must not be told, as `stolen_card`."""


@dataclass(frozen=True, slots=True)
class Decline:
    """What its payer is told, and whether trying again may help by itself."""

    says: str
    again: bool


def _read() -> Mapping[str, Decline]:
    text = resources.files("billing.payments").joinpath("declines.toml").read_text("utf-8")
    return MappingProxyType({code: Decline(**said) for code, said in tomllib.loads(text).items()})


DECLINES: Final = _read()


def told(code: str) -> str:
    """The code as it is kept and told; nothing where nothing failed."""
    return code if not code or code in DECLINES else UNTOLD


def decline(code: str) -> Decline:
    """What a code means."""
    return DECLINES[told(code) or UNTOLD]
