"""Slots in time: how a lane keeps its pace, whoever calls.

Slots are given by the database in its server's time. Each worker learns how its monotonic clock stands to that time
and calls at the slot; one that comes too late lets the slot pass, because catching up would be a burst.
"""

import math
import time
from typing import Final

PACE: Final = 0.982
"""The share of the allowed rate that is used."""

LEAD: Final = 0.02
"""Seconds from a claim to its first slot: time to prepare the call."""

AHEAD: Final = 0.6
"""How many seconds ahead slots may be reserved; a worker that dies takes at most so much with it.

It is also the time in which what was claimed must be prepared, once the lane is busy: on a fast one some hundreds.
"""

SLICE: Final = 0.2
"""How many seconds of a lane's slots one claim takes: what is done once for a claim is done five times a second."""

LONGEST_LEAD: Final = 0.4
"""Seconds ahead of which slots are taken again by who has missed all of theirs time after time."""

BLOCK: Final = 0.03
"""How many seconds of a lane's slots begin together: a worker that dies leaves about so many calls in doubt.

What it has only claimed is given back.
"""

UNPACED: Final = 20
"""How many effects of a lane without a rate one claim takes."""

CROWDED_LEAD: Final = 0.08
"""Seconds ahead of which slots are taken, at most, after some were missed: preparing takes longer then."""

CALMS: Final = 0.9
"""To what share of itself that lead shrinks with each claim."""

TOGETHER: Final = 0.002
"""How many seconds late the first of some calls may be so that they leave together: waking up costs, too."""

HAND_OVER: Final = 0.002
"""Seconds of tolerance between the decision to call and the call."""

_ABOVE: Final = 1.01
_TRANSPORT: Final = 0.008
_EARLIEST, _LATEST = 0.005, 0.25
_DRIFT: Final = 0.0002
_VAGUE: Final = 0.001
_RECENT: Final = 1.0


def tolerance(step: float) -> float:
    """How many seconds after its slot a call may still leave, when slots are `step` seconds apart.

    If each call of a lane is between 0 and D seconds late, a window of one second sees the slots of 1 + D seconds; D
    is such that these are never more than 1 % above the limit, less what the way to the receiver may add.
    """
    limit = 1 / (step * PACE)
    most = max(math.ceil(limit - 1e-9), math.floor(limit * _ABOVE + 1e-9), 1)
    return min(max(most * step - 1 - _TRANSPORT, _EARLIEST), _LATEST)


class ServerTime:
    """How far the server's clock is ahead of this process's monotonic clock, in seconds.

    Each answer bounds it: the server looked at its clock between the question and the answer. The bounds of many
    answers are intersected; when they contradict each other the server's clock was set, and learning starts anew.
    """

    def __init__(self) -> None:
        self._low = -math.inf
        self._high = math.inf
        self._learned = -math.inf

    @property
    def ahead(self) -> float:
        """The best estimate."""
        return (self._low + self._high) / 2

    def vague(self, at: float) -> bool:
        """Whether the server should be asked again: little is known, or it was learned long ago."""
        return self._high - self._low > _VAGUE or at - self._learned > _RECENT

    def learn(self, server: float, asked: float, answered: float) -> None:
        """Take in one answer: server time as an epoch, and the monotonic times around it.

        Bounds widen by 0.2 ms per second, more than clocks drift apart.
        """
        slack = 0.0 if math.isinf(self._learned) else max(0.0, answered - self._learned) * _DRIFT
        low = max(self._low - slack, server - answered)
        high = min(self._high + slack, server - asked)
        if low > high:
            low, high = server - answered, server - asked
        self._low, self._high, self._learned = low, high, answered


def now() -> float:
    """Monotonic seconds; they go on while the process is stopped."""
    return time.monotonic()
