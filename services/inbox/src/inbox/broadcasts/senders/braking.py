"""How fast a number goes: slower as soon as its platform complains, and back by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.inbox import ChannelHealthChanged
from inbox.broadcasts.model import CEILINGS, EASED_AFTER, EASED_BY, ONCE_IN, braked
from inbox.broadcasts.senders.repository import SenderRepository, ease, free_again
from inbox.channels.base import Standing
from inbox.channels.model import Channel, cause_of, lane_of, pace_of
from inbox.channels.repository import ChannelRepository
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
        await senders.stand(channel_id, Standing(quality=quality or None, daily_limit=daily_limit))
        ceiling = CEILINGS.get(quality, 1.0)
        if quality and row["brake"] > ceiling:
            await self._go(tx, row, ceiling, f"quality-{quality.lower()}")

    async def paced(self, tx: Transaction, channel_id: UUID, rate: int) -> None:
        """The platform takes another number of messages per second from now on."""
        senders = SenderRepository(tx)
        row = await senders.lock(channel_id)
        if row is not None:
            await senders.paced(channel_id, rate)
            await self.keep(tx, row, rate)

    async def keep(self, tx: Transaction, row: Row, rate: int) -> None:
        """Let the lane of a channel go at this rate, braked as it is."""
        lane = Lane(tx.organization_id, lane_of(row["id"], row["kind"]), pace_of(rate, row["brake"]))
        await self.ledger().set_rate(tx, lane)

    async def stopped(
        self,
        tx: Transaction,
        rows: Sequence[Row],
        code: str,
        reason: str,
        *,
        all_of_it: bool,
        until: datetime | None = None,
    ) -> None:
        """No broadcast leaves from these channels until they are connected again, or their platform takes it back.

        With `all_of_it` answers wait, too. `until` is when it ends by itself, where the platform says so.
        """
        for row in rows:
            channel = await ChannelRepository(tx).suffer(row["id"], "restricted", code, reason)
            if channel is not None and all_of_it:
                lanes = [lane_of(row["id"], row["kind"])]
                await self.ledger().stop(tx, tx.organization_id, lanes, reason=reason, cause=cause_of(row["id"]))
            if channel is not None:
                await tx.emit(_health(tx, channel))
        await SenderRepository(tx).judge([row["id"] for row in rows], code, reason, until)

    async def resumed(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """What had waited on these channels leaves."""
        for row in rows:
            channel = await ChannelRepository(tx).recover(row["id"], row["health_code"])
            if channel is not None:
                await self.ledger().lift(tx, tx.organization_id, cause_of(row["id"]))
                await tx.emit(_health(tx, channel))

    async def free(self) -> bool:
        """Let channels go on whose platform kept them back until now; true when something was done."""
        rows = await free_again(self.database)
        for row in rows:
            async with self.database.transaction(row["organization_id"]) as tx:
                over = await SenderRepository(tx).free_again(row["id"])
                await self.resumed(tx, [] if over is None else [over])
        return bool(rows)

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


def _health(tx: Transaction, channel: Channel) -> ChannelHealthChanged:
    return ChannelHealthChanged(
        organization_id=tx.organization_id,
        version=channel.version,
        channel_id=channel.id,
        health=channel.health,
        code=channel.health_code,
    )
