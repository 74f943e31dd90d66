from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from auth.statistics.model import KEPT, Figures, to_count
from auth.statistics.repository import StatisticsRepository
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

    async def read(self, days: int) -> Sequence[Figures]:
        """The newest days, the newest first."""
        async with self.database.transaction() as tx:
            return await StatisticsRepository(tx).newest(days)
