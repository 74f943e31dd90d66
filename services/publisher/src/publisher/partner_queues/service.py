from collections.abc import Callable
from dataclasses import dataclass

from contracts.audit import AuditEntry
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller
from publisher.partner_queues.model import PartnerQueue, QueueState
from publisher.partner_queues.repository import TOPIC, PartnerQueueRepository


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
            before = await queues.lock()
            after = change(before)
            await queues.save(after)
            if after is not before:
                await tx.emit(_line(caller, after))
                tx.stir(TOPIC)
            return await queues.find()


def _line(caller: MemberCaller, queue: PartnerQueue) -> AuditEntry:
    opened = queue.state.settled is QueueState.OPEN
    action = "publisher.partner_queue.opened" if opened else "publisher.partner_queue.closed"
    return audited(action, caller, "organization", queue.organization_id)
