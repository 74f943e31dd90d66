import asyncio
from datetime import timedelta

import asyncpg
import pytest

from kit.db.database import Database
from kit.ids import new_id
from publisher.partner_queues.work import LEASE, OpenQueues, PartnerQueueWork

from .conftest import Forward
from .fakes import FakeQueues, WorkerDied
from .rows import Rows

A_LEASE = LEASE.total_seconds() + 1


async def test_a_queue_that_was_asked_for_is_made_recorded_and_told(
    rows: Rows, work: PartnerQueueWork, broker_side: FakeQueues
) -> None:
    organization_id = new_id()
    await rows.open(organization_id)
    assert await work.settle_next()
    assert broker_side.there == {organization_id}
    assert await rows.state(organization_id) == "open"
    assert await rows.told(organization_id) == [("PartnerQueueOpened", 2)]
    assert not await work.settle_next()


async def test_a_worker_that_dies_between_call_and_record_is_followed_by_another(
    rows: Rows, work: PartnerQueueWork, broker_side: FakeQueues, forward: Forward
) -> None:
    """The queue is on the broker, the row does not know: after the lease the call is repeated, the fact told once."""
    organization_id = new_id()
    await rows.open(organization_id)
    broker_side.dies_after_effect = True
    with pytest.raises(WorkerDied):
        await work.settle_next()
    broker_side.dies_after_effect = False
    assert (await rows.state(organization_id), await rows.told(organization_id)) == ("opening", [])
    assert not await work.settle_next()
    await forward(A_LEASE)
    assert await work.settle_next()
    assert broker_side.calls == [("open", organization_id)] * 2
    assert await rows.told(organization_id) == [("PartnerQueueOpened", 2)]


async def test_a_deletion_whose_worker_died_is_repeated(
    rows: Rows, work: PartnerQueueWork, broker_side: FakeQueues, forward: Forward
) -> None:
    organization_id = new_id()
    await rows.open(organization_id)
    await work.settle_next()
    await rows.close(organization_id)
    broker_side.dies_after_effect = True
    with pytest.raises(WorkerDied):
        await work.settle_next()
    broker_side.dies_after_effect = False
    await forward(A_LEASE)
    assert await work.settle_next()
    assert (await rows.state(organization_id), broker_side.there) == ("closed", set())
    assert await rows.told(organization_id) == [("PartnerQueueOpened", 2), ("PartnerQueueClosed", 4)]


async def test_giving_up_while_the_queue_is_being_made_waits_and_ends_with_no_queue(
    rows: Rows, work: PartnerQueueWork, broker_side: FakeQueues
) -> None:
    organization_id = new_id()
    await rows.open(organization_id)
    broker_side.free.clear()
    making = asyncio.create_task(work.settle_next())
    await broker_side.called.wait()
    assert await rows.close(organization_id) == "closing"
    assert not await work.settle_next()
    broker_side.free.set()
    assert await making
    assert (await rows.state(organization_id), await rows.told(organization_id)) == ("closing", [])
    assert await work.settle_next()
    assert broker_side.calls == [("open", organization_id), ("close", organization_id)]
    assert (await rows.state(organization_id), broker_side.there) == ("closed", set())
    assert await rows.told(organization_id) == [("PartnerQueueClosed", 3)]


async def test_a_worker_that_outlived_its_lease_records_nothing(
    rows: Rows, work: PartnerQueueWork, database: Database, broker_side: FakeQueues, forward: Forward
) -> None:
    organization_id = new_id()
    await rows.open(organization_id)
    broker_side.free.clear()
    slow = asyncio.create_task(work.settle_next())
    await broker_side.called.wait()
    await forward(A_LEASE)
    assert await PartnerQueueWork(database, FakeQueues()).settle_next()
    await rows.close(organization_id)
    await rows.open(organization_id)
    broker_side.free.set()
    await slow
    assert await rows.state(organization_id) == "opening"
    assert await rows.told(organization_id) == [("PartnerQueueOpened", 2)]


async def test_a_broker_that_is_away_is_asked_again_after_longer_and_longer_pauses(
    rows: Rows, work: PartnerQueueWork, broker_side: FakeQueues, database: Database, forward: Forward
) -> None:
    organization_id = new_id()
    await rows.open(organization_id)
    broker_side.unreachable = True
    for pause in (1, 2, 4, 8):
        before = await database.now()
        assert await work.settle_next()
        after = await database.now()
        async with database.transaction(organization_id) as tx:
            due = await tx.fetchval("SELECT due_at FROM partner_queues")
        assert before <= due - timedelta(seconds=pause) <= after
        await forward(-3600)
        assert not await work.settle_next()
        await forward(3600 + pause)
    assert (await rows.state(organization_id), await rows.told(organization_id)) == ("opening", [])
    broker_side.unreachable = False
    assert await work.settle_next()
    assert await rows.state(organization_id) == "open"


async def test_a_queue_that_cannot_be_made_now_holds_up_no_other(
    rows: Rows, work: PartnerQueueWork, broker_side: FakeQueues
) -> None:
    first, second = new_id(), new_id()
    await rows.open(first)
    broker_side.unreachable = True
    await work.settle_next()
    broker_side.unreachable = False
    await rows.open(second)
    assert await work.settle_next()
    assert (await rows.state(first), await rows.state(second)) == ("opening", "open")


async def test_workers_side_by_side_share_the_work_and_repeat_none(
    rows: Rows, work: PartnerQueueWork, broker_side: FakeQueues
) -> None:
    organizations = [new_id() for _ in range(12)]
    for organization_id in organizations:
        await rows.open(organization_id)

    async def until_done() -> None:
        while await work.settle_next():
            pass

    await asyncio.gather(*(until_done() for _ in range(4)))
    assert sorted(called for _, called in broker_side.calls) == sorted(organizations)
    for organization_id in organizations:
        assert await rows.told(organization_id) == [("PartnerQueueOpened", 2)]


async def test_the_bridge_learns_which_queues_are_open_and_of_no_others(
    rows: Rows, work: PartnerQueueWork, database: Database
) -> None:
    opened, opening, closing, unasked, never = (new_id() for _ in range(5))
    for organization_id in (opened, closing, unasked):
        await rows.open(organization_id)
        await work.settle_next()
    await rows.close(closing)
    await rows.open(opening)
    assert await OpenQueues(database).among([opened, opening, closing, never]) == {opened}


async def test_a_forgotten_where_shows_only_our_own_row(rows: Rows, database: Database) -> None:
    ours, theirs = new_id(), new_id()
    await rows.open(ours)
    await rows.open(theirs)
    async with database.transaction(ours) as tx:
        assert [row["organization_id"] for row in await tx.fetch("SELECT organization_id FROM partner_queues")] == [
            ours
        ]
        assert await tx.execute("UPDATE partner_queues SET state = 'closed'") == 1
    assert await rows.state(theirs) == "opening"
    with pytest.raises(asyncpg.PostgresError):
        async with database.transaction() as tx:
            await tx.fetch("SELECT * FROM partner_queues")
