from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from inbox.broadcasts.senders.braking import Braking
from inbox.broadcasts.senders.repository import SenderRepository
from inbox.broadcasts.senders.schemas import PaceOut, SetPace
from inbox.channels.errors import ChannelNotFound
from inbox.channels.model import pace_of
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition

DAY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PaceService:
    """What paces a number, as people see and set it; what its platform tells later overrules them."""

    database: Database
    braking: Braking

    async def read(self, caller: MemberCaller, channel_id: UUID) -> PaceOut:
        """How fast it may go, and how many people it may still write to first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await _shown(tx, channel_id)

    async def set(self, caller: MemberCaller, channel_id: UUID, wanted: SetPace, expected: Condition) -> PaceOut:
        """Say how fast it may go; the limit is that of all numbers of its portfolio.

        Raises:
            ChannelNotFound: there is none that is connected.
            Changed: it is not as the caller saw it.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            senders = SenderRepository(tx)
            row = await senders.lock(channel_id)
            if row is None or row["state"] != "connected":
                raise ChannelNotFound
            expected.check(row["version"])
            await senders.settle(channel_id, wanted.rate, coexists=wanted.coexists, portfolio=wanted.portfolio)
            await senders.limit(channel_id, wanted.daily_limit or 0)
            await self.braking.keep(tx, row, wanted.rate)
            await tx.emit(
                audited(
                    "inbox.channel.paced",
                    caller,
                    "channel",
                    channel_id,
                    rate=wanted.rate,
                    daily_limit=wanted.daily_limit or 0,
                )
            )
            return await _shown(tx, channel_id)


async def _shown(tx: Transaction, channel_id: UUID) -> PaceOut:
    senders = SenderRepository(tx)
    row = await senders.find(channel_id)
    if row is None:
        raise ChannelNotFound
    used, _ = await senders.used(row["portfolio"], DAY)
    limit = row["daily_limit"]
    told = {name: row[name] for name in PaceOut.model_fields if name in row}
    return PaceOut(
        **told,
        pace=pace_of(row["rate"], row["brake"]),
        used=used,
        left=None if limit is None else max(0, limit - used),
    )
