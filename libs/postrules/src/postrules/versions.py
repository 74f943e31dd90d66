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
    Platform.FACEBOOK: ApiVersion(
        "v23.0",
        date(2027, 5, 29),
        "Meta keeps a version of the Graph API for two years from its release; v23.0 was released on 2025-05-29.",
        date(2026, 11, 30),
        "assumed",
    ),
    Platform.INSTAGRAM: ApiVersion(
        "v23.0",
        date(2027, 5, 29),
        "Instagram by Facebook Login is the Graph API: see Facebook.",
        date(2026, 11, 30),
        "assumed",
    ),
    Platform.THREADS: ApiVersion(
        "v1.0",
        date(2099, 1, 1),
        "Threads has had one version since its API began, and no day is named on which it ends.",
        date(2026, 11, 30),
        "reported",
    ),
    Platform.X: ApiVersion(
        "2",
        date(2099, 1, 1),
        "X's OpenAPI description is of version 2, and no day is named on which it ends.",
        date(2026, 11, 30),
        "reported",
    ),
    Platform.YOUTUBE: ApiVersion(
        "v3",
        date(2099, 1, 1),
        "The discovery document of the YouTube Data API is of version 3, and no day is named on which it ends.",
        date(2026, 11, 30),
        "reported",
    ),
    Platform.TIKTOK: ApiVersion(
        "v2",
        date(2099, 1, 1),
        "TikTok's Content Posting API is of version 2, and no day is named on which it ends.",
        date(2026, 11, 30),
        "reported",
    ),
}
"""By platform."""

WARNED_AHEAD: Final = 60
"""Days before the sunset from which on it is warned of."""
