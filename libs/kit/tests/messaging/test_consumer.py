import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from contracts.auth import MemberAdded, MemberRemoved, OrganizationCreated
from contracts.event import encode
from kit.clock import SystemClock
from kit.db.database import Database, Row, Transaction
from kit.errors import Conflict, TransientError
from kit.messaging import measures, processed
from kit.messaging.consumer import Consumer
from kit.messaging.subscription import Subscription
from kit.messaging.wire import Message
from kit.telemetry import tracing

from .conftest import ADDED, CREATED, REMOVED, Bus, running, until
from .handlers import (
    added,
    message,
    notes,
    on_member_added,
    on_member_removed,
    on_members_added,
    removed,
)

ONE = Subscription(MemberAdded, one=on_member_added)
MANY = Subscription(MemberAdded, many=on_members_added)
FORMS = pytest.mark.parametrize("subscription", [ONE, MANY], ids=["one", "many"])


@asynccontextmanager
async def consuming(
    bus: Bus, database: Database, *subscriptions: Subscription[Any], sample_every: float = 5
) -> AsyncIterator[Consumer]:
    consumer = Consumer(database, bus.broker, bus.topology, "sample", subscriptions, sample_every=sample_every)
    async with running(consumer.run):
        await until(lambda: asyncio.sleep(0, consumer.consuming))
        yield consumer


async def letters(database: Database) -> list[Row]:
    async with database.transaction() as tx:
        return await tx.fetch("SELECT * FROM dead_letters ORDER BY id")


async def settled(database: Database, count: int, *, within: float = 30) -> None:
    """Wait until so many messages are marked as processed or dead."""

    async def done() -> bool:
        async with database.transaction() as tx:
            marked = await tx.fetchval(
                "SELECT (SELECT count(*) FROM processed_messages) + (SELECT count(*) FROM dead_letters)"
            )
        return bool(marked >= count)

    await until(done, within=within)


async def test_each_message_is_applied_once_and_its_queue_is_empty(bus: Bus, database: Database) -> None:
    organizations = [uuid4(), uuid4()]
    events = [added(organization_id=organizations[n % 2]) for n in range(500)]
    async with consuming(bus, database, MANY):
        await bus.broker.publish([message(bus.topology, event) for event in events])
        await settled(database, 500)
    applied = await notes(database, *organizations)
    assert len(applied) == 500
    assert set(applied.values()) == {(1, "editor")}
    assert await bus.depth(bus.queue(ADDED)) == 0


@FORMS
async def test_the_same_message_twice_is_applied_once(
    bus: Bus, database: Database, subscription: Subscription[Any]
) -> None:
    """Twice in one batch, and again later."""
    event, last = added(), added()
    organizations = [event.organization, last.organization]
    async with consuming(bus, database, subscription):
        await bus.broker.publish([message(bus.topology, event)] * 2)
        await settled(database, 1)
        await bus.broker.publish([message(bus.topology, event), message(bus.topology, last)])
        await settled(database, 2)
    assert await notes(database, *organizations) == {event.member_id: (1, "editor"), last.member_id: (1, "editor")}


@FORMS
async def test_older_after_newer_is_ignored_across_the_types_of_a_gate(
    bus: Bus, database: Database, subscription: Subscription[Any]
) -> None:
    """The removal (version 2) arrives before the addition (version 1): the member stays removed."""
    event = added()
    gated = Subscription(MemberAdded, one=subscription.one, many=subscription.many, gate="member")
    async with consuming(bus, database, gated, Subscription(MemberRemoved, one=on_member_removed, gate="member")):
        await bus.broker.publish([message(bus.topology, removed(event))])
        await settled(database, 1)
        await bus.broker.publish([message(bus.topology, event)])
        await settled(database, 2)
    assert await notes(database, event.organization) == {event.member_id: (1, "removed")}


@FORMS
async def test_of_one_batch_only_the_newest_of_a_subject_passes_the_gate(
    bus: Bus, database: Database, subscription: Subscription[Any]
) -> None:
    organization_id, member_id = uuid4(), uuid4()
    versions = [added(f"role{n}", organization_id=organization_id, member_id=member_id, version=n) for n in (2, 3, 1)]
    await bus.broker.publish([message(bus.topology, event) for event in versions])
    gated = Subscription(MemberAdded, one=subscription.one, many=subscription.many, gate="member")
    async with consuming(bus, database, gated):
        await settled(database, 3)
    _, role = (await notes(database, organization_id))[member_id]
    assert role == "role3"


async def refuse_the_bad(events: Sequence[MemberAdded], tx: Transaction) -> None:
    if any(event.role == "bad" for event in events):
        raise Conflict("This one is bad.")
    await on_members_added(events, tx)


async def refuse_the_bad_one(event: MemberAdded, tx: Transaction) -> None:
    await refuse_the_bad([event], tx)


@pytest.mark.parametrize(
    "subscription",
    [Subscription(MemberAdded, one=refuse_the_bad_one), Subscription(MemberAdded, many=refuse_the_bad)],
)
async def test_one_failing_message_does_not_stop_the_others_of_its_batch(
    bus: Bus, database: Database, subscription: Subscription[Any]
) -> None:
    organization_id = uuid4()
    events = [added("bad" if n == 37 else "editor", organization_id=organization_id) for n in range(100)]
    await bus.broker.publish([message(bus.topology, event) for event in events])
    async with consuming(bus, database, subscription):
        await settled(database, 100)
    applied = await notes(database, organization_id)
    assert len(applied) == 99
    assert set(applied.values()) == {(1, "editor")}
    (dead,) = await letters(database)
    assert (dead["message_id"], dead["reason"], dead["attempts"]) == (events[37].id, "refused", 1)
    assert dead["body"] == encode(events[37])
    assert (dead["type"], dead["organization_id"]) == (ADDED, organization_id)
    assert "This one is bad" in dead["error"]


async def test_a_passing_trouble_is_tried_again_until_it_passes(bus: Bus, database: Database) -> None:
    attempts = 0

    async def fail_twice(event: MemberAdded, tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise TransientError("not yet", retry_after=0)
        await on_member_added(event, tx)

    event = added()
    async with consuming(bus, database, Subscription(MemberAdded, one=fail_twice)):
        await bus.broker.publish([message(bus.topology, event)])
        await settled(database, 1)
    assert attempts == 3
    assert await notes(database, event.organization) == {event.member_id: (1, "editor")}
    assert await letters(database) == []


@pytest.mark.parametrize(
    ("trouble", "reason"), [(TransientError("never", retry_after=0), "exhausted"), (KeyError("a bug"), "bug")]
)
async def test_at_the_end_of_the_ladder_a_message_becomes_a_dead_letter(
    bus: Bus, database: Database, trouble: Exception, reason: str
) -> None:
    attempts = 0

    async def fail(_event: MemberAdded, _tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        raise trouble

    event = added()
    async with consuming(bus, database, Subscription(MemberAdded, one=fail)):
        await bus.broker.publish([message(bus.topology, event)])
        await settled(database, 1)
    (dead,) = await letters(database)
    assert (dead["reason"], dead["attempts"], attempts) == (reason, 3, 3)
    assert dead["first_failed_at"] < dead["dead_at"]


async def test_a_dead_letter_repeats_no_value_that_the_database_did_not_like(bus: Bus, database: Database) -> None:
    raising = "RAISE unique_violation USING MESSAGE = 'no two ada@example.com', DETAIL = 'Key (name)=(Lovelace)'"

    async def fail(_event: MemberAdded, tx: Transaction) -> None:
        await tx.execute(f"DO $$ BEGIN {raising}; END $$")

    async with consuming(bus, database, Subscription(MemberAdded, one=fail)):
        await bus.broker.publish([message(bus.topology, added())])
        await settled(database, 1)
    (dead,) = await letters(database)
    assert dead["error"].startswith("UniqueViolationError: no two")
    assert "ada@" not in dead["error"]
    assert "Lovelace" not in dead["error"]


@pytest.mark.parametrize(
    ("sql", "within"),
    [("DO $$ BEGIN RAISE EXCEPTION 'as if' USING ERRCODE = '40P01'; END $$", 30), ("SELECT pg_sleep(25)", 3)],
    ids=["deadlock", "time-out"],
)
async def test_a_deadlock_and_a_time_out_are_passing_troubles(
    bus: Bus, database: Database, sql: str, within: float
) -> None:
    failing = [True]

    async def fail_once(event: MemberAdded, tx: Transaction) -> None:
        if failing:
            failing.clear()
            await tx.execute(sql)
        await on_member_added(event, tx)

    event = added()
    async with consuming(bus, database, Subscription(MemberAdded, one=fail_once, within=within)):
        await bus.broker.publish([message(bus.topology, event)])
        await settled(database, 1)
    assert await notes(database, event.organization) == {event.member_id: (1, "editor")}


async def test_a_bug_is_logged_with_its_trace_and_every_outcome_is_counted(bus: Bus, database: Database) -> None:
    def counted(outcome: str) -> float:
        return float(measures.MESSAGES.labels(f"sample/{ADDED}", outcome)._value.get())

    async def buggy(event: MemberAdded, tx: Transaction) -> None:
        if event.role == "buggy":
            raise KeyError("no such key")
        await on_member_added(event, tx)

    before = {outcome: counted(outcome) for outcome in ("applied", "duplicate", "retried", "dead")}
    good, bad = added(), added("buggy")
    with capture_logs() as logs:
        async with consuming(bus, database, Subscription(MemberAdded, one=buggy)):
            await bus.broker.publish([message(bus.topology, each) for each in (good, bad, good)])
            await settled(database, 2)
    failures = [entry for entry in logs if entry["event"] == "message.failed"]
    assert [entry["attempt"] for entry in failures] == [1, 2, 3]
    assert all(isinstance(entry["exc_info"], KeyError) for entry in failures)
    assert {outcome: counted(outcome) - was for outcome, was in before.items()} == {
        "applied": 1,
        "duplicate": 1,
        "retried": 2,
        "dead": 1,
    }


async def test_what_one_organization_is_told_is_handled_in_order_beside_the_others(
    bus: Bus, database: Database
) -> None:
    """So many organizations that it does not happen that all of them fall into one part."""
    organizations = [uuid4() for _ in range(30)]
    events = [added(f"r{n}", organization_id=each) for n in range(5) for each in organizations]
    abreast = asyncio.Event()
    seen: dict[UUID, list[str]] = {each: [] for each in organizations}
    at_work: list[UUID] = []
    most = 0

    async def handle(event: MemberAdded, tx: Transaction) -> None:
        nonlocal most
        assert event.organization not in at_work
        at_work.append(event.organization)
        most = max(most, len(at_work))
        if most > 1:
            abreast.set()
        await abreast.wait()
        seen[event.organization].append(event.role)
        await on_member_added(event, tx)
        at_work.remove(event.organization)

    await bus.broker.publish([message(bus.topology, event) for event in events])
    async with consuming(bus, database, Subscription(MemberAdded, one=handle, abreast=5)):
        await settled(database, len(events))
    assert list(seen.values()) == [[f"r{n}" for n in range(5)]] * 30
    assert 2 <= most <= 3  # half of the pool


async def test_a_part_that_fails_leaves_the_others_committed(bus: Bus, database: Database) -> None:
    events = [added("bad" if n == 7 else "editor") for n in range(40)]
    await bus.broker.publish([message(bus.topology, event) for event in events])
    async with consuming(bus, database, Subscription(MemberAdded, one=refuse_the_bad_one)):
        await settled(database, 40)
    assert [letter["message_id"] for letter in await letters(database)] == [events[7].id]
    applied = await notes(database, *(event.organization for event in events))
    assert set(applied) == {event.member_id for event in events} - {events[7].member_id}


async def test_two_workers_share_a_queue(bus: Bus, database: Database) -> None:
    organization_id = uuid4()
    events = [added(organization_id=organization_id) for _ in range(600)]
    async with consuming(bus, database, MANY), consuming(bus, database, MANY):
        await bus.broker.publish([message(bus.topology, event) for event in events])
        await settled(database, 600)
    applied = await notes(database, organization_id)
    assert len(applied) == 600
    assert set(applied.values()) == {(1, "editor")}


async def test_an_asked_for_delay_longer_than_the_ladder_is_honoured(bus: Bus, database: Database) -> None:
    times: list[float] = []

    async def ask_for_time(_event: MemberAdded, _tx: Transaction) -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) == 1:
            raise TransientError("later", retry_after=0.6)

    async with consuming(bus, database, Subscription(MemberAdded, one=ask_for_time)):
        await bus.broker.publish([message(bus.topology, added())])
        await settled(database, 1)
    assert len(times) == 2
    assert times[1] - times[0] >= 0.5


@pytest.mark.parametrize("body", [b"", b"{", b'{"specversion": "1.0"}', b"\xff" * 100])
async def test_what_cannot_be_decoded_is_dead_at_once(bus: Bus, database: Database, body: bytes) -> None:
    event = added()
    async with consuming(bus, database, ONE):
        await bus.broker.publish([Message(bus.topology.events, ADDED, body), message(bus.topology, event)])
        await settled(database, 2)
    (dead,) = await letters(database)
    assert (dead["reason"], dead["body"]) == ("undecodable", body)


async def test_an_event_of_another_type_in_the_queue_is_dead_at_once(bus: Bus, database: Database) -> None:
    stray = OrganizationCreated(time=SystemClock().now(), organization_id=uuid4(), created_by=uuid4())
    async with consuming(bus, database, ONE):
        await bus.broker.publish([Message("", bus.queue(ADDED), encode(stray), str(stray.id), stray.type)])
        await settled(database, 1)
    assert [(dead["reason"], dead["type"]) for dead in await letters(database)] == [("undecodable", CREATED)]


@FORMS
async def test_a_handler_sees_the_rows_of_its_events_organizations_only(
    bus: Bus, database: Database, subscription: Subscription[Any]
) -> None:
    """A handler that forgets the WHERE: row-level security still keeps the third tenant's row from it."""
    mine, other, third = uuid4(), uuid4(), uuid4()
    stranger = uuid4()
    async with database.transaction(third) as tx:
        await tx.execute("INSERT INTO notes (id, organization_id) VALUES ($1, $2)", stranger, third)
    seen: list[set[UUID]] = []

    async def look(tx: Transaction) -> None:
        seen.append({row["organization_id"] for row in await tx.fetch("SELECT organization_id FROM notes")})

    async def one(event: MemberAdded, tx: Transaction) -> None:
        await on_member_added(event, tx)
        await look(tx)

    async def many(events: Sequence[MemberAdded], tx: Transaction) -> None:
        await on_members_added(events, tx)
        await look(tx)

    looking = Subscription(MemberAdded, one=one) if subscription.one else Subscription(MemberAdded, many=many)
    await bus.broker.publish([message(bus.topology, added(organization_id=each)) for each in (mine, other, mine)])
    async with consuming(bus, database, looking):
        await settled(database, 3)
    if subscription.one:
        assert sorted(seen, key=str) == sorted([{mine}, {other}, {mine}], key=str)
    else:
        assert set.union(*seen) <= {mine, other}


async def test_a_handler_cannot_write_into_another_organization(bus: Bus, database: Database) -> None:
    other = uuid4()

    async def stray(event: MemberAdded, tx: Transaction) -> None:
        await tx.execute("INSERT INTO notes (id, organization_id) VALUES ($1, $2)", event.member_id, other)

    async with consuming(bus, database, Subscription(MemberAdded, one=stray)):
        await bus.broker.publish([message(bus.topology, added())])
        await settled(database, 1)
    assert await notes(database, other) == {}
    assert [dead["reason"] for dead in await letters(database)] == ["bug"]


async def test_what_a_handler_emits_leaves_with_its_commit_in_the_same_trace(bus: Bus, database: Database) -> None:
    trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    seen: list[str] = []

    async def emit(event: MemberAdded, tx: Transaction) -> None:
        seen.append(tracing.current_traceparent() or "")
        await tx.emit(removed(event))

    event = added().stamped(time=SystemClock().now(), traceparent=trace)
    async with consuming(bus, database, Subscription(MemberAdded, one=emit)):
        await bus.broker.publish([message(bus.topology, event)])
        await settled(database, 1)
    assert seen[0].startswith("00-" + "ab" * 16)
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT type, organization_id, body FROM outbox")
    assert row is not None
    assert (row["type"], row["organization_id"]) == (REMOVED, event.organization_id)
    assert b"ab" * 16 in row["body"]


async def test_processed_messages_are_forgotten_after_their_time(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO processed_messages (queue, message_id, processed_at)
            SELECT 'q', gen_random_uuid(), kit_now() - make_interval(days => n) FROM generate_series(1, 20) AS n
            """
        )
    assert await processed.purge(database, batch=4)
    assert not await processed.purge(database, batch=4)
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM processed_messages") == 13


def test_a_subscription_has_exactly_one_handler() -> None:
    with pytest.raises(ValueError, match="either"):
        Subscription(MemberAdded)
    with pytest.raises(ValueError, match="either"):
        Subscription(MemberAdded, one=on_member_added, many=on_members_added)
