"""Billing periods as Stripe cuts them: in UTC, counted from an anchor whose day is clamped to the month's end."""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Unit = Literal["day", "week", "month", "year"]

_ROUGHLY = {"day": 86_400, "week": 604_800, "month": 2_629_746, "year": 31_556_952}
MOST = {"day": 1095, "week": 156, "month": 36, "year": 3}
"""The longest interval Stripe takes is three years."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Every `count` units."""

    unit: Unit
    count: int = 1

    @property
    def seconds(self) -> int:
        """How long it is on the average, for comparing two of them."""
        return _ROUGHLY[self.unit] * self.count


@dataclass(frozen=True, slots=True)
class Period:
    """Half open: `start` belongs to it and `end` does not, both in Unix seconds."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.end - self.start

    def holds(self, at: int) -> bool:
        """Whether this moment belongs to it."""
        return self.start <= at < self.end


def boundary(anchor: int, interval: Interval, number: int) -> int:
    """The moment `number` intervals after the anchor (before it, when negative).

    Always counted from the anchor, so that the 31st comes back after a short month: 31 Jan, 28 Feb, 31 Mar.
    """
    start = datetime.fromtimestamp(anchor, UTC)
    steps = number * interval.count
    if interval.unit in {"day", "week"}:
        days = steps * (7 if interval.unit == "week" else 1)
        return int((start + timedelta(days=days)).timestamp())
    months = start.year * 12 + start.month - 1 + steps * (12 if interval.unit == "year" else 1)
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def period_at(anchor: int, interval: Interval, at: int) -> Period:
    """The period that holds this moment."""
    number = (at - anchor) // interval.seconds
    while boundary(anchor, interval, number) > at:
        number -= 1
    while boundary(anchor, interval, number + 1) <= at:
        number += 1
    return Period(boundary(anchor, interval, number), boundary(anchor, interval, number + 1))


@dataclass(frozen=True, slots=True)
class AnchorConfig:
    """`billing_cycle_anchor_config`: the anchor by its parts; what is None is taken from the start."""

    day_of_month: int
    month: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None


def anchor_from(config: AnchorConfig, start: int) -> int:
    """The first moment from the start on that fits the parts; day 31 is the last of a shorter month."""
    begun = datetime.fromtimestamp(start, UTC)
    clock = begun.replace(
        hour=begun.hour if config.hour is None else config.hour,
        minute=begun.minute if config.minute is None else config.minute,
        second=begun.second if config.second is None else config.second,
    )
    months = begun.year * 12 + begun.month - 1
    while True:
        year, month = divmod(months, 12)
        if config.month in {None, month + 1}:
            day = min(config.day_of_month, calendar.monthrange(year, month + 1)[1])
            found = clock.replace(year=year, month=month + 1, day=day)
            if found >= begun:
                return int(found.timestamp())
        months += 1
