"""How values of contacts are kept so that segments find them."""

import unicodedata
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.attributes.model import Attribute, Value

LONGEST_KEY: Final = 100
VALUE: Final = b"contact_attributes.value_sealed"


@dataclass(frozen=True, slots=True)
class Kept:
    """One row of a value: as it is shown, as it is compared, and as a number where it is one."""

    attribute_id: UUID
    place: int
    written: str
    key: str
    number: float | None


def key_of(written: str) -> str:
    """A value as it is compared: without case and accents of form alone, its first 100 characters."""
    return " ".join(unicodedata.normalize("NFKC", written).casefold().split())[:LONGEST_KEY]


def rows_of(attribute: Attribute, value: Value) -> list[Kept]:
    """A value as its rows: several choices are a row each.

    Raises:
        ValueRefused: it is none of this attribute.
    """
    written = attribute.written(value)
    if attribute.type == "several" and isinstance(value, list):
        return [Kept(attribute.id, place, each, key_of(each), None) for place, each in enumerate(value)]
    number = float(written) if attribute.type == "number" else None
    return [Kept(attribute.id, 0, written, key_of(written), number)]


def shown(attribute: Attribute, written: list[str]) -> Value:
    """A value from its rows, in their order."""
    return written if attribute.type == "several" else attribute.read(written[0])
