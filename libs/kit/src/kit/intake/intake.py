"""Intake's door: what a service says it takes, and what its processes run for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from starlette.types import ASGIApp

from kit.db.database import Database
from kit.errors import TransientError
from kit.intake.desk import Choice, Desk
from kit.intake.keeping import Watch, purge
from kit.intake.model import Source
from kit.intake.receiving import Door
from kit.intake.reducing import Reducer
from kit.intake.sealing import Sealing
from kit.intake.splitting import Splitter
from kit.intake.storing import Store
from kit.messaging.backoff import Backoff
from kit.process import Loop, either
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

LEASE: Final = 20.0
POLL: Final = 0.2
LONGEST_POLL: Final = 1.0


class Intake:
    """One per process and service; knows the service's sources.

    `asgi` is what an API process mounts, `loops` what a worker runs; they meet in the database only, so receiving
    goes on while no worker runs. `lease` in seconds is how long the work of a worker that died is left alone, `poll`
    how long a worker waits for a hint before it looks; the longer nothing comes, the longer, up to a second.
    """

    def __init__(
        self,
        database: Database,
        sources: Sequence[Source],
        keyring: Sealing,
        *,
        lease: float = LEASE,
        poll: float = POLL,
    ) -> None:
        self._database = database
        self._sources = {source.name: source for source in sources}
        self._sealing = keyring
        self._store = Store(database, keyring)
        self.desk = Desk(database, keyring)
        self._lease = lease
        self._poll = poll

    def asgi(self, source_name: str) -> ASGIApp:
        """The application that receives this source's webhooks."""
        return Door(self._sources[source_name], self._store)

    async def take(self, source_name: str, body: bytes) -> UUID:
        """Store a delivery that a door of the service's own has checked; the id of its row, after the commit.

        Raises:
            IntakeBusy, TransientError: it cannot be stored just now.
        """
        return await self._store.put(self._sources[source_name].name, body)

    def loops(self) -> Sequence[Loop]:
        """What a worker runs, in the order in which they are to end."""
        found = []
        for name, source in self._sources.items():
            splitter = Splitter(self._database, self._sealing, source, lease=self._lease)
            split = partial(self._driven, splitter.step, f"intake:{name}", splitter.register)
            found += [
                Loop(f"intake {name} split", split, grace=10.0),
                Loop(f"intake {name} apply", self._applying(source), grace=10.0),
                Loop(f"intake {name} apply two", self._applying(source), grace=10.0),
            ]
        return [
            *found,
            Loop("intake purge", partial(purge, self._database), every=600),
            Loop("intake measures", partial(metrics.sample, Watch(self._database).gauges()), every=15),
        ]

    async def replay(self, choice: Choice) -> int:
        """Let items be applied again, as when their tenant has become known; returns how many."""
        return await self.desk.replay(choice)

    async def discard(self, choice: Choice) -> int:
        """Give up on quarantined items; returns how many."""
        return await self.desk.discard(choice)

    def _applying(self, source: Source) -> Callable[[asyncio.Event], Awaitable[None]]:
        reducer = Reducer(self._database, self._sealing, source, lease=self._lease)
        return partial(self._driven, reducer.step, f"intake-items:{source.name}", None)

    async def _driven(
        self,
        step: Callable[[], Awaitable[bool]],
        topic: str,
        first: Callable[[], Awaitable[None]] | None,
        stop: asyncio.Event,
    ) -> None:
        """Repeat a step until `stop`: at once while there is more, else at the next hint or an ever slower poll."""
        backoff, idle = Backoff(0.1, 5.0), self._poll
        with self._database.wakeups.waiting(topic) as hint:
            while not stop.is_set():
                hint.clear()
                try:
                    if first is not None:
                        await first()
                        first = None
                    more = await step()
                except TransientError as trouble:
                    log.warning("intake.database_waited_for", topic=topic, error=type(trouble).__name__)
                    await either(stop, within=backoff.next())
                    continue
                backoff.reset()
                if more:
                    idle = self._poll
                else:
                    await either(stop, hint, within=idle)
                    idle = self._poll if hint.is_set() else max(self._poll, min(2 * idle, LONGEST_POLL))
