"""In which time zone somebody is, as far as anybody knows."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID
from zoneinfo import available_timezones

ZONES: Final = frozenset(available_timezones())
AT_FIRST: Final = "UTC"


@dataclass(frozen=True, slots=True)
class ZoneSettings:
    """What an organization has said: its own zone, and the attribute of contacts that holds theirs."""

    zone: str = AT_FIRST
    attribute_id: UUID | None = None
    version: int = 0


def zone_known(told: str, of_number: str) -> str:
    """The zone of a contact: as the attribute says, else that of their number; empty when nobody knows."""
    wanted = told.strip()
    return wanted if wanted in ZONES else of_number if of_number in ZONES else ""
