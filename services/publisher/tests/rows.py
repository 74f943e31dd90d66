"""Partner queues as their rows and the outbox tell of them."""

from dataclasses import dataclass
from uuid import UUID

from contracts import decode
from contracts.audit import AuditEntry
from contracts.event import Event
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.ids import new_id
from publisher.partner_queues.service import PartnerQueueService


def administrator(organization_id: UUID) -> MemberCaller:
    return MemberCaller(new_id(), new_id(), organization_id, "owner", 0)


@dataclass(frozen=True, slots=True)
class Rows:
    """Asks for queues as their administrators do, and reads what became of it."""

    database: Database

    async def open(self, organization_id: UUID) -> str:
        return (await PartnerQueueService(self.database).open(administrator(organization_id))).state

    async def close(self, organization_id: UUID) -> str:
        return (await PartnerQueueService(self.database).close(administrator(organization_id))).state

    async def state(self, organization_id: UUID) -> str:
        return (await PartnerQueueService(self.database).read(administrator(organization_id))).state

    async def told(self, organization_id: UUID) -> list[tuple[str, int]]:
        """The facts that leave about this organization, as name and version."""
        async with self.database.transaction() as tx:
            found = await tx.fetch("SELECT body FROM outbox WHERE organization_id = $1 ORDER BY id", organization_id)
        events: list[Event] = [decode(row["body"]) for row in found]
        return [(type(event).__name__, event.version) for event in events if not isinstance(event, AuditEntry)]
