"""How many posts an account may publish within a window, and whether one more fits."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

KIND: Final = "publisher.budget"
DAY: Final = timedelta(days=1)
_ALIKE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What a platform said of an account: its limit, and how much of it was used otherwise than by us."""

    limit: int
    elsewhere: int
    window: timedelta
    resets_at: datetime | None
    told_at: datetime

    @property
    def until(self) -> datetime:
        """How long what was used elsewhere counts at most."""
        return self.resets_at or self.told_at + self.window


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many posts within any window.

    `elsewhere` of them are taken until `until` by what was published otherwise than by us.
    """

    limit: int
    window: timedelta = DAY
    elsewhere: int = 0
    until: datetime | None = None

    @property
    def span(self) -> str:
        """Its window in words."""
        hours = round(self.window.total_seconds() / 3600, 1)
        return f"{hours:g} hours" if hours > 1 else f"{round(self.window.total_seconds() / 60)} minutes"

    def room(self, at: datetime) -> int:
        """How many of ours fit into a window that ends then."""
        return self.limit - (self.elsewhere if self.until is not None and at < self.until else 0)

    def fits(self, times: Sequence[datetime], at: datetime) -> bool:
        """Whether one more at this time leaves every window within the limit; the others are in order."""
        ends = [at, *times[bisect_right(times, at) : bisect_left(times, at + self.window)]]
        return all(self.used(times, end) + 1 <= self.room(end) for end in ends)

    def next_fit(self, times: Sequence[datetime], at: datetime) -> datetime | None:
        """The first time from then on at which one more fits; None where none does."""
        candidates = {at, *(each + self.window for each in times)}
        candidates |= {self.until} if self.until is not None else set()
        return next((each for each in sorted(candidates) if each >= at and self.fits(times, each)), None)

    def used(self, times: Sequence[datetime], end: datetime) -> int:
        """How many are in the window that ends then."""
        return bisect_right(times, end) - bisect_right(times, end - self.window)


def holding(assumed: int | None, told: Told | None) -> tuple[Budget, ...]:
    """What holds by the rules (for a day) and by what the platform told; of two for the same window the lower."""
    if told is None:
        return () if assumed is None else (Budget(assumed),)
    by_platform = Budget(told.limit, told.window, told.elsewhere, told.until)
    if assumed is None:
        return (by_platform,)
    if abs(told.window - DAY) <= _ALIKE:
        return (Budget(min(assumed, told.limit), DAY, told.elsewhere, told.until),)
    return Budget(assumed), by_platform


def first_fit(budgets: Iterable[tuple[Budget, Sequence[datetime]]], at: datetime, last: datetime) -> datetime | None:
    """The first time from then on at which one more fits into all of them; None where there is none until `last`."""
    known = list(budgets)
    later: datetime | None = at
    while later is not None and later <= last:
        found = [budget.next_fit(times, later) for budget, times in known]
        if all(each == later for each in found):
            return later
        later = None if None in found else max(each for each in found if each is not None)
    return None


def longest(budgets: Iterable[Budget]) -> timedelta:
    """The longest of their windows."""
    return max((each.window for each in budgets), default=DAY)
