"""Handlers of a made-up service: each counts in `notes.version` how often it was applied to a member."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from contracts.auth import MemberAdded, MemberRemoved, MemberRoleChanged
from contracts.event import Event, encode
from kit.clock import SystemClock
from kit.db.database import Database, Transaction
from kit.messaging import history
from kit.messaging.topology import Topology
from kit.messaging.wire import Message

COUNT_ONE = """
    INSERT INTO notes (id, organization_id, text) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET version = notes.version + 1, text = excluded.text
"""
COUNT_MANY = """
    INSERT INTO notes (id, organization_id, text)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]) ORDER BY 1
    ON CONFLICT (id) DO UPDATE SET version = notes.version + 1, text = excluded.text
"""


async def on_member_added(event: MemberAdded, tx: Transaction) -> None:
    await tx.execute(COUNT_ONE, event.member_id, tx.organization_id, event.role)


async def on_members_added(events: Sequence[MemberAdded], tx: Transaction) -> None:
    await tx.execute(
        COUNT_MANY,
        [event.member_id for event in events],
        [event.organization for event in events],
        [event.role for event in events],
    )


async def on_member_role_changed(event: MemberRoleChanged, tx: Transaction) -> None:
    await tx.execute(COUNT_ONE, event.member_id, tx.organization_id, event.role)


async def on_member_removed(event: MemberRemoved, tx: Transaction) -> None:
    await tx.execute(COUNT_ONE, event.member_id, tx.organization_id, "removed")


def added(
    role: str = "editor", *, organization_id: UUID | None = None, member_id: UUID | None = None, version: int = 1
) -> MemberAdded:
    return MemberAdded(
        time=SystemClock().now(),
        organization_id=organization_id or uuid4(),
        member_id=member_id or uuid4(),
        user_id=uuid4(),
        role=role,
        version=version,
    )


def removed(after: MemberAdded) -> MemberRemoved:
    return MemberRemoved(
        time=SystemClock().now(),
        organization_id=after.organization_id,
        member_id=after.member_id,
        user_id=after.user_id,
        version=after.version + 1,
    )


def message(topology: Topology, event: Event) -> Message:
    """The event as the relay would send it."""
    return Message(topology.events, event.type, encode(event), str(event.id), event.type)


def told(topology: Topology, *events: Event) -> list[Message]:
    """All that the relay would send of these events, with their entry of the history."""
    messages = [message(topology, event) for event in events]
    return [*messages, *history.entries(topology, [each.body for each in messages])]


async def notes(database: Database, *organization_ids: UUID) -> dict[UUID, tuple[int, str]]:
    """Per member: how often it was applied, and the last role."""
    async with database.transaction(*organization_ids) as tx:
        return {row["id"]: (row["version"], row["text"]) for row in await tx.fetch("SELECT * FROM notes")}
