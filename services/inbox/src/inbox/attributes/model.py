"""Attributes that an organization defines for itself, and what is a value of one."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from inbox.attributes.errors import AttributeNotSought, ValueRefused

AppliesTo = Literal["conversation", "contact"]
Type = Literal["text", "number", "date", "list", "several", "checkbox", "link"]
Value = str | float | bool | list[str]
Way = Literal["is", "from", "to"]

MOST_ATTRIBUTES: Final = 100
"""Of one organization, for conversations and for contacts each."""

LONGEST_TEXT: Final = 1000
LONGEST_LINK: Final = 2000
LONGEST_KEY: Final = 200
"""Characters of a value that its index holds (the column `value_key`)."""

_GREATEST: Final = 1e15
_IN_ORDER: Final = frozenset({"number", "date"})
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Attribute:
    """What values of one key are; `personal` ones lie sealed under the contact's key."""

    id: UUID
    applies_to: AppliesTo
    key: str
    name: str
    type: Type
    choices: Sequence[str]
    personal: bool
    version: int
    created_at: datetime

    def written(self, value: Value) -> str:
        """A value as it is kept; the same for all ways to write it.

        Raises:
            ValueRefused: it is none of this attribute.
        """
        match self.type, value:
            case "checkbox", bool():
                return "true" if value else "false"
            case "number", int() | float() if not isinstance(value, bool) and abs(value) <= _GREATEST:
                return repr(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))
            case ("text" | "list" | "link") as kind, str() if self._suits(kind, value):
                return value
            case "several", list() if value and len(set(value)) == len(value) and set(value) <= set(self.choices):
                return orjson.dumps(value).decode()
            case "date", str() if (day := _day(value)) is not None:
                return day.isoformat()
        raise ValueRefused(self.key, _WANTED[self.type])

    def _suits(self, kind: Literal["text", "list", "link"], value: str) -> bool:
        match kind:
            case "text":
                return 0 < len(value) <= LONGEST_TEXT and "\0" not in value
            case "list":
                return value in self.choices
        return _is_link(value)

    def read(self, written: str) -> Value:
        """A value as it is shown."""
        return read_as(self.type, written)

    def sought(self, way: "Way", told: str) -> "Sought":
        """What a list is asked for by this attribute, as it stands in an address.

        Raises:
            AttributeNotSought: nothing can be sought so by an attribute of this type, or personal values at all.
            ValueRefused: the value is none of this attribute.
        """
        if self.personal or self.type == "several" or (way != "is" and self.type not in _IN_ORDER):
            raise AttributeNotSought(self.key)
        written = self.written(_told(self.type, told))
        return Sought(self.id, way, written, float(written) if self.type == "number" else None)


@dataclass(frozen=True, slots=True)
class Sought:
    """Values of one attribute: this one, or from it on, or up to it; `number` where they are numbers."""

    attribute_id: UUID
    way: "Way"
    written: str
    number: float | None

    @property
    def key(self) -> str:
        """The beginning by which an index finds it."""
        return self.written[:LONGEST_KEY]


def read_as(kind: Type, written: str) -> Value:
    """A value of this type as it is shown."""
    match kind:
        case "checkbox":
            return written == "true"
        case "number":
            return float(written)
        case "several":
            return list(orjson.loads(written))
    return written


def _told(kind: Type, told: str) -> Value:
    """A value as it would have been given, from how it stands in an address."""
    match kind:
        case "checkbox" if told in ("true", "false"):
            return told == "true"
        case "number":
            try:
                return float(told)
            except ValueError:
                return told
    return told


_WANTED: Final[dict[Type, str]] = {
    "text": f"Write 1 to {LONGEST_TEXT} characters.",
    "number": "Write a number, not as text, up to 1,000,000,000,000,000.",
    "date": "Write a day as 2026-11-30.",
    "list": "Choose one of the attribute's choices.",
    "several": "Choose one or more of the attribute's choices, each once, as a list.",
    "checkbox": "Write true or false, not as text.",
    "link": f"Write an address that begins with https:// or http://, of {LONGEST_LINK} characters at most.",
}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _is_link(text: str) -> bool:
    if len(text) > LONGEST_LINK or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc
