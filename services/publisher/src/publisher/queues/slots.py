"""The slots of a queue in time: what a clock on the wall shows each week, as instants.

A time that the zone skips is the one that its clocks show instead, as far behind the gap; one that it has twice is
the first. Slots that become the same instant that way are one.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from publisher.posts.when import WallClock, When

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A time of each week: the day, counted from Monday, and what the clock shows."""

    day: int
    at: time

    def stored(self) -> list[object]:
        """As it is stored."""
        return [self.day, self.at.isoformat("minutes")]

    @classmethod
    def read(cls, stored: Sequence[object]) -> "Slot":
        """From how it is stored."""
        day, at = stored
        return cls(int(str(day)), time.fromisoformat(str(at)))


def resolved(local: datetime, zone: str) -> When:
    """The instant of a wall clock, which is moved behind a gap of the zone, never refused."""
    there = ZoneInfo(zone)
    at = local.replace(tzinfo=there, fold=0).astimezone(UTC)
    return shown_at(at, zone)


def shown_at(at: datetime, zone: str) -> When:
    """An instant, with what clocks of the zone show then."""
    shown = at.astimezone(ZoneInfo(zone))
    return When(at, WallClock(shown.replace(tzinfo=None, fold=0), zone, shown.fold))


def upcoming(slots: Iterable[Slot], zone: str, after: datetime) -> Iterator[When]:
    """The slots after an instant, in order, without end."""
    today = after.astimezone(ZoneInfo(zone)).date()
    last = after
    for when in heapq.merge(*(_each_week(slot, zone, today) for slot in slots), key=lambda when: when.at):
        if when.at > last:
            last = when.at
            yield when


def _each_week(slot: Slot, zone: str, today: date) -> Iterator[When]:
    """One slot, week after week, from a day of the week before on."""
    day = today - timedelta(days=(today.weekday() - slot.day) % 7) - _WEEK
    while day < date.max - _WEEK:
        yield resolved(datetime.combine(day, slot.at), zone)
        day += _WEEK
