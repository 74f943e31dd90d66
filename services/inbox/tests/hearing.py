"""What the inbox hears of members, handed to its subscriptions as the consumer does, without a broker between."""

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from contracts.auth import MemberAdded, MemberRemoved, MemberRoleChanged
from contracts.event import Event, encode
from inbox.worker import SUBSCRIPTIONS
from kit.clock import SystemClock
from kit.db.database import Database
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery

NOW = SystemClock().now()


def added(organization_id: UUID, role: str = "agent", *, user_id: UUID | None = None) -> MemberAdded:
    return MemberAdded(
        organization_id=organization_id, time=NOW, member_id=new_id(), user_id=user_id or new_id(), role=role
    )


def changed(member: MemberAdded, role: str, version: int = 2) -> MemberRoleChanged:
    return MemberRoleChanged(
        organization_id=member.organization_id,
        time=NOW,
        version=version,
        member_id=member.member_id,
        user_id=member.user_id,
        role=role,
    )


def removed(member: MemberAdded, version: int = 2) -> MemberRemoved:
    return MemberRemoved(
        organization_id=member.organization_id,
        time=NOW,
        version=version,
        member_id=member.member_id,
        user_id=member.user_id,
    )


async def hear(database: Database, *events: Event, generation: int = 0) -> None:
    """Let these arrive in this order; neighbours of one type come as one batch."""
    for kind, batch in groupby(events, key=type):
        await _apply(database, kind, tuple(batch), generation)


async def _apply(database: Database, kind: type[Event], events: Sequence[Event], generation: int) -> None:
    subscription = next(each for each in SUBSCRIPTIONS if each.event is kind)
    deliveries = [
        Delivery(tag, encode(event), event.id, event.type, generation, event=event)
        for tag, event in enumerate({event.id: event for event in events}.values())
    ]
    await Applier(database, kind.type, kind.type, subscription).apply(deliveries)
