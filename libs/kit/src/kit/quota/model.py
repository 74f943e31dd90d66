"""Meters and what is left of them: plain values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

THRESHOLDS: Final = (80, 100)
"""Percent of a limit at which somebody is told, once for each in a period."""


@dataclass(frozen=True, slots=True)
class Meter:
    """Something that plans include a number of, counted by one service.

    Used per calendar month (UTC) unless `held`: then what is in use at the same time counts, for as long as it is.
    """

    name: str
    """As billing's limits name it."""
    before_first: int
    """What is allowed until billing has spoken for the first time: enough to begin, too little to hurt."""
    held: bool = False
    says: str = ""
    """What it counts, in words that follow a number: `posts a month`."""


@dataclass(frozen=True, slots=True)
class Use:
    """How a meter stands; `allowed` is None where there is no limit."""

    used: int
    reserved: int
    allowed: int | None
    renews_at: datetime | None = field(default=None, compare=False)
    """When the next month begins; None for what is held."""

    @property
    def left(self) -> int | None:
        """How much may still be taken; None for any amount. Nothing, where the limit was lowered below the use."""
        return None if self.allowed is None else max(0, self.allowed - self.used - self.reserved)


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold that was reached just now, and not before in this period."""

    meter: str
    percent: int
    used: int
    allowed: int


def reached(used: int, allowed: int | None) -> int:
    """The highest threshold that this much use reaches; 0 for none, and for no use at all."""
    if allowed is None or used == 0:
        return 0
    return max((each for each in THRESHOLDS if used * 100 >= each * allowed), default=0)
