from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Shelf(Generic[K, V]):
    """Things found by their name, at most so many: the one put there longest ago falls off."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._things: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._things)

    def put(self, key: K, thing: V) -> None:
        """Keep a thing under its name, in place of one that had it."""
        self._things[key] = thing
        while len(self._things) > self._most:
            self._things.popitem(last=False)

    def get(self, key: K) -> V | None:
        """The thing of that name, if it is still there."""
        return self._things.get(key)

    def take(self, key: K) -> V | None:
        """The thing of that name, which is gone from then on."""
        return self._things.pop(key, None)

    def all(self, where: Callable[[V], bool] = lambda _: True) -> list[V]:
        """All that fulfil the condition, in the order in which they came."""
        return [thing for thing in self._things.values() if where(thing)]

    def clear(self) -> None:
        """Forget all."""
        self._things.clear()
