"""How long a text is, in the unit in which a platform counts."""

from collections.abc import Callable, Mapping
from typing import Final

import regex

from postrules import emoji, little, weighted
from postrules.limits import LIMITS, Platform

_GRAPHEME: Final = regex.compile(r"\X")


def utf16_units(text: str) -> int:
    """UTF-16 code units, as Java and JavaScript count: a character outside the basic plane counts as two."""
    return len(text) + sum(character > "\uffff" for character in text)


def graphemes(text: str) -> int:
    """Extended grapheme clusters (UAX 29): what a reader takes for one character."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def clusters(text: str) -> list[str]:
    """The extended grapheme clusters themselves; joined they are the text."""
    return [found.group() for found in _GRAPHEME.finditer(text)]


def utf8_bytes(text: str) -> int:
    """Bytes in UTF-8; half of a surrogate pair counts as the three that its replacement takes."""
    return len(text.encode("utf-8", "surrogatepass"))


def emoji_bytes(text: str) -> int:
    """Graphemes, but an emoji counts as many as it has bytes in UTF-8."""
    total, at = 0, 0
    for start, end in () if text.isascii() else emoji.spans(text):
        total += graphemes(text[at:start]) + utf8_bytes(text[start:end])
        at = end
    return total + graphemes(text[at:])


MEASURES: Final[Mapping[str, Callable[[str], int]]] = {
    "weighted": weighted.length,
    "graphemes": graphemes,
    "utf16_units": utf16_units,
    "emoji_bytes": emoji_bytes,
    "bytes": utf8_bytes,
    "code_points": len,
}
"""By unit."""


def shown(platform: Platform, text: str) -> str:
    """A draft as a reader of the platform will see it."""
    return little.shown(text) if platform is Platform.LINKEDIN else text


def counted(platform: Platform, text: str) -> int:
    """How much of the platform's limit a draft takes: what a reader will see, not how it travels."""
    unit = LIMITS[platform].text.unit
    return MEASURES[unit](shown(platform, text))
