import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

MOST_TEAMS: Final = 200
MOST_AT_ONCE: Final = 100
"""Members that one request may bring into a team, and as many that it may take out."""


@dataclass(frozen=True, slots=True)
class Team:
    """A named group of members."""

    id: UUID
    name: str
    members: int
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TeamMember:
    """A member's place in a team."""

    member_id: UUID
    user_id: UUID
    added_at: datetime


def compared(name: str) -> str:
    """A name as it is compared: `Night  Shift` is `night shift`."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
