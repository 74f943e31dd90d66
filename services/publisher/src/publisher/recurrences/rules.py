"""When something recurs: a part of RFC 5545's rules, by the clocks of a zone.

The rule is worked out on what clocks on the wall show; each time becomes an instant by the zone's rules of that day,
so that nine o'clock stays nine o'clock. A time that the zone skips is as far behind the gap, one that it has twice is
the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

from dateutil.rrule import rrule, rrulestr

from publisher.posts.when import FURTHEST, When
from publisher.queues.slots import resolved
from publisher.recurrences.errors import RuleNotAcceptable

FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_NUMBERS: Final = {"INTERVAL": 366, "COUNT": 1000, "BYSETPOS": 366}
_LISTS: Final = frozenset({"BYDAY", "BYMONTHDAY", "BYMONTH"})
_LONGEST: Final = timedelta(days=366 * 20)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is stored, with the bounds apart; `until` is a wall clock, the last that still counts."""

    text: str
    starts: datetime
    zone: str
    count: int | None = None
    until: datetime | None = None

    @classmethod
    def read(cls, text: str, starts: datetime, zone: str) -> Self:
        """A rule as people write it.

        Raises:
            RuleNotAcceptable: it is not one of those that we know, or never comes to pass.
        """
        parts = _parts(text)
        count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
        if count is not None and until is not None:
            raise RuleNotAcceptable.of("Say COUNT or UNTIL, not both.")
        plain = ";".join(f"{name}={value}" for name, value in parts.items())
        made = cls(plain, starts, zone, int(count) if count else None, _until(until) if until else None)
        made._made(starts + timedelta(days=1))  # a rule that cannot be read shows here
        if next(made.between(None, starts + FURTHEST), None) is None:
            raise RuleNotAcceptable.of("This never comes to pass within two years.")
        return made

    @property
    def written(self) -> str:
        """As people write it."""
        bounds = [f"COUNT={self.count}"] if self.count else []
        bounds += [f"UNTIL={self.until:%Y%m%dT%H%M%S}"] if self.until else []
        return ";".join([self.text, *bounds])

    def between(self, after: datetime | None, until: datetime) -> Iterator[When]:
        """What comes to pass after one wall clock, if one is named, and not after another; instants, in order."""
        last = until if self.until is None else min(until, self.until)
        for number, local in enumerate(self._made(last)):
            if self.count is not None and number >= self.count:
                return
            if after is None or local > after:
                yield resolved(local, self.zone)

    def ended_before(self, local: datetime) -> Self:
        """The rule as far as it came before a wall clock."""
        return replace(self, count=self._left(local), until=local - timedelta(seconds=1) if not self.count else None)

    def rest(self, local: datetime) -> Self:
        """The rule from a wall clock on, with what is left of its count."""
        gone = self._left(local)
        return replace(self, starts=local, count=None if self.count is None else max(1, self.count - (gone or 0)))

    def _left(self, local: datetime) -> int | None:
        if self.count is None:
            return None
        return sum(1 for _ in zip(range(self.count), self._made(local - timedelta(seconds=1)), strict=False))

    def _made(self, until: datetime) -> rrule:
        until = min(until, self.starts + _LONGEST)
        try:
            made = rrulestr(f"RRULE:{self.text};UNTIL={until:%Y%m%dT%H%M%S}", dtstart=self.starts)
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise RuleNotAcceptable.of("This rule cannot be read: see RFC 5545, 3.3.10.") from error
        if not isinstance(made, rrule):
            raise RuleNotAcceptable.of("Say one rule.")
        return made


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name in parts:
            raise RuleNotAcceptable.of(f"{part[:30]!r} is not NAME=value, or is said twice.")
        if name in _NUMBERS:
            if not (value.isdigit() and 1 <= int(value) <= _NUMBERS[name]):
                raise RuleNotAcceptable.of(f"{name} is a number from 1 to {_NUMBERS[name]}.")
        elif name == "FREQ":
            if value not in FREQUENCIES:
                raise RuleNotAcceptable.of(f"FREQ is one of {', '.join(FREQUENCIES)}.")
        elif name not in {*_LISTS, "UNTIL", "WKST"}:
            raise RuleNotAcceptable.of(f"{name[:30]} is not known here.")
        parts[name] = value
    if "FREQ" not in parts:
        raise RuleNotAcceptable.of("Say FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.")
    return parts


def _until(text: str) -> datetime:
    for shape in ("%Y%m%d", "%Y%m%dT%H%M%S"):
        try:
            found = datetime.strptime(text, shape)  # noqa: DTZ007 - a wall clock
        except ValueError:
            continue
        return found + timedelta(days=1, seconds=-1) if shape == "%Y%m%d" else found
    raise RuleNotAcceptable.of("UNTIL is a date or a local time, such as 20270131 or 20270131T170000.")
