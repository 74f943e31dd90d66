"""What time will do: for each clock, which object is to be looked at when."""

import heapq
import itertools
from dataclasses import dataclass, field


@dataclass
class Agenda:
    """The next moment of each object; the clock None is the account's own time."""

    _heaps: dict[str | None, list[tuple[int, int, str]]] = field(default_factory=dict)
    _due: dict[str, tuple[int, int]] = field(default_factory=dict)
    _turns: "itertools.count[int]" = field(default_factory=itertools.count)

    def put(self, clock: str | None, identifier: str, at: int | None) -> None:
        """From now on this is the object's next moment; None where nothing will happen to it by itself."""
        if at is None:
            self._due.pop(identifier, None)
            return
        before = self._due.get(identifier)
        if before is not None and before[0] == at:
            return
        turn = next(self._turns)
        self._due[identifier] = (at, turn)
        heapq.heappush(self._heaps.setdefault(clock, []), (at, turn, identifier))

    def next(self, clock: str | None) -> int | None:
        """The earliest moment of a clock."""
        heap = self._heaps.get(clock, [])
        while heap:
            at, turn, identifier = heap[0]
            if self._due.get(identifier) == (at, turn):
                return at
            heapq.heappop(heap)
        return None

    def take(self, clock: str | None) -> str:
        """The object of that moment, which then has none until it is put again."""
        _, _, identifier = heapq.heappop(self._heaps[clock])
        del self._due[identifier]
        return identifier

    def clocks(self) -> list[str | None]:
        """All clocks that have anything on them."""
        return list(self._heaps)

    def drop(self, clock: str) -> None:
        """Forget a clock."""
        for _, _, identifier in self._heaps.pop(clock, []):
            self._due.pop(identifier, None)

    def clear(self) -> None:
        """Forget all."""
        self._heaps.clear()
        self._due.clear()
