"""Waiting longer after each failure, with jitter so that many do not come back at once."""

import random

_STEADY = 5.0


class Backoff:
    """Doubles from `first` to `longest` seconds until it is reset."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._delay = first

    def next(self) -> float:
        """How long to wait now."""
        delay, self._delay = self._delay, min(self._longest, self._delay * 2)
        return delay * random.uniform(0.5, 1.0)

    def after(self, ran: float) -> float:
        """How long to wait after something that ran so many seconds before it failed; a steady run starts anew."""
        if ran > _STEADY:
            self.reset()
        return self.next()

    def reset(self) -> None:
        """It worked: start small again."""
        self._delay = self._first
