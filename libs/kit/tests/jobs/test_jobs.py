"""What holds of bulk work: everything once, counted right, cancelled at once, fair."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from kit.db.database import Database
from kit.errors import TransientError
from kit.ids import new_id
from kit.jobs.errors import JobEnded, JobKeyReused, JobNotEnded, JobNotFound, NothingFailed, TooManyJobs
from kit.jobs.jobs import MOST_OPEN
from kit.jobs.model import Done, Failed, ItemState, Job, NewItem, Skipped, State, Submission

from .conftest import KIND, Bench, Writing, bound, counts


async def test_a_job_finds_its_items_works_them_once_and_tells_its_end(bench: Bench, kind: Writing) -> None:
    us = new_id()
    kind.subjects = [new_id() for _ in range(1500)]
    kind.batch, kind.skipped, kind.failing = 100, set(kind.subjects[:7]), set(kind.subjects[7:10])
    job = await bench.submit(us)
    assert (job.state, job.total) == (State.QUEUED, 0)
    ended = await bench.finish(job)
    assert (ended.state, *counts(ended)) == (State.FINISHED, 1500, 1490, 3, 7)
    assert await bench.versions(us) == [1] * 1490
    assert await bench.subjects(job) == kind.subjects, "in the order in which they were found"
    assert [each.state for each in kind.ends] == [State.FINISHED]
    assert counts(kind.ends[0]) == counts(ended)


async def test_submitted_twice_it_is_done_once(bench: Bench) -> None:
    us = new_id()
    first, second = await bench.submit(us, 5, key="once"), await bench.submit(us, 5, key="once")
    assert first.id == second.id
    racing = await asyncio.gather(*(bench.submit(us, 3, key="race") for _ in range(8)))
    assert len({each.id for each in racing}) == 1
    await bench.work()
    assert len(await bench.versions(us)) == 8
    with pytest.raises(JobKeyReused):
        await bench.submit(us, 5, key="once", parameters={"other": True})
    assert (await bench.submit(new_id(), 1, key="once")).id != first.id, "another organization has keys of its own"


async def test_a_subject_is_in_a_job_once(bench: Bench) -> None:
    us, twice = new_id(), new_id()
    items = [NewItem(twice), NewItem(new_id(), Failed("unknown")), NewItem(None, Skipped("repeated")), NewItem(twice)]
    ended = await bench.finish(await bench.submit(us, items=items))
    assert counts(ended) == (3, 1, 1, 1)


async def test_an_empty_job_ends(bench: Bench) -> None:
    assert (await bench.finish(await bench.submit(new_id()))).state is State.FINISHED
    assert (await bench.finish(await bench.submit(new_id(), 0))).state is State.FINISHED


async def test_it_begins_when_it_is_to_begin(bench: Bench, database: Database) -> None:
    job = await bench.submit(new_id(), 1, start_at=await database.now() + timedelta(hours=1))
    await bench.work()
    shown = await bench.show(job)
    assert shown.state is State.QUEUED
    assert shown.start_at is not None


async def test_cancelled_nothing_more_is_done_and_the_batch_under_way_has_not_happened(
    bench: Bench, kind: Writing
) -> None:
    us, reached, go = new_id(), asyncio.Event(), asyncio.Event()
    job = await bench.submit(us, 100)
    await bench.work(turns=3)

    async def wait(_job: Job) -> None:
        reached.set()
        await go.wait()

    kind.before_work = wait
    running = asyncio.create_task(bench.work())
    await reached.wait()
    async with asyncio.timeout(60), bench.database.transaction(us) as tx:
        cancelled = await bench.jobs.cancel(tx, job.id)  # it does not wait for the batch, which waits for us
    go.set()
    await running
    after = await bench.show(job)
    assert (after.state, after.done) == (State.CANCELLED, cancelled.done)
    assert len(await bench.versions(us)) == cancelled.done == 30
    assert [each.state for each in kind.ends] == [State.CANCELLED]
    async with bench.database.transaction(us) as tx:
        assert (await bench.jobs.cancel(tx, job.id)).state is State.CANCELLED
        with pytest.raises(JobEnded):
            await bench.jobs.retry(tx, job.id)


async def test_what_failed_is_tried_again_and_nothing_else(bench: Bench, kind: Writing) -> None:
    us = new_id()
    kind.subjects = [new_id() for _ in range(60)]
    kind.failing = set(kind.subjects[::3])
    job = await bench.submit(us)
    async with bench.database.transaction(us) as tx:
        with pytest.raises(JobNotEnded):
            await bench.jobs.retry(tx, job.id)
    assert counts(await bench.finish(job)) == (60, 40, 20, 0)
    kind.failing = set(kind.subjects[:3])
    async with bench.database.transaction(us) as tx:
        await bench.jobs.retry(tx, job.id)
        assert (await bench.jobs.retry(tx, job.id)).state is State.REVIVING
    assert counts(await bench.finish(job)) == (60, 59, 1, 0)
    kind.failing = set()
    async with bench.database.transaction(us) as tx:
        await bench.jobs.retry(tx, job.id)
    assert counts(await bench.finish(job)) == (60, 60, 0, 0)
    assert await bench.versions(us) == [1] * 60
    async with bench.database.transaction(us) as tx:
        with pytest.raises(NothingFailed):
            await bench.jobs.retry(tx, job.id)


async def test_one_item_that_cannot_be_worked_fails_alone(bench: Bench, kind: Writing) -> None:
    us = new_id()
    kind.subjects = [new_id() for _ in range(300)]
    kind.batch, kind.poison = 100, {kind.subjects[41], kind.subjects[222]}
    job = await bench.submit(us)
    assert counts(await bench.finish(job)) == (300, 298, 2, 0)
    assert await bench.subjects(job, ItemState.FAILED) == [kind.subjects[41], kind.subjects[222]]
    assert await bench.versions(us) == [1] * 298


async def test_a_passing_trouble_fails_nothing(bench: Bench, kind: Writing) -> None:
    kind.passing = [TransientError(retry_after=0.01) for _ in range(3)]
    assert counts(await bench.finish(await bench.submit(new_id(), 30))) == (30, 30, 0, 0)


async def test_a_job_that_cannot_be_found_is_given_up(bench: Bench, kind: Writing) -> None:
    kind.find_trouble = LookupError("a bug")
    job = await bench.submit(new_id())
    worker = bench.jobs.worker()
    while not (now := await bench.show(job)).ended:
        async with bench.database.transaction(*bound(job.organization_id)) as tx:
            await tx.execute("UPDATE jobs SET ready_at = kit_now() WHERE id = $1", job.id)
        await worker.turn()
    assert (now.state, now.code, now.troubles) == (State.FAILED, "internal", 10)
    assert [each.state for each in kind.ends] == [State.FAILED]


async def test_handed_items_end_the_job_when_they_are_settled(bench: Bench, kind: Writing) -> None:
    us = new_id()
    kind.subjects = [new_id() for _ in range(20)]
    kind.handed = set(kind.subjects[:5])
    job = await bench.submit(us)
    await bench.work()
    shown = await bench.show(job)
    assert (shown.state, shown.done, shown.handed, shown.left) == (State.WORKING, 15, 5, 5)
    for _ in range(2):
        async with bench.database.transaction(us) as tx:
            outcomes = {each: Done() for each in kind.subjects[:4]}
            await bench.jobs.settle(tx, job.id, {**outcomes, kind.subjects[4]: Failed("refused")})
    ended = await bench.finish(job)
    assert (*counts(ended), ended.handed) == (20, 19, 1, 0, 0)


@pytest.mark.parametrize("prepares", [False, True])
async def test_several_workers_share_a_job_and_no_item_is_worked_twice(
    bench: Bench, kind: Writing, prepares: bool
) -> None:
    us = new_id()
    kind.subjects, kind.batch, kind.prepares = [new_id() for _ in range(2000)], 50, prepares
    kind.failing = set(kind.subjects[:100])
    job = await bench.submit(us)
    ended = (await asyncio.gather(*(bench.finish(job) for _ in range(4))))[0]
    assert counts(ended) == (2000, 1900, 100, 0)
    assert await bench.versions(us) == [1] * 1900
    assert len(kind.ends) == 1
    kind.failing = set()
    async with bench.database.transaction(us) as tx:
        await bench.jobs.retry(tx, job.id)
    ended = (await asyncio.gather(*(bench.finish(job) for _ in range(4))))[0]
    assert counts(ended) == (2000, 2000, 0, 0)
    assert await bench.versions(us) == [1] * 2000


async def test_a_small_job_does_not_wait_for_anothers_large_ones(bench: Bench, kind: Writing) -> None:
    """A hundred batches of one organization, in three jobs, wait before; the other's three batches end with six."""
    large, small = new_id(), new_id()
    for _ in range(3):
        await bench.submit(large, 1000)
    await bench.work(turns=5)
    job = await bench.submit(small, 30)
    kind.worked.clear()
    ended = await bench.finish(job)
    assert ended.done == 30
    assert kind.worked.count(large) <= 4
    assert kind.worked.count(small) == 3


async def test_organizations_see_their_own_jobs(bench: Bench) -> None:
    us, them = new_id(), new_id()
    ours, platforms = await bench.submit(us, 3), await bench.submit(None, 1)
    async with bench.database.transaction(them) as tx:
        with pytest.raises(JobNotFound):
            await bench.jobs.show(tx, ours.id)
        with pytest.raises(JobNotFound):
            await bench.jobs.cancel(tx, ours.id)
        assert await bench.jobs.items(tx, ours.id) == []
        assert await bench.jobs.page(tx, them) == []
        assert await bench.jobs.page(tx, us) == []
    async with bench.database.transaction(us) as tx:
        assert [job.id for job in await bench.jobs.page(tx, us)] == [ours.id]
        assert [job.id for job in await bench.jobs.page(tx, None)] == [platforms.id]


async def test_a_tenant_cannot_have_any_number_of_jobs(bench: Bench) -> None:
    us = new_id()
    for _ in range(MOST_OPEN):
        await bench.submit(us, 0)
    with pytest.raises(TooManyJobs):
        await bench.submit(us, 0)
    await bench.submit(new_id(), 0)


async def test_old_jobs_are_forgotten_with_their_items(bench: Bench) -> None:
    us = new_id()
    await bench.finish(await bench.submit(us, 25))
    running = await bench.submit(us, 5)
    while await bench.jobs.purge(timedelta(0)):
        pass
    async with bench.database.transaction(us) as tx:
        assert [job.id for job in await bench.jobs.page(tx, us)] == [running.id]
        assert await tx.fetchval("SELECT count(*) FROM job_items") == 5


async def test_figures_tell_what_there_is_to_do(bench: Bench) -> None:
    await bench.finish(await bench.submit(new_id(), 5))
    await bench.submit(new_id(), 7)
    (figures,) = await bench.jobs.figures()
    assert (figures.kind, figures.queued, figures.running, figures.left, figures.finished) == (KIND, 1, 0, 7, 1)


async def test_a_job_of_many_pages_says_how_far_it_is_and_when_it_will_end(bench: Bench, kind: Writing) -> None:
    kind.subjects, kind.batch = [new_id() for _ in range(20_000)], 2000
    job = await bench.submit(new_id())
    worker = bench.jobs.worker()
    progress: list[Job] = []
    while not (now := await bench.show(job)).ended:
        await worker.turn()
        progress.append(now)
    assert now.done == 20_000
    assert any(each.eta is not None and each.rate for each in progress)


async def test_submissions_need_a_kind(bench: Bench, database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.transaction(UUID(int=1)) as tx:
            await bench.jobs.submit(tx, Submission("sample.other", "x"))
