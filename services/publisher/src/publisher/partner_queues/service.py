from collections.abc import Callable
from dataclasses import dataclass

from kit.db.database import Database
from kit.http.caller import MemberCaller
from publisher.partner_queues.model import PartnerQueue
from publisher.partner_queues.repository import PartnerQueueRepository


@dataclass(frozen=True, slots=True)
class PartnerQueueService:
    """What an organization's administrators ask of their partner queue; the broker is not touched here."""

    database: Database

    async def read(self, caller: MemberCaller) -> PartnerQueue:
        """The queue as it is."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await PartnerQueueRepository(tx).find()

    async def open(self, caller: MemberCaller) -> PartnerQueue:
        """Ask for the queue; asking again changes nothing."""
        return await self._change(caller, PartnerQueue.wanted)

    async def close(self, caller: MemberCaller) -> PartnerQueue:
        """Give the queue up with whatever is in it; giving it up again changes nothing."""
        return await self._change(caller, PartnerQueue.unwanted)

    async def _change(self, caller: MemberCaller, change: Callable[[PartnerQueue], PartnerQueue]) -> PartnerQueue:
        async with self.database.transaction(caller.organization_id) as tx:
            queues = PartnerQueueRepository(tx)
            await queues.save(change(await queues.lock()))
            return await queues.find()
