"""Real processes that die at the worst moment, and workers that come back too late."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import httpx
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.intake.deliveries import SplitRepository
from kit.intake.lanes import LaneRepository
from kit.intake.model import Verdict
from kit.intake.reducing import Reducer
from kit.intake.splitting import Splitter
from kit.testing.databases import TestDatabase
from kit.testing.letters import PATH, Letters, delivery, keyring, letter, signed
from kit.testing.ports import free_port
from kit.testing.programs import Program

from .conftest import House, opened, until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def program(place: TestDatabase, tmp_path: Path) -> AsyncIterator[Callable[[str], Program]]:
    made: list[Program] = []

    def make(role: str) -> Program:
        port = free_port()
        environment = {"LETTERS_DATABASE_URL": place.url("letters"), "LETTERS_PORT": str(port)}
        log = tmp_path / f"{role}{len(made)}.log"
        made.append(Program(("kit.testing.letters", role), environment, log, port))
        return made[-1]

    yield make
    for each in made:
        await each.kill()


async def test_nothing_that_was_answered_is_lost_when_the_process_is_killed(
    program: Callable[[str], Program], database: Database
) -> None:
    api = program("api")
    await api.start()
    answered: set[str] = set()
    killed = asyncio.Event()

    async def sender(client: httpx.AsyncClient, name: int) -> None:
        for number in range(2000):
            if killed.is_set():
                return
            written = letter(number, sender=f"s{name}")
            body = delivery(written)
            answer = await client.post(PATH, content=body, headers=signed(body))
            if answer.status_code == 503:  # asked to come again: it was not taken
                continue
            assert answer.status_code == 200
            answered.add(str(written["id"]))

    async def killer() -> None:
        async def enough() -> bool:
            return len(answered) >= 200

        await until(enough)
        await api.kill()
        killed.set()

    address = f"http://127.0.0.1:{api.port}"
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=60) as client:
        senders = (sender(client, name) for name in range(16))
        results = await asyncio.gather(killer(), *senders, return_exceptions=True)
    assert not [each for each in results if isinstance(each, AssertionError)]
    assert len(answered) >= 200
    async with opened_here(database) as (splitter, _):
        while await splitter.step():
            pass
    rows = await database.statement("SELECT item_id FROM intake_items")
    assert answered <= {row["item_id"] for row in rows}


async def test_a_worker_killed_between_apply_and_commit_has_changed_nothing(
    program: Callable[[str], Program], house: House
) -> None:
    worker = program("worker")
    await worker.start()
    await house.send(letter(1, text="hold"), letter(2))

    async def holding() -> bool:
        return bool(await house.value("SELECT count(*) FROM intake_keys WHERE holder IS NOT NULL"))

    await until(holding)
    await worker.kill()
    await lapse(house)
    assert await house.applied() == []
    async with house.working(2):
        await until(house.settled)
    assert await house.applied() == ["hold", "2"]


async def lapse(house: House) -> None:
    """Let the leases of a worker that died end."""
    await house.rows("UPDATE intake_keys SET wake_at = statement_timestamp() WHERE holder IS NOT NULL")
    await house.rows("UPDATE intake_sources SET leased_until = statement_timestamp() WHERE holder IS NOT NULL")


async def dies_and_is_started_again(worker: Program, house: House, most: int = 8) -> None:
    """Until everything has its verdict."""

    async def died_or_done() -> bool:
        return worker.has_ended or await house.settled()

    for _ in range(most):
        with suppress(AssertionError):  # it may die before it says that it is ready
            await worker.start()
        await until(died_or_done, within=60)
        if await house.settled():
            return
        await lapse(house)
    raise AssertionError("it dies again and again")


async def test_an_item_that_kills_its_worker_is_quarantined_and_stops_nobody(
    program: Callable[[str], Program], house: House
) -> None:
    """One dies without a suspicion, three more over the suspect; then it is laid aside and its key goes on."""
    await house.send(letter(1, text="die"), letter(2), letter(1, sender="berta"))
    await dies_and_is_started_again(program("worker"), house)
    assert await house.applied() == ["2"]
    assert await house.applied(sender="berta") == ["1"]
    rows = await house.rows("SELECT reason FROM intake_items WHERE verdict = 'quarantined'")
    assert [row["reason"] for row in rows] == ["the worker did not survive it 3 times"]


async def test_a_delivery_that_kills_its_worker_is_unreadable_and_stops_nobody(
    program: Callable[[str], Program], house: House
) -> None:
    for body in (delivery(letter(1)), b"deadly", delivery(letter(2))):
        assert await house.post(body) == 200
    await dies_and_is_started_again(program("worker"), house)
    assert await house.applied() == ["1", "2"]
    (unreadable,) = await house.intake.desk.unreadable()
    assert unreadable.reason == "the worker did not survive it 3 times"


async def test_a_worker_that_comes_back_after_its_lease_commits_nothing(
    place: TestDatabase, database: Database
) -> None:
    slow, release = asyncio.Event(), asyncio.Event()

    async def wait() -> Verdict | None:
        slow.set()
        await release.wait()
        return None

    source = Letters(trouble={"slow": wait})
    async with opened(place, database, source) as house:
        await house.send(letter(1, text="slow"), letter(2))
        late = Reducer(database, keyring(database), source, lease=60)
        splitter = Splitter(database, keyring(database), source, lease=60)
        await splitter.register()
        assert await splitter.step()
        stepping = asyncio.create_task(late.step())
        await slow.wait()
        await database.statement("UPDATE intake_keys SET wake_at = statement_timestamp() - interval '1 second'")
        source.trouble.clear()
        await house.work()
        assert await house.applied() == ["slow", "2"]
        release.set()
        assert await stepping
        assert await house.applied() == ["slow", "2"]
        assert await house.verdicts() == {"applied": 2}


async def test_a_splitter_that_comes_back_after_its_lease_commits_nothing(house: House) -> None:
    await house.send(letter(1))
    repository = SplitRepository(house.database, "letters")
    await repository.register()
    late = new_id()
    assert await repository.claim(late, 60) is False
    assert await repository.claim(new_id(), 60) is None, "one at a time"
    await house.database.statement(
        "UPDATE intake_sources SET leased_until = statement_timestamp() - interval '1 second'"
    )
    await house.work()
    with pytest.raises(Exception, match="Temporarily") as refused:
        async with house.database.transaction() as tx:
            await repository.save(tx, late, 60, [], [])
    assert type(refused.value).__name__ == "LeaseLost"
    assert await house.applied() == ["1"]


async def test_a_lane_is_held_by_one_worker_at_a_time(house: House) -> None:
    await house.send(*(letter(1, sender=f"s{number}") for number in range(10)))
    async with opened_here(house.database) as (splitter, lanes):
        await splitter.step()
        first, second = await asyncio.gather(lanes.claim(new_id(), 60, 6), lanes.claim(new_id(), 60, 6))
        held = [each.lane for each in (*first, *second)]
        assert len(held) == len(set(held)) == 10
        assert await lanes.claim(new_id(), 60, 6) == []


class opened_here:  # noqa: N801 - reads as what it does
    def __init__(self, database: Database) -> None:
        self._splitter = Splitter(database, keyring(database), Letters(), lease=60)
        self._lanes = LaneRepository(database, "letters")

    async def __aenter__(self) -> tuple[Splitter, LaneRepository]:
        await self._splitter.register()
        return self._splitter, self._lanes

    async def __aexit__(self, *_: object) -> None:
        return None


async def test_while_the_database_restarts_workers_wait_and_nothing_is_lost(house: House) -> None:
    admin = await asyncpg.connect(house.place.admin_url)
    try:
        async with house.working(2):
            for number in range(6):

                async def taken(number: int = number) -> bool:
                    return await house.send(letter(number), letter(number, to="globex")) == 200

                await until(taken)
                await admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND usename <> current_user"
                )
            await until(house.settled, within=60)
    finally:
        await admin.close()
    assert await house.applied() == [str(number) for number in range(6)]
