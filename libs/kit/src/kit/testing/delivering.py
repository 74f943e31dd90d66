"""A ledger worked by hand: whatever is due is done when the test says so."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from kit.db.database import Row
from kit.ledger.deliveries import Deliveries
from kit.ledger.ledger import Ledger
from kit.ledger.looking import Looking
from kit.ledger.sweeping import Sweeping
from kit.testing.databases import TestDatabase
from kit.testing.programs import eventually


@dataclass(frozen=True, slots=True)
class Delivering:
    """One service's ledger in a test's own database."""

    place: TestDatabase
    service: str
    ledger: Ledger

    async def work(self, workers: int = 1) -> None:
        """Do what is due: lapsed claims, looks, calls; returns when all of it is recorded."""
        database, kinds = self.ledger.database, self.ledger.kinds
        while await Sweeping(database, kinds).sweep():
            pass
        while await Looking(database, kinds).turn():
            pass
        stop = asyncio.Event()
        running = [asyncio.create_task(self.worker().run(stop)) for _ in range(workers)]
        try:
            await eventually(self._all_left, within=60)
        finally:
            stop.set()
            await asyncio.gather(*running)

    def worker(self) -> Deliveries:
        """What calls, to be run."""
        return Deliveries(self.ledger.database, self.ledger.kinds)

    async def lapse(self) -> None:
        """Let the leases of all calls under way end; they run by the server's own time."""
        await self.ask("UPDATE ledger_entries SET leased_until = now() - interval '1s' WHERE status = 'calling'")

    async def forward(self, **delta: float) -> None:
        """Move the platform's time on by a `timedelta` given in keywords."""
        await self.place.forward(timedelta(**delta).total_seconds())
        await self.ledger.database.clock.synchronise()

    async def ask(self, sql: str, *args: object) -> list[Row]:
        """Ask as nobody may but a test: across all tenants."""
        return await self.place.ask(self.service, sql, *args)

    async def _all_left(self) -> bool:
        return not await self.ask(
            """
            SELECT id FROM ledger_entries
            WHERE status = 'calling' OR (status = 'pending' AND due_at <= kit_now()) LIMIT 1
            """
        )
