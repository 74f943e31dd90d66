"""Text with places for values, `Hello {{contact.first_name|there}}`: the one renderer of the inbox.

Canned replies, macros and the values of a message template's variables all go through it: `parsed` when something is
saved, `Text.filled` when it is used.

- A place is `{{name}}` or `{{name|what stands there when nothing is known}}`. Nothing else is special.
- A text is parsed once and its values are put in once: what stands in a value is never looked at again, so nobody
  who chooses their own name reaches beyond its place. Values are made one harmless line first (`plain`), because
  platforms refuse line ends in the parameters of templates.
- A name that is not known is refused when the text is saved, not when somebody waits for it to be sent.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from inbox.variables.errors import VariableMalformed, VariableUnknown
from kit.errors import FieldError

MOST_PLACES: Final = 50
"""Places in one text."""

LONGEST_FALLBACK: Final = 200
"""Characters of what stands in a place when nothing is known."""

LONGEST_VALUE: Final = 1000
"""Characters of a value; what is longer is cut."""

_PLACE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}(\.[a-z0-9_]{1,64}){1,2}")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a text; without a fallback something must be known."""

    name: str
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its values, and the variables of which nothing is known: their places are empty."""

    text: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A text taken apart."""

    pieces: tuple[str | Slot, ...]

    @property
    def variables(self) -> frozenset[str]:
        """The names that it asks for."""
        return frozenset(each.name for each in self.pieces if isinstance(each, Slot))

    def filled(self, values: Mapping[str, str]) -> Filled:
        """Put the values in, each as `plain` makes it."""
        missing: dict[str, None] = {}
        said: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                said.append(piece)
                continue
            value = plain(values.get(piece.name, "")) or piece.fallback
            if value is None:
                missing[piece.name] = None
            said.append(value or "")
        return Filled("".join(said), tuple(missing))


def parsed(source: str, known: Collection[str] | None, pointer: str = "#/text") -> Text:
    """Take a text apart; with None for `known` one that was saved before, whose variables may be gone by now.

    Raises:
        VariableMalformed: a place that is no place, or too many.
        VariableUnknown: a name that is not among the known.
    """
    text = Text(tuple(_pieces(source, pointer)))
    if sum(isinstance(each, Slot) for each in text.pieces) > MOST_PLACES:
        raise VariableMalformed(errors=[FieldError(pointer, f"Use {MOST_PLACES} variables at most.")])
    unknown = sorted(text.variables - set(text.variables if known is None else known))
    if unknown:
        told = f"{unknown[0]} is no variable; GET /v1/variables lists those there are."
        raise VariableUnknown(errors=[FieldError(pointer, told)])
    return text


def plain(value: str) -> str:
    """A value as one line without anything that is not seen: line ends, control characters, marks of direction."""
    if value.isascii() and value.isprintable():
        return " ".join(value.split())[:LONGEST_VALUE]
    seen = "".join(" " if each.isspace() else each for each in value if each.isspace() or _is_seen(each))
    return " ".join(seen.split())[:LONGEST_VALUE]


def _is_seen(character: str) -> bool:
    joins = character in "\u200c\u200d"  # within words of some scripts, and within emoji
    return joins or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def _pieces(source: str, pointer: str) -> Iterator[str | Slot]:
    at = 0
    for match in _PLACE.finditer(source):
        yield from _between(source[at : match.start()], pointer)
        yield _slot(match.group(1), pointer)
        at = match.end()
    yield from _between(source[at:], pointer)


def _between(words: str, pointer: str) -> Iterator[str]:
    if "{{" in words:
        raise VariableMalformed(errors=[FieldError(pointer, "A place begins with {{ and does not end with }}.")])
    if words:
        yield words


def _slot(inside: str, pointer: str) -> Slot:
    name, bar, fallback = inside.partition("|")
    name, fallback = name.strip(), plain(fallback)
    if not _NAME.fullmatch(name) or "{" in fallback or len(fallback) > LONGEST_FALLBACK:
        told = "Write {{contact.name}}, or {{contact.name|there}} with at most 200 characters for when none is known."
        raise VariableMalformed(errors=[FieldError(pointer, told)])
    return Slot(name, fallback if bar else None)
