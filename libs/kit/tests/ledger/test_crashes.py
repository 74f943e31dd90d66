"""Real workers that are killed or stopped between two steps; a real receiver counts what reached it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import UUID

import asyncpg
import pytest

from kit.db.database import Database
from kit.http.client import Outbound
from kit.ids import new_id
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane, Status
from kit.testing.databases import TestDatabase
from kit.testing.parcels import KIND, Parcels, send_many
from kit.testing.parcels.receiver import Receiver, Reply
from kit.testing.ports import free_port
from kit.testing.programs import Program
from kit.testing.proxy import Proxy, proxied

from .conftest import until

pytestmark = pytest.mark.timeout(300)
PATIENT, HASTY = "30", "0.2"
SENT_AGAIN = ["unanswered", "not_found", "absent", "done"]


@dataclass
class World:
    """A receiver, a proxy before the database, and workers that go through it."""

    place: TestDatabase
    database: Database
    ledger: Ledger
    receiver: Receiver
    proxy: Proxy
    url: str
    folder: Path
    workers: list[Program] = field(default_factory=list)

    async def worker(self, **changed: str) -> Program:
        port = free_port()
        environment = {
            "PARCELS_DATABASE_URL": self.url,
            "PARCELS_RECEIVER": self.receiver.url,
            "PARCELS_PORT": str(port),
            **changed,
        }
        log = self.folder / f"worker-{len(self.workers)}.log"
        program = Program(("kit.testing.parcels",), environment, log, port)
        self.workers.append(program)
        await program.start()
        return program

    async def post(self, organization_id: UUID, key: str = "lane", rate: float | None = None) -> UUID:
        subject = new_id()
        async with self.database.transaction(organization_id) as tx:
            await self.ledger.add(tx, Effect(KIND, Lane(organization_id, key, rate), subject))
        return subject

    async def status(self, organization_id: UUID, subject: UUID) -> Status:
        async with self.database.transaction(organization_id) as tx:
            return (await self.ledger.states(tx, KIND, [subject]))[subject].status

    async def outcomes(self, organization_id: UUID, subject: UUID) -> list[str]:
        async with self.database.transaction(organization_id) as tx:
            tried = await self.ledger.attempts(tx, [KIND], [subject])
            return [each.outcome for each in tried.get(subject, ())]

    async def lapse(self) -> None:
        """Let what a worker held that was killed come to light."""
        connection = await asyncpg.connect(self.place.admin_url)
        try:
            await connection.execute("UPDATE sample.ledger_blocks SET begin_by = now() - interval '1 s'")
            await connection.execute(
                "UPDATE sample.ledger_entries SET leased_until = now() - interval '1 s' WHERE status = 'calling'"
            )
        finally:
            await connection.close()

    async def done(self, organization_id: UUID, subject: UUID, within: float = 60) -> None:
        await until(lambda: self.status(organization_id, subject), equals=Status.DONE, within=within)


@pytest.fixture
async def world(place: TestDatabase, database: Database, tmp_path: Path) -> AsyncIterator[World]:
    outbound, receiver = Outbound(), Receiver()
    await receiver.start()
    parts = urlsplit(place.url("sample"))
    async with proxied(parts.hostname or "127.0.0.1", parts.port or 5432) as proxy:
        url = f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{proxy.listening_on}{parts.path}"
        ledger = Ledger(database, [Parcels(receiver.url, outbound, Timing())])
        made = World(place, database, ledger, receiver, proxy, url, tmp_path)
        try:
            yield made
        finally:
            for worker in made.workers:
                await worker.kill()
    await receiver.stop()
    await outbound.close()


@asynccontextmanager
async def held(world: World, pattern: bytes, after: bytes = b"") -> AsyncIterator[asyncio.Event]:
    """Hold what workers say to the database at this pattern; the event tells that it is held."""
    rule = world.proxy.hold("to_server", pattern, after_seeing=after)
    try:
        yield rule.reached
    finally:
        rule.release()
        world.proxy.holds.clear()


async def _reached(event: asyncio.Event) -> None:
    async with asyncio.timeout(30):
        await event.wait()


async def test_killed_before_it_knows_of_its_claim_it_waits_again_and_is_posted_once(world: World) -> None:
    """The claim is committed, its answer never reaches the worker."""
    us = new_id()
    first = await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    rule = world.proxy.hold("to_client", b"lane-to-hold")
    subject = await world.post(us, "lane-to-hold")
    await _reached(rule.reached)
    await first.kill()
    rule.release()
    assert await world.status(us, subject) is Status.CALLING
    await world.lapse()
    await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    await world.done(us, subject)
    assert world.receiver.posts(subject) == 1
    assert await world.outcomes(us, subject) == ["done"]


async def test_killed_before_its_blocks_begin_all_wait_again_and_are_posted_once(world: World) -> None:
    """Hundreds are claimed, in several blocks and lanes; what begins them never reaches the database."""
    us = new_id()
    first = await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    async with held(world, b"ledger_begin") as reached:
        subjects = await send_many(world.database, world.ledger, Lane(us, "fast", 500.0), 90)
        subjects += await send_many(world.database, world.ledger, Lane(us, "free"), 15)
        await _reached(reached)
        await first.kill()
        world.proxy.cut()
    await world.lapse()
    await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    for subject in subjects:
        await world.done(us, subject)
        assert await world.outcomes(us, subject) == ["done"]
    assert {world.receiver.posts(subject) for subject in subjects} == {1}


async def test_killed_once_its_block_has_begun_it_is_looked_for_before_it_is_posted(world: World) -> None:
    """The block is begun, and its worker never hears of it: nobody can know that nothing was sent."""
    us = new_id()
    first = await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    rule = world.proxy.hold("to_client", b"SELECT 1", after_seeing=b"ledger_begin")
    subject = await world.post(us)
    await _reached(rule.reached)
    await first.kill()
    world.proxy.cut()
    rule.release()
    await world.lapse()
    await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    await world.done(us, subject)
    assert world.receiver.posts(subject) == 1
    assert await world.outcomes(us, subject) == ["lapsed", "not_found", "absent", "done"]


async def test_who_begins_after_it_was_given_back_calls_nothing(world: World) -> None:
    """What begins the block is on its way for so long that another worker has posted it meanwhile."""
    us = new_id()
    first = await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    async with held(world, b"ledger_begin") as reached:
        subject = await world.post(us)
        await _reached(reached)
        await world.lapse()
        await world.worker(PARCELS_CALL_WITHIN=PATIENT, PARCELS_DATABASE_URL=world.place.url("sample"))
        await world.done(us, subject)
    await until(lambda: asyncio.to_thread(_lost_a_fence, first))
    assert world.receiver.posts(subject) == 1
    assert await world.outcomes(us, subject) == ["done"]


async def test_killed_during_the_call_it_is_found_and_not_posted_again(world: World) -> None:
    us, answer = new_id(), asyncio.Event()
    world.receiver.reply = lambda _subject, _nth: Reply(held=answer)
    first = await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    subject = await world.post(us)
    await until(lambda: asyncio.sleep(0, world.receiver.posts(subject)), equals=1)
    await first.kill()
    await world.lapse()
    await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    await world.done(us, subject)
    assert world.receiver.posts(subject) == 1
    assert await world.outcomes(us, subject) == ["lapsed", "found"]


async def test_killed_between_call_and_record_it_is_found_and_not_posted_again(world: World) -> None:
    us = new_id()
    first = await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    async with held(world, b"COMMIT", after=b"INSERT INTO notes") as reached:
        subject = await world.post(us)
        await _reached(reached)
        await first.kill()
        world.proxy.cut()
    assert await world.status(us, subject) is Status.CALLING
    await world.lapse()
    await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    await world.done(us, subject)
    assert world.receiver.posts(subject) == 1
    assert await world.outcomes(us, subject) == ["lapsed", "found"]


async def test_stopped_beyond_its_lease_a_worker_does_not_call_any_more(world: World) -> None:
    """It is stopped while claims are handed to it; when it goes on, others have looked for them and posted them."""
    us = new_id()
    first = await world.worker(PARCELS_CALL_WITHIN=HASTY, PARCELS_LOOK_AFTER="0.05")
    rule = world.proxy.hold("to_client", b"lane-to-hold")
    subject = await world.post(us, "lane-to-hold")
    await _reached(rule.reached)
    assert first._process is not None
    os.kill(first._process.pid, signal.SIGSTOP)
    rule.release()
    await world.worker(PARCELS_CALL_WITHIN=PATIENT, PARCELS_LOOK_AFTER="0.05")
    await world.done(us, subject)
    with suppress(ProcessLookupError):
        os.kill(first._process.pid, signal.SIGCONT)
    await until(lambda: asyncio.to_thread(_lost_a_fence, first))
    assert world.receiver.posts(subject) == 1


def _lost_a_fence(worker: Program) -> bool:
    """Whether the worker has noticed, by its own count, that an effect in its hand had moved on."""
    with urlopen(f"http://127.0.0.1:{worker.port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return any("ledger_lost_fence_total{" in line and not line.endswith(" 0.0") for line in lines)


@pytest.mark.parametrize(
    ("reply", "within", "posts", "outcomes"),
    [
        (lambda _s, n: Reply(hangs_up=n == 1), PATIENT, 1, ["unanswered", "found"]),
        (lambda _s, n: Reply(hangs_up=n == 1, takes=n > 1), PATIENT, 2, SENT_AGAIN),
        (lambda _s, n: Reply(status=500 if n == 1 else 200), PATIENT, 2, SENT_AGAIN),
        (lambda _s, n: Reply(status=429 if n == 1 else 200, retry_after=1), PATIENT, 2, ["not_accepted", "done"]),
        (lambda _s, n: Reply(delay=60 if n == 1 else 0), "5", 1, ["unanswered", "found"]),
    ],
    ids=["answer lost after the effect", "broken off before it", "500", "429", "time-out after the effect"],
)
async def test_whatever_the_other_side_does_it_takes_effect_once(
    world: World, reply: Callable[[str, int], Reply], within: str, posts: int, outcomes: list[str]
) -> None:
    us = new_id()
    world.receiver.reply = reply
    await world.worker(PARCELS_CALL_WITHIN=within)
    subject = await world.post(us)
    await world.done(us, subject)
    assert world.receiver.posts(subject) == posts
    assert world.receiver.taken[str(subject)] == 1
    assert await world.outcomes(us, subject) == outcomes


async def test_workers_that_are_killed_while_they_work_lose_nothing_and_repeat_nothing(world: World) -> None:
    us = new_id()
    workers = [await world.worker(PARCELS_CALL_WITHIN="3") for _ in range(3)]
    subjects = await send_many(world.database, world.ledger, Lane(us, "lane", 200.0), 400)
    for worker in workers[:2]:
        reached = len(world.receiver.arrivals) + 50
        await until(lambda reached=reached: asyncio.sleep(0, len(world.receiver.arrivals) >= reached))  # type: ignore[misc]
        await worker.kill()

    async def open_effects() -> int:
        async with world.database.transaction(us) as tx:
            states = await world.ledger.states(tx, KIND, subjects)
        return sum(state.status is not Status.DONE for state in states.values())

    await until(open_effects, equals=0, within=60)
    assert {world.receiver.posts(subject) for subject in subjects} == {1}


async def test_an_orderly_end_leaves_nothing_in_doubt(world: World) -> None:
    us = new_id()
    world.receiver.reply = lambda _subject, _nth: Reply(delay=0.3)
    worker = await world.worker(PARCELS_CALL_WITHIN=PATIENT)
    subjects = await send_many(world.database, world.ledger, Lane(us, "lane", 300.0), 400)
    await until(lambda: asyncio.sleep(0, len(world.receiver.arrivals) >= 100))
    assert await worker.stop(within=60) == 0
    async with world.database.transaction(us) as tx:
        states = await world.ledger.states(tx, KIND, subjects)
    assert {state.status for state in states.values()} <= {Status.DONE, Status.PENDING}
    done = {subject for subject, state in states.items() if state.status is Status.DONE}
    assert {subject for subject in subjects if world.receiver.posts(subject)} == done


async def test_an_effect_leaves_soon_after_another_process_has_put_it_in(world: World) -> None:
    us = new_id()
    await world.worker()
    for _ in range(3):
        subject = await world.post(us)
        await until(lambda subject=subject: asyncio.sleep(0, world.receiver.posts(subject)), equals=1)  # type: ignore[misc]
        await world.done(us, subject)
