import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Final, Generic, TypeVar

from kit.errors import TransientError

K = TypeVar("K")
V = TypeVar("V")

AT_MOST: Final = 1000


class _Flight(Generic[K, V]):
    """One question: what it asks for and, once it has landed, what came of it."""

    def __init__(self) -> None:
        self.keys: set[K] = set()
        self.landed = asyncio.Event()
        self.found: Mapping[K, V] = {}
        self.faults: Mapping[K, Exception] = {}


class Flights(Generic[K, V]):
    """Fetches for many with few questions: what is asked for while one is on its way gathers for the next.

    Nobody waits for a lock, and who is cancelled takes nothing from the others. `fetch` leaves out what it does not
    find; when it fails for good, each key is asked for by itself, so that one that is broken breaks no other.
    """

    def __init__(self, fetch: Callable[[Collection[K]], Awaitable[Mapping[K, V]]], at_most: int = AT_MOST) -> None:
        self._fetch, self._at_most = fetch, at_most
        self._flying: _Flight[K, V] | None = None
        self._waiting: deque[_Flight[K, V]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def get(self, wanted: Collection[K]) -> dict[K, V]:
        """What was found of these.

        Raises:
            TransientError: it cannot be fetched now.
        """
        flights = {key: self._booked(key) for key in wanted}
        if self._waiting and self._task is None:
            self._task = asyncio.create_task(self._fly())
        await _landed(flights.values())
        fault = next((each.faults[key] for key, each in flights.items() if key in each.faults), None)
        found = {key: each.found[key] for key, each in flights.items() if key in each.found}
        try:
            if fault is not None:
                raise fault
        finally:
            del fault, flights  # its trace leads here, and would hold on to itself
        return found

    def _booked(self, key: K) -> _Flight[K, V]:
        """The flight that brings this key: one that has it already, else the next with a free seat."""
        if self._flying is not None and key in self._flying.keys:
            return self._flying
        for flight in self._waiting:
            if key in flight.keys or len(flight.keys) < self._at_most:
                flight.keys.add(key)
                return flight
        self._waiting.append(_Flight())
        self._waiting[-1].keys.add(key)
        return self._waiting[-1]

    async def _fly(self) -> None:
        try:
            while self._waiting:
                self._flying = flight = self._waiting.popleft()
                flight.faults = dict.fromkeys(flight.keys, TransientError())  # should we be cancelled
                try:
                    flight.found, flight.faults = await self._brought(flight.keys)
                finally:
                    flight.landed.set()
        finally:
            self._flying = self._task = None

    async def _brought(self, keys: Collection[K]) -> tuple[Mapping[K, V], Mapping[K, Exception]]:
        found, fault = await self._outcome(keys)
        if fault is None or isinstance(fault, TransientError) or len(keys) == 1:
            return found, {} if fault is None else dict.fromkeys(keys, fault)
        singly = {key: await self._outcome({key}) for key in keys}
        return (
            {key: each[key] for key, (each, _) in singly.items() if key in each},
            {key: its_own for key, (_, its_own) in singly.items() if its_own is not None},
        )

    async def _outcome(self, keys: Collection[K]) -> tuple[Mapping[K, V], Exception | None]:
        try:
            return await self._fetch(keys), None
        except Exception as fault:  # noqa: BLE001 - raised where it was asked for
            return {}, fault


async def _landed(flights: Iterable[_Flight[K, V]]) -> None:
    for flight in flights:
        await flight.landed.wait()
