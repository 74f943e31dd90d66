"""Whether a text is in the language that was wanted, as far as a few common words and its letters tell."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final


def _of(words: str) -> frozenset[str]:
    return frozenset(words.split())


COMMON: Final[Mapping[str, frozenset[str]]] = {
    "en": _of("the and you we for is this what with it are to of that our your have in"),
    "de": _of("der die das und ist wir ihr euch nicht für mit ein eine was auf den es von zu im"),
    "fr": _of("le la les et est nous vous pour avec une des ce que qui dans sur c'est dès du pas"),
    "es": _of("el la los y es para con una que lo de en te qué tu esto más por las nos muy"),
    "it": _of("il la gli e è per con una che di lo da voi non ciò sono questo abbiamo cosa nei"),
    "pt": _of("o a os e é para com uma que não isto nos de do da em você foi mais"),
    "nl": _of("de het een en is we jullie voor met wat niet van dit te zijn hier op er aan"),
}
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?", re.UNICODE)
LEAST: Final = 8
"""Words below which nothing can be told."""


def other_than(language: str, text: str) -> bool:
    """Whether a text is plainly not in a language; in doubt it is."""
    words = [word.casefold().replace("\u2019", "'") for word in _WORD.findall(text)]
    letters = [each for word in words for each in word]
    if letters and sum(_is_latin(each) for each in letters) * 2 < len(letters):
        return True
    if len(words) < LEAST:
        return False
    seen = {name: sum(word in common for word in words) for name, common in COMMON.items()}
    best = max(seen.values())
    return seen.get(language, 0) * 2 < best and best * 5 >= len(words)


def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")
