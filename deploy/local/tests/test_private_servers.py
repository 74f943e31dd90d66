import asyncio
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aio_pika
import asyncpg
import psutil
import pytest
import redis

from local.private_servers import PrivatePostgres, PrivateRabbit, PrivateRedis, PrivateServer, ServerDidNotStart
from local.processes import Identity, free_port, survivors

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


async def use(server: PrivateServer) -> None:
    """Do one thing as a client of the server."""
    if isinstance(server, PrivatePostgres):
        connection = await asyncpg.connect(server.url)
        try:
            assert await connection.fetchval("SELECT 1") == 1
        finally:
            await connection.close()
    elif isinstance(server, PrivateRabbit):
        broker = await aio_pika.connect(server.url, timeout=60)
        async with broker, broker.channel() as channel:
            await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
    else:
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()


def processes_in(folder: Path) -> list[psutil.Process]:
    """Every process on the machine that names the folder or was told of it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):  # others come and go meanwhile
            if process.status() != psutil.STATUS_ZOMBIE and str(folder) in " ".join(process.cmdline()):
                found.append(process)
    return found


def family_of(server: PrivateServer) -> list[psutil.Process]:
    """What this test started to run the server."""
    assert server._child is not None
    started = Identity.of(server._child.pid)
    assert started is not None
    return started.family()


@pytest.fixture(params=[PrivatePostgres, PrivateRedis, PrivateRabbit], ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PrivateServer]:
    kind: type[PrivateServer] = request.param
    if not kind.installed():
        pytest.fail(f"{kind.name} is not installed")
    server = kind(tmp_path)
    yield server
    server.remove()


async def test_a_private_server_serves_survives_a_kill_and_leaves_nothing_behind(
    server: PrivateServer, tmp_path: Path
) -> None:
    """Start, use, kill, start, restart, stop, remove: same address throughout, no process and no data after."""
    await asyncio.to_thread(server.start)
    url, family = server.url, family_of(server)
    await use(server)

    server.kill()
    assert not server.running
    await asyncio.to_thread(server.start)
    assert server.url == url
    await use(server)

    await asyncio.to_thread(server.restart)
    await use(server)
    family += family_of(server)

    await asyncio.to_thread(server.stop)
    server.remove()
    assert survivors(family, 30.0) == []
    assert processes_in(tmp_path) == []
    assert not server.folder.exists()


async def test_another_process_adopts_a_running_server_and_can_end_it(tmp_path: Path) -> None:
    """Whoever opens the same folder later finds the server by its record."""
    first = PrivateRedis(tmp_path)
    first.start()
    second = PrivateRedis(tmp_path)
    second.start()
    assert second.url == first.url
    second.stop()
    assert not first.running
    first.remove()


def test_a_frozen_server_answers_again_after_thawing(tmp_path: Path) -> None:
    with PrivateRedis(tmp_path) as server:
        server.freeze()
        with (
            redis.Redis.from_url(server.url, socket_timeout=0.2, retry=None) as client,
            pytest.raises(redis.RedisError),
        ):
            client.ping()
        server.thaw()
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()


def test_a_server_that_cannot_start_says_the_end_of_its_log(tmp_path: Path) -> None:
    server = PrivatePostgres(tmp_path, settings={"no_such_setting": "1"})
    with pytest.raises(ServerDidNotStart, match="no_such_setting"):
        server.start()
    server.remove()


def test_a_process_with_a_recycled_number_is_not_ours(tmp_path: Path) -> None:
    """The record's number now belongs to this very test: it must survive stop and kill."""
    with PrivateRedis(tmp_path) as server:
        own = Identity.of(psutil.Process().pid)
        assert own is not None
        process = server._record()["process"]
        server.stop()
        server._remember(process=process | {"pid": own.pid})
        server.kill()
        assert own.alive


def test_free_ports_are_distinct_and_below_the_range_of_outgoing_ports() -> None:
    ports: list[int] = []
    for _ in range(50):
        ports.append(free_port(ports))
    assert len(set(ports)) == 50
    assert max(ports) < 32768


def test_data_lies_where_the_servers_account_can_reach_it(tmp_path: Path) -> None:
    """A checkout in a closed home folder must not keep PostgreSQL from starting."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with PrivatePostgres(closed) as server:
        data = server._data
        assert data.exists()
    assert not data.exists()
    shutil.rmtree(closed)
