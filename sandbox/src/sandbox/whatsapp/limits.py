"""How fast a business number may send: in all, and to one person."""

from collections import deque

KEPT_PAIRS = 200_000


class Throughput:
    """At most so many in any one second; what was refused does not count."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque()

    def take(self, now: float, most: int | None) -> bool:
        """Whether one more may be sent now; if so it counts."""
        if most is None:
            return True
        while self._sent and self._sent[0] <= now - 1.0:
            self._sent.popleft()
        if len(self._sent) >= most:
            return False
        self._sent.append(now)
        return True


class PairRate:
    """To one person one message each so many seconds, and a burst that is borrowed from the time to come."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}

    def take(self, recipient: str, now: float, *, seconds: float | None, burst: int) -> bool:
        """Whether one more may go to this person now; if so it counts."""
        if seconds is None:
            return True
        free_at = max(self._free_at.get(recipient, 0.0), now) + seconds
        if free_at - now > seconds * burst + 1e-6:
            return False
        self._free_at[recipient] = free_at
        if len(self._free_at) > KEPT_PAIRS:
            self._free_at = dict(list(self._free_at.items())[KEPT_PAIRS // 2 :])
        return True
