from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.auth import MemberAdded, MemberRemoved
from kit.clock import ManualClock, SystemClock
from kit.db.database import Database
from kit.messaging.errors import PublishRefused
from kit.messaging.replay import Progress, Replay
from kit.messaging.subscription import Subscription

from .conftest import ADDED, CREATED, REMOVED, Bus
from .handlers import added, notes, on_member_added, on_member_removed, removed, told
from .test_consumer import consuming, settled

SUBSCRIPTIONS: list[Subscription[Any]] = [
    Subscription(MemberAdded, one=on_member_added),
    Subscription(MemberRemoved, one=on_member_removed),
]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def replay(bus: Bus) -> Replay:
    return Replay(bus.broker, bus.topology, "sample", SUBSCRIPTIONS)


async def test_replayed_events_are_applied_again_under_a_new_generation(bus: Bus, database: Database) -> None:
    organization_id = uuid4()
    events = [added(organization_id=organization_id) for _ in range(600)]
    async with consuming(bus, database, *SUBSCRIPTIONS):
        await bus.broker.publish(told(bus.topology, *events))
        await settled(database, 600)
        seen: list[int] = []

        def report(progress: Progress) -> None:
            seen.append(progress.forwarded)

        done = await replay(bus).run(LONG_AGO, clock=SystemClock(), report=report)
        assert (done.read, done.forwarded, done.unreadable) == (600, 600, 0)
        assert seen[-1] == 600
        await settled(database, 1200)
        await replay(bus).run(LONG_AGO, clock=SystemClock(), generation=done.generation)
        await bus.broker.publish(told(bus.topology, last := added()))
        await settled(database, 1201)
    applied = await notes(database, organization_id, last.organization)
    assert {applied[event.member_id] for event in events} == {(2, "editor")}


async def test_only_the_wanted_events_are_replayed(bus: Bus) -> None:
    """By time, by type and by organization; types nobody here subscribes to never."""
    clock = ManualClock(SystemClock().now())
    early, late, other = added(), added(), added()
    early = early.stamped(time=clock.now() - timedelta(hours=2))
    late = late.stamped(time=clock.now() - timedelta(minutes=1))
    other = other.stamped(time=clock.now() - timedelta(minutes=1))
    gone = removed(late)
    await bus.broker.publish(told(bus.topology, early, late, other, gone))
    await bus.take(bus.queue(ADDED), 3)
    await bus.take(bus.queue(REMOVED))
    hour_ago = clock.now() - timedelta(hours=1)

    done = await replay(bus).run(hour_ago, clock=clock, types=[ADDED])
    assert done.forwarded == 2
    assert {again.message_id for again in await bus.take(bus.queue(ADDED), 2)} == {str(late.id), str(other.id)}
    done = await replay(bus).run(hour_ago, clock=clock, organization_id=late.organization_id)
    assert done.forwarded == 2
    assert [again.message_id for again in await bus.take(bus.queue(REMOVED))] == [str(gone.id)]
    assert [again.message_id for again in await bus.take(bus.queue(ADDED))] == [str(late.id)]
    assert await bus.depth(bus.queue(CREATED)) == 0


async def test_a_replay_reaches_no_other_service(bus: Bus) -> None:
    everyone = {"sample": (ADDED, REMOVED), "another": (ADDED,)}
    await bus.topology.declare(bus.connection, everyone)
    try:
        await bus.broker.publish(told(bus.topology, added()))
        await replay(bus).run(LONG_AGO, clock=SystemClock())
        assert await bus.depth(bus.topology.queue("another", ADDED)) == 1
        assert len(await bus.take(bus.queue(ADDED), 2)) == 2
    finally:
        async with bus.connection.channel() as channel:
            await channel.queue_delete(bus.topology.queue("another", ADDED))


async def test_replaying_an_empty_history_ends_at_once(bus: Bus) -> None:
    assert (await replay(bus).run(LONG_AGO, clock=SystemClock())).forwarded == 0


async def test_a_replay_passes_a_gate_at_the_version_it_stands_at(bus: Bus, database: Database) -> None:
    """After a handler was repaired, the newest fact is applied again and an older one is not."""
    first = added()
    second = added(
        "admin", organization_id=first.organization_id, member_id=first.member_id, version=first.version + 1
    )
    gated = Subscription(MemberAdded, one=on_member_added, gate="member", batch=1)
    async with consuming(bus, database, gated):
        await bus.broker.publish(told(bus.topology, first, second))
        await settled(database, 2)
        await replay(bus).run(LONG_AGO, clock=SystemClock())
        await settled(database, 4)
    assert await notes(database, first.organization) == {first.member_id: (3, "admin")}


async def test_a_replay_into_a_missing_queue_says_so(bus: Bus) -> None:
    await bus.broker.publish(told(bus.topology, added()))
    stranger = Replay(bus.broker, bus.topology, "stranger", SUBSCRIPTIONS)
    with pytest.raises(PublishRefused, match="no queue"):
        await stranger.run(LONG_AGO, clock=SystemClock())


async def test_what_cannot_be_replayed_is_refused_before_anything_is_sent(bus: Bus) -> None:
    clock = ManualClock(SystemClock().now())
    with pytest.raises(ValueError, match="zone"):
        await replay(bus).run(clock.now().replace(tzinfo=None), clock=clock)
    with pytest.raises(ValueError, match="after now"):
        await replay(bus).run(clock.now() + timedelta(hours=1), clock=clock)
    with pytest.raises(ValueError, match="does not subscribe"):
        await replay(bus).run(LONG_AGO, clock=clock, types=[CREATED])
    with pytest.raises(ValueError, match="generation"):
        await replay(bus).run(LONG_AGO, clock=clock, generation=0)
