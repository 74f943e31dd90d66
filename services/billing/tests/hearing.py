"""What billing hears, handed to its subscriptions the way the consumer does, without a broker between."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from billing.organizations.model import BillingOrganization
from billing.organizations.repository import OrganizationRepository
from billing.worker import SUBSCRIPTIONS
from contracts import decode
from contracts.auth import MemberAdded, MemberRemoved, OrganizationCreated
from contracts.billing import BillingAuditRecorded, EntitlementsChanged
from contracts.event import Event, encode
from kit.clock import SystemClock
from kit.db.database import Database
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery

NOW = SystemClock().now()


def created(organization_id: UUID) -> OrganizationCreated:
    return OrganizationCreated(organization_id=organization_id, time=NOW, created_by=new_id())


def added(organization_id: UUID, member_id: UUID, version: int = 1) -> MemberAdded:
    return MemberAdded(
        organization_id=organization_id,
        time=NOW,
        version=version,
        member_id=member_id,
        user_id=new_id(),
        role="editor",
    )


def removed(organization_id: UUID, member_id: UUID, version: int = 2) -> MemberRemoved:
    return MemberRemoved(
        organization_id=organization_id, time=NOW, version=version, member_id=member_id, user_id=new_id()
    )


@dataclass(frozen=True, slots=True)
class Ear:
    """Applies events to the projection and reads it."""

    database: Database

    async def hear(self, *events: Event, generation: int = 0) -> None:
        """Let these arrive in this order; neighbours of one type come as one batch."""
        for kind, batch in groupby(events, key=type):
            await self._apply(kind, tuple(batch), generation)

    async def _apply(self, kind: type[Event], events: Sequence[Event], generation: int) -> None:
        subscription = next(each for each in SUBSCRIPTIONS if each.event is kind)
        deliveries = [
            Delivery(tag, encode(event), event.id, event.type, generation, event=event)
            for tag, event in enumerate({event.id: event for event in events}.values())
        ]
        await Applier(self.database, kind.type, kind.type, subscription).apply(deliveries)

    async def organization(self, organization_id: UUID) -> BillingOrganization:
        async with self.database.transaction(organization_id) as tx:
            return await OrganizationRepository(tx).find()

    async def told(self, organization_ids: Iterable[UUID]) -> list[EntitlementsChanged]:
        """What leaves for the other services about these organizations."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch(
                "SELECT body FROM outbox WHERE organization_id = ANY ($1) ORDER BY id", list(organization_ids)
            )
        events = [decode(row["body"]) for row in rows]
        return [event for event in events if isinstance(event, EntitlementsChanged)]

    async def facts(self, organization_id: UUID) -> list[str]:
        """The names of what leaves about an organization, without the lines of the audit trail."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("SELECT body FROM outbox WHERE organization_id = $1 ORDER BY id", organization_id)
        events = [decode(row["body"]) for row in rows]
        return [type(event).__name__ for event in events if not isinstance(event, BillingAuditRecorded)]

    async def audited(self, organization_id: UUID) -> list[BillingAuditRecorded]:
        """The lines of the audit trail of an organization."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("SELECT body FROM outbox WHERE organization_id = $1 ORDER BY id", organization_id)
        events = [decode(row["body"]) for row in rows]
        return [event for event in events if isinstance(event, BillingAuditRecorded)]
