"""A worker that dies at every step there is: nothing is done twice, nothing is forgotten, the counts are right."""

import itertools
from collections.abc import AsyncIterator

import pytest

from kit.ids import new_id
from kit.jobs.jobs import Jobs
from kit.jobs.model import Job, State
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Died, Mortal

from .conftest import Bench, Writing, counts


@pytest.fixture
async def mortal(place: TestDatabase) -> AsyncIterator[Mortal]:
    opened = await Mortal.open(place.url("sample"), name="mortal", pool_size=4, acquire_within=30)
    assert isinstance(opened, Mortal)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.mark.parametrize("prepares", [False, True])
async def test_killed_at_every_step_it_does_all_and_nothing_twice(
    bench: Bench, kind: Writing, mortal: Mortal, prepares: bool
) -> None:
    us = new_id()
    kind.subjects, kind.prepares = [new_id() for _ in range(45)], prepares
    kind.failing = set(kind.subjects[:4])
    job = await bench.submit(us)
    deaths = await _die_often(mortal, kind, bench, job)
    assert deaths > 30
    assert counts(await bench.show(job)) == (45, 41, 4, 0)
    kind.failing = set()
    async with bench.database.transaction(us) as tx:
        await bench.jobs.retry(tx, job.id)
    assert await _die_often(mortal, kind, bench, job) > 10
    ended = await bench.show(job)
    assert (ended.state, *counts(ended)) == (State.FINISHED, 45, 45, 0, 0)
    assert await bench.versions(us) == [1] * 45


async def _die_often(mortal: Mortal, kind: Writing, bench: Bench, job: Job) -> int:
    """In each turn a worker dies at the first step, a new one at the second, until one lives it through."""
    deaths, lives = 0, 1
    while not (await bench.show(job)).ended:
        mortal.live_for(lives)
        try:
            await Jobs(mortal, [kind]).worker().turn()
            lives = 1
        except Died:
            deaths, lives = deaths + 1, lives + 1
        finally:
            mortal.live_for(None)
    return deaths


async def test_killed_while_submitting_it_is_submitted_whole_or_not_at_all(
    bench: Bench, kind: Writing, mortal: Mortal
) -> None:
    us = new_id()
    for lives in itertools.count(1):
        mortal.live_for(lives)
        try:
            job = await Bench(mortal, kind, bench.place).submit(us, 20, key="once")
        except Died:
            continue
        finally:
            mortal.live_for(None)
        break
    assert counts(await bench.finish(job)) == (20, 20, 0, 0)
    assert await bench.versions(us) == [1] * 20
