from collections import Counter
from datetime import UTC, date, datetime

from sandbox.linkedin import errors
from sandbox.linkedin.world import App
from sandbox.pulse import Pulse


class Quota:
    """The calls of the day, which ends at midnight UTC; those refused count too."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._calls: Counter[tuple[str, str]] = Counter()
        self.pulses: dict[str, Pulse] = {}

    def count(self, app: App, method: str, person_id: str, *, writes: bool) -> None:
        """Count a call; refused when the application has had its calls, or has had them for this member."""
        today = datetime.now(UTC).date()
        if today != self._day:
            self._day = today
            self._calls.clear()
        self.pulses.setdefault(method, Pulse()).beat()
        self._calls[method, ""] += 1
        self._calls[method, person_id] += 1
        if app.calls_per_day is not None and self._calls[method, ""] > app.calls_per_day:
            raise errors.throttled("APPLICATION")
        if (
            writes
            and app.member_calls_per_day is not None
            and self._calls[method, person_id] > app.member_calls_per_day
        ):
            raise errors.throttled("APPLICATION_AND_MEMBER")

    def clear(self) -> None:
        """A new day."""
        self._calls.clear()
        self.pulses.clear()
