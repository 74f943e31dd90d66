"""Simultaneous misses of one answer ask its service once: one request leads, the others wait for what it brings."""

import asyncio
from enum import Enum
from typing import Final

from gateway.cache.entries import Entry
from gateway.cache.generations import Stamp

WAITS_WITHIN: Final = 5.0
MOST_WAITING: Final = 500


class Without(Enum):
    """Why a flight brought nothing."""

    NOT_KEPT = "the answer is nobody's but the leader's"
    FAILED = "the leader got no answer"


class Flight:
    """One request to a service that others wait for."""

    __slots__ = ("_ended", "waiting")

    def __init__(self) -> None:
        self._ended: asyncio.Future[Entry | Without] = asyncio.get_running_loop().create_future()
        self.waiting = 0

    def end(self, brought: Entry | Without) -> None:
        """Tell those who wait; the first word counts."""
        if not self._ended.done():
            self._ended.set_result(brought)

    async def wait(self) -> Entry | Without:
        """What the leader brings; who has waited too long goes alone."""
        self.waiting += 1
        try:
            async with asyncio.timeout(WAITS_WITHIN):
                return await asyncio.shield(self._ended)
        except TimeoutError:
            return Without.NOT_KEPT
        finally:
            self.waiting -= 1


class Flights:
    """The flights of a process. An answer is waited for only under the generations that the waiting request saw."""

    def __init__(self) -> None:
        self._flights: dict[tuple[str, Stamp], Flight] = {}

    def lead(self, key: str, stamp: Stamp) -> Flight | None:
        """A new flight, unless there is one already."""
        if (key, stamp) in self._flights:
            return None
        flight = self._flights[key, stamp] = Flight()
        return flight

    async def follow(self, key: str, stamp: Stamp) -> Entry | Without:
        """Wait for the flight that there is, unless too many do."""
        flight = self._flights[key, stamp]
        if flight.waiting >= MOST_WAITING:
            return Without.NOT_KEPT
        return await flight.wait()

    def land(self, key: str, stamp: Stamp, flight: Flight) -> None:
        """The flight is over; whoever still waits got nothing."""
        self._flights.pop((key, stamp), None)
        flight.end(Without.FAILED)
