"""Limits as data: each says where it was read, when, and how sure we are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal

Unit = Literal["utf16_units", "code_points", "calls_per_second"]
Confidence = Literal["confirmed", "reported", "assumed"]


class Platform(StrEnum):
    """A place where posts are published."""

    LINKEDIN = "linkedin"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one platform.

    `confirmed` was read in the platform's own documentation, `reported` in that of others, `assumed` is our choice.
    """

    value: float
    unit: Unit
    source: str
    read_on: date
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Limits:
    """What one platform allows."""

    text: Limit
    pace: Limit


LIMITS: Final[Mapping[Platform, Limits]] = {
    Platform.LINKEDIN: Limits(
        text=Limit(
            3000,
            "utf16_units",
            "Several independent publishing tools state 3,000 characters; LinkedIn's Posts API pages name no number.",
            date(2026, 11, 20),
            "reported",
        ),
        pace=Limit(
            1.0,
            "calls_per_second",
            "LinkedIn publishes daily quotas in the developer portal only and no rate; one call a second for each "
            "account is our own choice, far below what a person's clicks produce in a burst.",
            date(2026, 11, 20),
            "assumed",
        ),
    ),
}
"""By platform."""
