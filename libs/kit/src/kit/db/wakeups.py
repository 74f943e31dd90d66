"""Who waits in this process for news of which topic."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

CROWD: Final = "crowd"
"""Told again and again while more people wait for a computation than there are processors for it."""

CROWD_LASTS: Final = 0.4
"""Seconds after which it counts for nothing when it is not told again."""

_LOOK: Final = 0.05


class Wakeups:
    """Sets the events of those who wait; a lost wake-up is harmless, for who waits also polls slowly."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, list[asyncio.Event]] = defaultdict(list)
        self._crowd_until = 0.0

    @contextmanager
    def waiting(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set at every hint of the topic; its owner clears it."""
        event = self.subscribe(topic)
        try:
            yield event
        finally:
            self.unsubscribe(topic, event)

    def subscribe(self, topic: str) -> asyncio.Event:
        """The same, until `unsubscribe`."""
        event = asyncio.Event()
        self._waiting[topic].append(event)
        return event

    def unsubscribe(self, topic: str, event: asyncio.Event) -> None:
        """Take the event off; its owner waits no more."""
        self._waiting[topic].remove(event)

    def wake(self, topic: str) -> None:
        """Something was committed under the topic."""
        if topic == CROWD:
            self._crowd_until = time.monotonic() + CROWD_LASTS
        for event in self._waiting[topic]:
            event.set()

    def wake_all(self) -> None:
        """Hints may have been missed: let everybody look."""
        for topic in tuple(self._waiting):
            self.wake(topic)

    async def give_way(self, at_most: float, stop: asyncio.Event | None = None) -> None:
        """Leave the processor to a crowd, at most so many seconds and not beyond `stop`.

        For what nobody sits and waits for. It is then done for many at once, which is cheaper; and since the time is
        bounded, a crowd that never ends delays it and does not keep it from happening.
        """
        until = time.monotonic() + at_most
        while time.monotonic() < min(until, self._crowd_until) and not (stop and stop.is_set()):  # noqa: ASYNC110 - the end comes by time
            await asyncio.sleep(_LOOK)

    async def work_off(self, topic: str, work: Callable[[], Awaitable[bool]], every: float = 5.0) -> None:
        """Repeat `work` at once while there may be more, else at a hint of the topic or after `every` seconds.

        Runs until cancelled.
        """
        with self.waiting(topic) as hint:
            while True:
                hint.clear()
                if not await work():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(every):
                            await hint.wait()
