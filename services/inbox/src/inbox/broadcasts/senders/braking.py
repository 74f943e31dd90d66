"""How fast a number goes: slower as soon as its platform complains, and back by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from inbox.broadcasts.model import CEILINGS, EASED_AFTER, EASED_BY, ONCE_IN, braked
from inbox.broadcasts.senders.repository import SenderRepository, ease
from inbox.channels.model import lane_of, pace_of
from kit.db.database import Database, Row, Transaction
from kit.ledger.ledger import Ledger
from kit.ledger.model import Lane


@dataclass(frozen=True, slots=True)
class Braking:
    """One brake per number, for all that leaves by it: broadcasts and answers share its lane."""

    database: Database
    ledger: Callable[[], Ledger]

    async def on(self, tx: Transaction, channel_id: UUID, codes: Sequence[str]) -> None:
        """Slow down as these codes of the platform ask for; once for what comes together."""
        if braked(1.0, codes) is None:
            return
        senders = SenderRepository(tx)
        row = await senders.lock(channel_id)
        if row is None:
            return
        now = self.database.clock.now()
        if row["braked_at"] is not None and now - row["braked_at"] < ONCE_IN:
            return
        harder = braked(row["brake"], codes)
        if harder is not None:
            await self._go(tx, row, *harder)

    async def judged(self, tx: Transaction, channel_id: UUID, quality: str, daily_limit: int | None) -> None:
        """The platform has told how good a number is, and how many people it may write to in a day."""
        senders = SenderRepository(tx)
        row = await senders.lock(channel_id)
        if row is None:
            return
        await senders.tell(channel_id, quality=quality or None, daily_limit=daily_limit, portfolio=None)
        ceiling = CEILINGS.get(quality, 1.0)
        if quality and row["brake"] > ceiling:
            await self._go(tx, row, ceiling, f"quality-{quality.lower()}")

    async def _go(self, tx: Transaction, row: Row, brake: float, code: str) -> None:
        await SenderRepository(tx).brake(row["id"], brake, code)
        lane = Lane(tx.organization_id, lane_of(row["id"], row["kind"]), pace_of(row["rate"], brake))
        await self.ledger().set_rate(tx, lane)

    async def ease(self) -> bool:
        """Let go of brakes a little, where nothing was wrong for a while; true when something was done."""
        rows = await ease(self.database, EASED_AFTER, EASED_BY)
        for row in rows:
            async with self.database.transaction(row["organization_id"]) as tx:
                lane = Lane(tx.organization_id, lane_of(row["id"], row["kind"]), pace_of(row["rate"], row["brake"]))
                await self.ledger().set_rate(tx, lane)
        return False
