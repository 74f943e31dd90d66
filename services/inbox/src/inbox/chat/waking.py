"""What a window waits for: any of several topics, told apart."""

import asyncio
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Self

from kit.db.wakeups import Wakeups
from kit.process import either


class Waking(AbstractContextManager["Waking"]):
    """Topics that one window waits for; more may come while it does."""

    def __init__(self, wakeups: Wakeups, topics: Iterable[str]) -> None:
        self._wakeups = wakeups
        self._events: dict[str, asyncio.Event] = {}
        self.also(topics)

    def also(self, topics: Iterable[str]) -> None:
        """Wait for these, too."""
        for topic in topics:
            if topic not in self._events:
                self._events[topic] = self._wakeups.subscribe(topic)

    def taken(self) -> set[str]:
        """The topics that were told since this was asked last."""
        told = {topic for topic, event in self._events.items() if event.is_set()}
        for topic in told:
            self._events[topic].clear()
        return told

    async def wait(self, within: float) -> None:
        """Until one is told, at most so many seconds."""
        await either(*self._events.values(), within=within)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for topic, event in self._events.items():
            self._wakeups.unsubscribe(topic, event)
