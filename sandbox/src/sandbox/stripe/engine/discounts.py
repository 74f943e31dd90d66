"""How long a coupon works: once, for some months, or for ever."""

from dataclasses import dataclass
from typing import Literal

from sandbox.stripe.engine.periods import Interval, boundary

Duration = Literal["once", "repeating", "forever"]


@dataclass(frozen=True, slots=True)
class Term:
    """When a discount began and how long its coupon lasts."""

    duration: Duration
    start: int
    months: int | None = None

    @property
    def end(self) -> int | None:
        """The moment from which it no longer counts, where that is known from the start."""
        if self.duration != "repeating" or self.months is None:
            return None
        return boundary(self.start, Interval("month", self.months), 1)

    def counts(self, at: int, *, used: bool) -> bool:
        """Whether an invoice made at this moment gets it; `used` says whether one has had it before."""
        if self.duration == "once":
            return not used
        return self.end is None or at < self.end
