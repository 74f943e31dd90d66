"""The variables in a template's texts: `{{1}}` by position, or `{{order_number}}` by name."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal

Format = Literal["POSITIONAL", "NAMED"]

_ANY: Final = re.compile(r"\{\{([^{}]*)\}\}")
_POSITION: Final = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,63}", re.ASCII)


def variables_of(text: str) -> list[str]:
    """Their names in the order in which they come; one that comes twice is named once."""
    return list(dict.fromkeys(found.strip() for found in _ANY.findall(text)))


def is_position(name: str) -> bool:
    """Whether this is a place, such as 1."""
    return _POSITION.fullmatch(name) is not None


def is_name(name: str) -> bool:
    """Whether this is a name: small letters, digits and underscores."""
    return _NAME.fullmatch(name) is not None


def format_of(texts: Sequence[str]) -> Format:
    """How these texts name their variables; by position where there are none."""
    names = [name for text in texts for name in variables_of(text)]
    return "NAMED" if names and not any(map(is_position, names)) else "POSITIONAL"


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with values in place of variables; one without a value stays as it is."""
    return _ANY.sub(lambda match: values.get(match[1].strip(), match[0]), text)


def without(text: str) -> str:
    """The text with a blank in place of each variable."""
    return _ANY.sub(" ", text)


def broken(text: str) -> bool:
    """Whether braces are left that make no variable."""
    rest = _ANY.sub("", text)
    return "{{" in rest or "}}" in rest


def at_the_edge(text: str) -> bool:
    """Whether a variable begins or ends the text."""
    bare = text.strip()
    places = [match.span() for match in _ANY.finditer(bare)]
    return bool(places) and (places[0][0] == 0 or places[-1][1] == len(bare))


def side_by_side(text: str) -> bool:
    """Whether two variables have nothing but blanks between them."""
    ends = [match.span() for match in _ANY.finditer(text)]
    return any(not text[one[1] : other[0]].strip() for one, other in pairwise(ends))
