"""How near a text is to a voice, from 0 to 100, and why: by measure alone, the same for the same text, for nothing.

Each trait gets points by how far the text lies from the voice's middle, in units of how far its samples lie from it;
within one such unit it has all points, four further away none. A text shorter than a sentence or two says little of
its rates, so they weigh less there. What breaks a rule that can be checked takes points from the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from generation.voices.measuring import TRAITS, has_word, measured, words_of
from generation.voices.model import Profile, Rules, Trait

_WEIGHTS: Final = {
    "sentence_words": 3.0,
    "formality": 3.0,
    "we": 2.0,
    "you": 2.0,
    "i": 1.5,
    "emoji": 2.0,
    "exclamations": 2.0,
    "questions": 1.0,
    "word_letters": 1.5,
    "dashes": 0.5,
    "ellipses": 0.5,
    "capitals": 1.0,
    "paragraphs": 0.5,
}
_LEAST_UNIT: Final = {
    "sentence_words": 3.0,
    "formality": 10.0,
    "we": 2.0,
    "you": 2.0,
    "i": 1.5,
    "emoji": 1.0,
    "exclamations": 1.0,
    "questions": 1.0,
    "word_letters": 0.4,
    "dashes": 0.7,
    "ellipses": 0.5,
    "capitals": 1.0,
    "paragraphs": 1.0,
}
"""The smallest distance that counts as one unit: what is always the same in the samples may differ a little."""

_RATES: Final = frozenset({"we", "you", "i", "emoji", "exclamations", "questions", "dashes", "ellipses", "capitals"})
_FULL: Final = 40
"""Words from which on rates have their whole weight."""

_VOCABULARY: Final = 2.0
_BANNED: Final = 25
_AVOIDED: Final = 8
ENOUGH: Final = 70
"""Points of a trait below which it is a reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a text is not nearer: a trait or a rule, in words, with what was expected and found."""

    trait: str
    says: str
    expected: str
    found: str
    points: int
    """What the trait got of 100; for a broken rule what was taken from the whole."""


@dataclass(frozen=True, slots=True)
class Score:
    """How near a text is to a voice."""

    points: int
    reasons: Sequence[Reason]


def score(text: str, profile: Profile, rules: Rules) -> Score:
    """How near a text is to a voice, the weightiest reasons first."""
    found = measured(text)
    if not found:
        return Score(0, [Reason("words", "There are no words.", "some", "none", 0)])
    known = words_of(text)
    certain = min(1.0, len(text.split()) / _FULL)
    graded: list[tuple[float, int, Reason | None]] = []
    for name, weight in _WEIGHTS.items():
        trait = profile.traits[name]
        points = _points(name, trait, found[name])
        reason = _reason(name, trait, found[name], points) if points < ENOUGH else None
        graded.append((weight * (certain if name in _RATES else 1.0), points, reason))
    if profile.vocabulary:
        graded.append((_VOCABULARY * certain, *_vocabulary(profile, known)))
    whole = sum(weight * points for weight, points, _ in graded) / sum(weight for weight, _, _ in graded)
    broken = _broken(text, rules)
    lost = sum(each.points for each in broken)
    ordered = sorted(
        ((weight * (100 - points), reason) for weight, points, reason in graded if reason), key=lambda each: -each[0]
    )
    return Score(max(0, round(whole) - lost), [*broken, *(reason for _, reason in ordered)])


def _points(name: str, trait: Trait, value: float) -> int:
    unit = max(trait.spread, _LEAST_UNIT[name])
    away = abs(value - trait.middle) / unit
    return round(100 * max(0.0, min(1.0, 1 - (away - 1) / 4)))


def _reason(name: str, trait: Trait, value: float, points: int) -> Reason:
    more = "more" if value > trait.middle else "fewer"
    if name in {"formality", "word_letters"}:
        more = "higher" if value > trait.middle else "lower"
    says = f"{TRAITS[name].capitalize()}: {more} than this voice has."
    return Reason(name, says, f"{trait.middle:.1f}", f"{value:.1f}", points)


def _vocabulary(profile: Profile, known: frozenset[str]) -> tuple[int, Reason | None]:
    """A text that has two of the voice's words has all points, for it need not have more."""
    shared = len(known & frozenset(profile.vocabulary))
    points = min(100, 40 + 30 * shared)
    if points >= ENOUGH:
        return points, None
    says = "None of the words that this voice likes."
    return points, Reason("vocabulary", says, ", ".join(profile.vocabulary[:6]), "none", points)


def _broken(text: str, rules: Rules) -> list[Reason]:
    broken = [
        Reason("banned_words", f"The word {word!r} is banned.", "never", word, _BANNED)
        for word in rules.banned_words
        if has_word(text, word)
    ]
    broken += [
        Reason("preferred_words", f"Say {better!r} in place of {word!r}.", better, word, _AVOIDED)
        for word, better in rules.preferred_words.items()
        if has_word(text, word)
    ]
    return broken
