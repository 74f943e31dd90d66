"""When a post leaves: an instant, or a wall clock and a zone, which decide the instant.

An hour that a zone skips is refused with the times around it; an hour that it has twice means the first, unless
`fold` says the second.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from publisher.posts.errors import TimeNotAcceptable

LATE: Final = timedelta(minutes=1)
"""How long ago a time may be and still count as now: a request takes its time."""

FURTHEST: Final = timedelta(days=731)


@dataclass(frozen=True, slots=True)
class WallClock:
    """A time as a person reads it off a clock in their zone."""

    local: datetime
    zone: str
    fold: int = 0


@dataclass(frozen=True, slots=True)
class When:
    """The instant, and beside it the wall clock by which a person chose it."""

    at: datetime
    wall_clock: WallClock | None = None


@dataclass(frozen=True, slots=True)
class InQueue:
    """The next free slot of a queue, whichever that is."""

    queue_id: UUID


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """The names of all zones; a name that is not here is not looked for in files."""
    return frozenset(available_timezones())


def instant(wall: WallClock) -> datetime:
    """The instant of a wall clock, in UTC.

    Raises:
        TimeNotAcceptable: there is no such zone, or the zone skips that time; then `suggestions` holds the local
            times before and after the gap.
    """
    if wall.zone not in zones():
        raise TimeNotAcceptable("#/publish_at/zone", "This zone is not known; use a name such as Europe/Berlin.")
    zone = ZoneInfo(wall.zone)
    try:
        at = wall.local.replace(tzinfo=zone, fold=wall.fold).astimezone(UTC)
        back = at.astimezone(zone).replace(tzinfo=None)
    except OverflowError as error:
        raise TimeNotAcceptable("#/publish_at/local", "This time is out of reach.") from error
    if back != wall.local.replace(fold=0):
        raise _skipped(wall, zone)
    return at


def _skipped(wall: WallClock, zone: ZoneInfo) -> TimeNotAcceptable:
    """The refusal of a time that clocks skip: with the offset after it and the one before it."""
    around = sorted(
        wall.local.replace(tzinfo=zone, fold=fold).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
        for fold in (0, 1)
    )
    suggestions = tuple(time.isoformat(timespec="seconds") for time in around)
    detail = f"Clocks in {wall.zone} skip this time; choose {suggestions[0]} or {suggestions[1]}."
    return TimeNotAcceptable("#/publish_at/local", detail, suggestions=suggestions)


def checked(when: When, now: datetime) -> When:
    """The time, if a post may leave then.

    Raises:
        TimeNotAcceptable: it has passed, or is more than two years ahead.
    """
    pointer = "#/publish_at" if when.wall_clock is None else "#/publish_at/local"
    if when.at < now - LATE:
        raise TimeNotAcceptable(pointer, "This time has passed.")
    if when.at > now + FURTHEST:
        raise TimeNotAcceptable(pointer, "This is more than two years ahead.")
    return when
