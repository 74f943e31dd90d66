"""How X counts a text: weights by range of characters, one weight for a link and for an emoji (twitter-text).

The text is counted in normalisation form C, links at a fixed length however long they are.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

from postrules import emoji
from postrules.entities import INVALID, urls


@dataclass(frozen=True, slots=True)
class Weights:
    """One configuration of twitter-text: weights are in `scale`ths of a character."""

    longest: int
    scale: int
    default: int
    url: int
    ranges: tuple[tuple[int, int, int], ...] = ()
    emoji: bool = False

    def of(self, character: str) -> int:
        """The weight of one character."""
        point = ord(character)
        return next((weight for first, last, weight in self.ranges if first <= point <= last), self.default)


_LIGHT: Final = ((0, 4351, 100), (8192, 8205, 100), (8208, 8223, 100), (8242, 8247, 100))
V1: Final = Weights(140, 1, 1, 23)
V2: Final = Weights(280, 100, 200, 23, _LIGHT)
V3: Final = Weights(280, 100, 200, 23, _LIGHT, emoji=True)
"""What X counts by now."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A text as X counts it.

    `permillage` is how full it is. `ends` and `fits` are the places of the last character, and of the last one that
    fits, in UTF-16 units of the text as given, as a browser counts them.
    """

    length: int
    valid: bool
    permillage: int
    ends: int
    fits: int


def weigh(text: str, weights: Weights = V3) -> Weighed:
    """Count a text."""
    normal = unicodedata.normalize("NFC", text)
    total, at, fits, clean = 0, 0, 0, True
    for piece, weight in _pieces(normal, weights):
        total += weight
        at += _units(piece)
        clean = clean and piece[-1] not in INVALID
        if clean and total <= weights.longest * weights.scale:
            fits = at - 1
    length = total // weights.scale
    return Weighed(
        length=length,
        valid=clean and 0 < total <= weights.longest * weights.scale,
        permillage=total * 1000 // (weights.longest * weights.scale),
        ends=max(_units(text) - 1, 0),
        fits=fits + _units(text) - _units(normal),
    )


def length(text: str, weights: Weights = V3) -> int:
    """The weighted length alone."""
    normal = unicodedata.normalize("NFC", text)
    if normal.isascii() and "." not in normal:
        return len(normal)
    return sum(weight for _, weight in _pieces(normal, weights)) // weights.scale


def _pieces(normal: str, weights: Weights) -> list[tuple[str, int]]:
    """What is counted as one, with its weight: a link, an emoji, a character."""
    pieces: list[tuple[str, int]] = []
    at = 0
    for link in urls(normal):
        pieces += _signs(normal[at : link.start], weights)
        pieces.append((link.text, weights.url * weights.scale))
        at = link.end
    return pieces + _signs(normal[at:], weights)


def _signs(text: str, weights: Weights) -> list[tuple[str, int]]:
    if not weights.emoji or text.isascii():
        return [(character, weights.of(character)) for character in text]
    signs: list[tuple[str, int]] = []
    at = 0
    for start, end in emoji.spans(text):
        signs += [(character, weights.of(character)) for character in text[at:start]]
        signs.append((text[start:end], weights.default))
        at = end
    return signs + [(character, weights.of(character)) for character in text[at:]]


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
