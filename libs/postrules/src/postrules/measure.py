"""How long a text is, in the unit in which a platform counts."""

from postrules import little
from postrules.limits import LIMITS, Platform, Unit


def utf16_units(text: str) -> int:
    """UTF-16 code units, as Java and JavaScript count: a character outside the basic plane counts as two."""
    return len(text) + sum(character > "\uffff" for character in text)


def length(text: str, unit: Unit) -> int:
    """The length of a text in a unit of text."""
    return utf16_units(text) if unit == "utf16_units" else len(text)


def counted(platform: Platform, text: str) -> int:
    """How much of the platform's limit a draft takes: what a reader will see, not how it travels."""
    return length(little.shown(text), LIMITS[platform].text.unit)
