"""Words of a text as search compares them: capitals, accents and the forms of letters do not count.

Scripts that write words without spaces are taken in pairs of letters. Everything is bounded, whatever people write.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, pairwise
from typing import Final

LONGEST_TEXT: Final = 20_000
"""Characters of a text that are looked at."""

MOST_WORDS: Final = 256
"""Different words of one text that it is found by."""

LONGEST_WORD: Final = 64
MOST_TERMS: Final = 8
"""Words that can be searched for at once."""

PREFIXES: Final = (9, 6, 4)
"""Lengths of beginnings by which a word is found while it is being typed, the longest first."""

_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of letters and digits of a text, and where it stands there."""

    start: int
    end: int
    folded: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: whole words, runs of scripts without spaces, and the beginning of a last word."""

    whole: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    begun: str = ""

    def __bool__(self) -> bool:
        return bool(self.whole or self.runs or self.begun)

    def matches(self, piece: Piece) -> bool:
        """Whether this run of letters is one of what is searched for."""
        found = piece.folded
        begun = bool(self.begun) and found.startswith(self.begun)
        return begun or found in self.whole or any(run in found for run in self.runs)

    def found_in(self, pieces: Sequence[Piece]) -> bool:
        """Whether all that is searched for stands in a text."""
        there = {each.folded for each in pieces}
        return (
            all(each in there for each in self.whole)
            and all(any(run in each for each in there) for run in self.runs)
            and (not self.begun or any(each.startswith(self.begun) for each in there))
        )


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a text around what was found; `matches` are places in it, from and to."""

    text: str
    matches: tuple[tuple[int, int], ...]


def folded(text: str) -> str:
    """A text without what does not count."""
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(each for each in apart if unicodedata.category(each) != "Mn")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFC", bare).casefold()).translate(_LETTERS)


def pieces(text: str) -> list[Piece]:
    """The runs of letters and digits of a text, in order; of one run, those with and without spaces apart."""
    found: list[Piece] = []
    for is_word, group in groupby(enumerate(text[:LONGEST_TEXT]), key=lambda each: _is_word(each[1])):
        if is_word:
            run = list(group)
            start, end = run[0][0], run[-1][0] + 1
            found += [Piece(start, end, each) for each in _alike(folded("".join(each for _, each in run)))]
    return found


def words(text: str) -> list[str]:
    """The different words by which a text is found."""
    found = (word for piece in pieces(text) for word in _split(piece.folded))
    return list(islice(dict.fromkeys(found), MOST_WORDS))


def query(text: str) -> Query:
    """What somebody searches for; a last word that no space follows may go on."""
    found = [piece.folded[:LONGEST_WORD] for piece in pieces(text)][:MOST_TERMS]
    runs = tuple(each for each in found if _is_unspaced(each[0]))
    spaced = [each for each in found if not _is_unspaced(each[0]) and len(each) > 1]
    begun = spaced[-1] if spaced and text[-1:].isalnum() and found[-1] == spaced[-1] else ""
    if len(begun) < min(PREFIXES):
        return Query(tuple(spaced), runs)
    return Query(tuple(spaced[:-1]), runs, begun)


def excerpt(text: str, wanted: Query, length: int = 160) -> Excerpt:
    """The text around the first of what was found."""
    matching = [each for each in pieces(text) if wanted.matches(each)]
    start = max(0, matching[0].start - length // 3) if matching else 0
    end = min(len(text), start + length)
    places = [(each.start - start, min(each.end, end) - start) for each in matching if each.start < end]
    return Excerpt(text[start:end], tuple(places))


def beginning(word: str) -> str:
    """The longest beginning by which a word of this beginning is found; empty where it is too short."""
    length = next((each for each in PREFIXES if len(word) >= each), 0)
    return word[:length]


def beginnings(word: str) -> Iterator[str]:
    """All beginnings by which a word is found while it is typed."""
    return (word[:each] for each in PREFIXES if len(word) >= each and not _is_unspaced(word[0]))


def split_run(run: str) -> Iterator[str]:
    """The pairs of letters by which a run without spaces is found."""
    return ("".join(each) for each in pairwise(run)) if len(run) > 1 else iter((run,))


def _alike(word: str) -> Iterator[str]:
    """The parts of a run that are of scripts with spaces, and without."""
    return ("".join(group) for _, group in groupby(word, key=_is_unspaced))


def _split(word: str) -> Iterator[str]:
    if _is_unspaced(word[0]):
        yield from split_run(word)
    elif len(word) > 1:
        yield word[:LONGEST_WORD]


def _is_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def _is_unspaced(character: str) -> bool:
    code = ord(character)
    return code >= _UNSPACED[0][0] and any(first <= code <= last for first, last in _UNSPACED)
