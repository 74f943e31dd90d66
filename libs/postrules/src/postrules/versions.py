"""The versions of platform APIs that we speak, with the day each is switched off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from postrules.limits import Confidence, Platform


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """A version we speak; `sunset` is the first day on which it may be refused."""

    name: str
    sunset: date
    source: str
    read_on: date
    confidence: Confidence

    def days_left(self, today: date) -> int:
        """Days until it may be refused; negative when that day has passed."""
        return (self.sunset - today).days


SPOKEN: Final[Mapping[Platform, ApiVersion]] = {
    Platform.LINKEDIN: ApiVersion(
        "202605",
        date(2027, 5, 1),
        "LinkedIn's pages of version 2026-05 (little Text Format) say that 202505 was switched off: a version lives "
        "for about a year.",
        date(2026, 11, 20),
        "reported",
    ),
}
"""By platform."""

WARNED_AHEAD: Final = 60
"""Days before the sunset from which on it is warned of."""
