import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

MOST_LABELS: Final = 200
"""Labels of one organization."""

MOST_ON_ONE: Final = 30
"""Labels on one conversation or contact."""


@dataclass(frozen=True, slots=True)
class Label:
    """A word of the organization's own, with a colour, and how many carry it."""

    id: UUID
    name: str
    colour: str
    conversations: int
    contacts: int
    version: int
    created_at: datetime


def key_of(name: str) -> str:
    """What is the same in two spellings of a name: capitals, width and accents' forms do not count."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())
