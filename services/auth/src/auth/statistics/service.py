from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from auth.statistics.model import COUNTED_FOR, KEPT, Figures, to_count
from auth.statistics.repository import GenerationRepository, RevenueRepository, StatisticsRepository
from kit.db.database import Database


@dataclass(frozen=True, slots=True)
class StatisticsService:
    """Counts the platform's numbers every quarter of an hour; whoever reads them reads rows and counts nothing."""

    database: Database
    idle: timedelta

    async def count(self) -> None:
        """Count today anew, and yesterday while its last minutes may still arrive."""
        async with self.database.transaction() as tx:
            statistics = StatisticsRepository(tx)
            for day in to_count(await statistics.now()):
                await statistics.count(day, self.idle)
            await statistics.purge(KEPT)
            await RevenueRepository(tx).purge(KEPT, COUNTED_FOR)
            await GenerationRepository(tx).purge(KEPT)

    async def read(self, days: int) -> Sequence[Figures]:
        """The newest days, the newest first, with their money and what was generated."""
        async with self.database.snapshot() as tx:
            found = await StatisticsRepository(tx).newest(days)
            seen = [each.day for each in found]
            revenue, made = await RevenueRepository(tx).of(seen), await GenerationRepository(tx).of(seen)
        return [
            replace(each, revenue=revenue.get(each.day, ()), generations=made.get(each.day, ())) for each in found
        ]
