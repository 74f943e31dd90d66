import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One kept item, its number in the order of arrival, and when it may be read."""

    number: int
    item: T
    weight: int
    visible_at: float


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, newest first, and the cursor of the next older ones."""

    items: list[T]
    next_cursor: str | None


class Ring(Generic[T]):
    """Keeps the newest items, at most so many and so heavy together; the oldest fall out.

    An item added with `visible_after` counts at once but is read only when that many seconds have passed.
    """

    def __init__(self, *, most: int, heaviest: int | None = None) -> None:
        self._most = most
        self._heaviest = heaviest
        self._entries: deque[Entry[T]] = deque()
        self._number = 0
        self._weight = 0

    def add(self, item: T, *, weight: int = 0, visible_after: float = 0.0) -> None:
        """Keep an item; the newest is always kept, however heavy."""
        self._number += 1
        self._weight += weight
        self._entries.append(Entry(self._number, item, weight, time.monotonic() + visible_after))
        while len(self._entries) > 1 and self._is_overfull():
            self._weight -= self._entries.popleft().weight

    def page(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        where: Callable[[T], bool] = lambda _: True,
    ) -> Page[T]:
        """Visible items that fulfil the condition, newest first."""
        found: list[Entry[T]] = []
        for entry in self._older_than(cursor):
            if where(entry.item):
                found.append(entry)
            if len(found) > limit:
                return Page([entry.item for entry in found[:limit]], str(found[limit - 1].number))
        return Page([entry.item for entry in found], None)

    def find(self, where: Callable[[T], bool]) -> T | None:
        """The newest visible item that fulfils the condition."""
        return next((entry.item for entry in self._older_than(None) if where(entry.item)), None)

    def remove(self, where: Callable[[T], bool]) -> None:
        """Forget all items that fulfil the condition, visible or not."""
        self._entries = deque(entry for entry in self._entries if not where(entry.item))
        self._weight = sum(entry.weight for entry in self._entries)

    def clear(self) -> None:
        """Forget all; numbers go on, so an old cursor stays harmless."""
        self._entries.clear()
        self._weight = 0

    def _is_overfull(self) -> bool:
        too_heavy = self._heaviest is not None and self._weight > self._heaviest
        return too_heavy or len(self._entries) > self._most

    def _older_than(self, cursor: str | None) -> Iterator[Entry[T]]:
        now = time.monotonic()
        before = self._number + 1 if cursor is None else int(cursor)
        return (e for e in reversed(self._entries) if e.number < before and e.visible_at <= now)
