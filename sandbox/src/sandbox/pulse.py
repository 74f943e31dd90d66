"""When calls came, to the microsecond: what a pace is measured by."""

import time
from array import array
from bisect import bisect_left, bisect_right
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

KEPT_BEATS = 200_000
KEPT_PULSES = 1_000

Since = Annotated[float, Query(ge=0, allow_inf_nan=False)]
Most = Annotated[int, Query(ge=0, le=KEPT_BEATS)]


class PulseOut(BaseModel):
    """How many calls came, when (Unix seconds), and the most there were in any one second and any one minute."""

    count: int
    first: float | None
    last: float | None
    most_in_one_second: int
    most_in_one_minute: int
    times: list[float]


class Pulse:
    """The times of calls of one kind, in order; the oldest are forgotten in one go when too many are kept."""

    def __init__(self, most: int = KEPT_BEATS) -> None:
        self._most = most
        self._times = array("d")

    def beat(self, at: float | None = None) -> None:
        """Note a call, now unless told otherwise."""
        self._times.append(time.time() if at is None else at)
        if len(self._times) > self._most:
            del self._times[: self._most // 10]

    def read(self, *, since: float = 0.0, limit: int = KEPT_BEATS) -> PulseOut:
        """What there was since a time; of the times themselves only the newest so many."""
        times = self._times[bisect_left(self._times, since) :]
        return PulseOut(
            count=len(times),
            first=times[0] if times else None,
            last=times[-1] if times else None,
            most_in_one_second=most_within(times, 1.0),
            most_in_one_minute=most_within(times, 60.0),
            times=times[max(0, len(times) - limit) :].tolist(),
        )

    def within(self, seconds: float, now: float) -> int:
        """How many there were in the last so many seconds."""
        return len(self._times) - bisect_right(self._times, now - seconds)

    def clear(self) -> None:
        """Forget all."""
        del self._times[:]


def most_within(times: "array[float]", seconds: float) -> int:
    """The most there were in any window of that length, its end excluded."""
    most = begin = 0
    for end, at in enumerate(times):
        while times[begin] <= at - seconds:
            begin += 1
        most = max(most, end - begin + 1)
    return most
