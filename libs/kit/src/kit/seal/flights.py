import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
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
        found: dict[K, V] = {}
        for key, flight in flights.items():
            await flight.landed.wait()
            if key in flight.faults:
                raise flight.faults[key]
            if key in flight.found:
                found[key] = flight.found[key]
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
                self._flying = self._waiting.popleft()
                try:
                    await self._bring(self._flying)
                finally:
                    self._flying.landed.set()
        finally:
            self._flying = self._task = None

    async def _bring(self, flight: _Flight[K, V]) -> None:
        flight.faults = dict.fromkeys(flight.keys, TransientError())  # until we know better
        try:
            flight.found = await self._fetch(flight.keys)
            flight.faults = {}
        except TransientError as trouble:
            flight.faults = dict.fromkeys(flight.keys, trouble)
        except Exception as fault:  # noqa: BLE001 - raised where it is asked for
            await self._bring_singly(flight, fault)

    async def _bring_singly(self, flight: _Flight[K, V], fault: Exception) -> None:
        if len(flight.keys) == 1:
            flight.faults = dict.fromkeys(flight.keys, fault)
            return
        found: dict[K, V] = {}
        faults: dict[K, Exception] = {}
        for key in flight.keys:
            try:
                found |= await self._fetch({key})
            except Exception as its_own:  # noqa: BLE001 - raised where it is asked for
                faults[key] = its_own
        flight.found, flight.faults = found, faults
