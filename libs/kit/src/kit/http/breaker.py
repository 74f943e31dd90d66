"""A circuit breaker: a host that fails again and again is left in peace for a while."""

import enum
import time
from collections.abc import Callable


class State(enum.Enum):
    """Closed: calls pass. Open: they do not. Half open: one passes, and decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens after `failures` in a row, for `rest` seconds; each failed probe doubles the rest, up to `longest`.

    Only failures of the other side count. A call that was let through must be reported by exactly one of `succeeded`,
    `failed` and `abandoned`.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        rest: float = 5.0,
        longest: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed, self._first_rest, self._longest = failures, rest, longest
        self._monotonic = monotonic
        self._failures = 0
        self._rest = rest
        self._open_until = 0.0
        self._probing = False
        self.state = State.CLOSED

    def let_through(self) -> float:
        """0 when the call may go; else how many seconds to stay away."""
        if self.state is State.CLOSED:
            return 0.0
        left = self._open_until - self._monotonic()
        if left > 0:
            return left
        if self._probing:
            return self._first_rest
        self.state, self._probing = State.HALF_OPEN, True
        return 0.0

    def succeeded(self) -> None:
        """The other side answered."""
        self.state, self._probing = State.CLOSED, False
        self._failures, self._rest = 0, self._first_rest

    def failed(self) -> None:
        """The other side failed."""
        self._failures += 1
        if self._probing or self._failures >= self._allowed:
            self._open()

    def abandoned(self) -> None:
        """The call ended on our side and says nothing of the other."""
        if self._probing:
            self._probing = False
            self._open_until = self._monotonic()

    def _open(self) -> None:
        if self._probing:
            self._rest = min(self._rest * 2, self._longest)
        self.state, self._probing = State.OPEN, False
        self._open_until = self._monotonic() + self._rest
