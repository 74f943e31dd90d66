"""Messages in parts while they leave: a part goes when the one before is settled; the whole follows its parts."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from inbox.channels.base import Platforms
from inbox.channels.model import lane_of
from inbox.channels.repository import ChannelRepository
from inbox.messages.model import Status
from inbox.messages.partial.repository import PartRepository
from inbox.messages.parts import Stands, standing_of_whole
from inbox.messages.repository import MessageRepository
from inbox.messages.standing import stand
from kit.db.database import Row, Transaction
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane

SEND = "inbox.send"


async def follow(tx: Transaction, whole_ids: Collection[UUID], at: datetime) -> None:
    """Let these wholes stand as their parts do, and tell where that is news."""
    for whole_id in sorted(whole_ids):
        standing = await MessageRepository(tx).lock_standing(whole_id)
        if standing is None:
            continue
        parts = [_stands(row) for row in await PartRepository(tx).current(whole_id)]
        if not parts:
            continue
        now = standing_of_whole(parts)
        if now.status is not standing.status:
            await stand(tx, standing, now.status, at, code=now.code, reason=now.reason)


def _stands(row: Row) -> Stands:
    return Stands(Status(row["status"]), row["failure_code"], row["failure_reason"])


@dataclass(frozen=True, slots=True)
class Going:
    """What becomes of the parts behind one that has come to something."""

    platforms: Platforms
    ledger: Callable[[], Ledger]

    async def on(self, tx: Transaction, part_ids: Collection[UUID], at: datetime) -> dict[UUID, int]:
        """Let the next parts leave, or fail with the one before; what these have used of the plan, which is nothing.

        Of a part that the platform does not accept as it is, the others may still leave. Whatever else was refused
        would be for them, too.
        """
        used: dict[UUID, int] = {}
        wholes: set[UUID] = set()
        for row in await PartRepository(tx).of(part_ids):
            wholes.add(row["whole_id"])
            behind = await PartRepository(tx).queued_behind(row["whole_id"], row["part_number"])
            if not behind or row["status"] == Status.QUEUED:
                continue
            channel = await ChannelRepository(tx).find(row["channel_id"])
            if row["status"] == Status.FAILED and not self._others_may(channel.kind, row["failure_code"]):
                used |= await self._fail(tx, behind, row, at)
                continue
            lane = Lane(tx.organization_id, lane_of(channel.id, channel.kind), channel.pace)
            await self.ledger().add(tx, Effect(SEND, lane, behind[0]["id"]))
        await follow(tx, wholes, at)
        return used

    def _others_may(self, kind: str, code: str) -> bool:
        platform = self.platforms.get(kind)
        return platform is not None and platform.errors.told(code).sort == "our_bug"

    async def _fail(self, tx: Transaction, behind: Collection[Row], before: Row, at: datetime) -> dict[UUID, int]:
        reason = f"It was not tried, because an earlier part failed: {before['failure_reason']}"
        for row in behind:
            standing = await MessageRepository(tx).lock_standing(row["id"])
            if standing is not None and standing.status is Status.QUEUED:
                await stand(tx, replace(standing), Status.FAILED, at, code=before["failure_code"], reason=reason)
        return dict.fromkeys((row["id"] for row in behind), 0)
