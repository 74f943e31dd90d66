"""Proposals for cutting a long text into the parts of a thread. Nothing but white space at a cut is left out."""

from collections.abc import Callable
from typing import Final

import regex

from postrules.entities import urls
from postrules.measure import clusters

_TOKEN: Final = regex.compile(r"\S+\s*")
_PARAGRAPH: Final = regex.compile(r"\n[ \t]*\n\s*")
_SENTENCE: Final = regex.compile(r"[.!?\u2026\u3002\uff01\uff1f]+[\"'\u201d\u2019)\]]*\s+")
_WORTH: Final = 0.5
"""A paragraph or sentence that ends before this share of what would fit is not worth a part of its own."""


def cut(text: str, longest: float, measure: Callable[[str], int], *, most: int) -> tuple[str, ...]:
    """The text in parts that fit, at paragraphs, else sentences, else words; empty if there is no such way.

    A link is never cut; a word is, between characters, where it fits in no part.
    """
    parts: list[str] = []
    rest = text.strip()
    while rest:
        if len(parts) == most:
            return ()
        end = _end(rest, longest, measure)
        if end == 0:
            return ()
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return tuple(parts)


def _end(rest: str, longest: float, measure: Callable[[str], int]) -> int:
    ends = _ends(rest, longest, measure)
    fitting = _last(ends, lambda end: measure(rest[:end].rstrip()) <= longest)
    if fitting == len(ends):
        return ends[-1]
    if fitting == 0:
        return _within_word(rest[: ends[0]].rstrip(), longest, measure)
    return _better(rest[: ends[fitting - 1]])


def _ends(rest: str, longest: float, measure: Callable[[str], int]) -> list[int]:
    """Where words end, up to the first that certainly does not fit."""
    ends: list[int] = []
    check = 8
    for match in _TOKEN.finditer(rest):
        ends.append(match.end())
        if len(ends) == check:
            if measure(rest[: match.end()].rstrip()) > longest:
                break
            check *= 2
    return ends


def _last(ends: list[int], fits: Callable[[int], bool]) -> int:
    """How many of the ends fit."""
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(ends[middle - 1]) else (low, middle - 1)
    return low


def _better(fitting: str) -> int:
    for pattern in (_PARAGRAPH, _SENTENCE):
        end: int = max((match.end() for match in pattern.finditer(fitting)), default=0)
        if end >= len(fitting) * _WORTH:
            return end
    return len(fitting)


def _within_word(word: str, longest: float, measure: Callable[[str], int]) -> int:
    if urls(word):
        return 0
    ends, at = [], 0
    for cluster in clusters(word):
        at += len(cluster)
        ends.append(at)
    fitting = _last(ends, lambda end: measure(word[:end]) <= longest)
    return ends[fitting - 1] if fitting else 0
