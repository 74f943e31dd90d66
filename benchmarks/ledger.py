"""How many calls one worker of the ledger makes per second, when each is answered after 5 ms.

The real worker with the real client: it claims rows, calls, and commits what came of each with its attempt. Beside it
stands a bare sender: the same client and the same endpoint, no ledger. Worker and sender have a core to themselves;
the endpoint and PostgreSQL share the other.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import uvloop

from benchmarks import harness
from benchmarks.harness import Result, Size, pinned
from kit.db.database import Database
from kit.http.client import Call, Outbound
from kit.ids import new_id
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Lane
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase
from kit.testing.parcels import Parcels, send_many
from kit.testing.ports import free_port

WORKER, OTHERS = 0, 1  # cores
DELAY: Final = 0.005
LEAST: Final = 1_000.0
LANES: Final = 20
AT_ONCE, SENDING_SECONDS = 64, 1.5
CALLS: Final = {"short": 8_000, "full": 60_000}
ROUNDS: Final = 3


@asynccontextmanager
async def program(port: int, core: int, *arguments: str, **environment: str) -> AsyncIterator[None]:
    """A module of ours as a process on one core, listening on this port."""
    process = await asyncio.create_subprocess_exec(
        *pinned(core),
        sys.executable,
        "-m",
        *arguments,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await harness.listening(port)
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def endpoint() -> AsyncIterator[str]:
    """The other side; gives its address."""
    port = free_port()
    async with program(port, OTHERS, "kit.testing.parcels.receiver", str(port), str(DELAY)):
        yield f"http://127.0.0.1:{port}"


async def measure(size: Size) -> Sequence[Result]:
    """Calls per second, over lanes of many tenants and over one lane."""
    databases = Databases()
    many, one, bare = list[float](), list[float](), list[float]()
    try:
        for _ in range(ROUNDS):
            async with endpoint() as url:
                bare.append(await sending(url))
                many.append(await calling(await databases.clone({"sample": sample}), url, CALLS[size], LANES))
                one.append(await calling(await databases.clone({"sample": sample}), url, CALLS[size] // 4, 1))
    finally:
        await databases.close()
    return [
        Result(f"calls recorded, {LANES} lanes", "calls/s", many, [LEAST], 1.0),
        Result("calls recorded, one lane", "calls/s", one, [LEAST], 1.0),
        Result("calls recorded, against a bare sender", "calls/s", many, bare),
    ]


async def calling(place: TestDatabase, url: str, calls: int, lanes: int) -> float:
    """Calls per second of one worker, from its first attempt on record to its last."""
    await _put_in(place, calls, lanes)
    port = free_port()
    environment = {
        "PARCELS_DATABASE_URL": place.url("sample"),
        "PARCELS_RECEIVER": url,
        "PARCELS_PORT": str(port),
        "PARCELS_LOOK_AFTER": "60",
    }
    async with program(port, WORKER, "kit.testing.parcels", **environment):
        await _all_recorded(place, calls)
    return await _rate(place, calls)


async def _put_in(place: TestDatabase, calls: int, lanes: int) -> None:
    database = await Database.open(place.url("sample"), name="bench")
    outbound = Outbound()
    ledger = Ledger(database, [Parcels("", outbound, Timing())])
    for _ in range(lanes):
        await send_many(database, ledger, Lane(new_id(), "lane"), calls // lanes)
    await outbound.close()
    await database.close()


async def _all_recorded(place: TestDatabase, calls: int) -> None:
    connection = await asyncpg.connect(place.admin_url)
    try:
        async with asyncio.timeout(60):
            while await connection.fetchval("SELECT count(*) FROM sample.ledger_attempts") < calls:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _rate(place: TestDatabase, calls: int) -> float:
    """By the ledger's own record, which must hold each call once."""
    connection = await asyncpg.connect(place.admin_url)
    try:
        row = await connection.fetchrow(
            """
            SELECT extract(epoch FROM max(started_at) - min(started_at))::float8 AS seconds, count(*) AS calls,
                   count(DISTINCT entry_id) FILTER (WHERE outcome = 'done') AS done
            FROM sample.ledger_attempts
            """
        )
    finally:
        await connection.close()
    if row is None or row["calls"] != calls or row["done"] != calls:
        raise RuntimeError(f"{calls} calls were to be recorded once each: {row}")
    return calls / float(row["seconds"])


async def sending(url: str) -> float:
    """Calls per second of the bare sender, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *pinned(WORKER), sys.executable, "-m", "benchmarks.ledger", "sender", url, stdout=asyncio.subprocess.PIPE
    )
    return float((await process.communicate())[0])


async def sender(url: str) -> None:
    """Send as much as can be, so many at once."""
    outbound, sent = Outbound(), 0
    await outbound.warm()
    started = time.monotonic()

    async def send() -> None:
        nonlocal sent
        while time.monotonic() < started + SENDING_SECONDS:
            await outbound.send(Call("POST", f"{url}/parcels/lane/{new_id()}", body=b"{}", attempts=1))
            sent += 1

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    sys.stdout.write(f"{sent / (time.monotonic() - started)}\n")
    await outbound.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["sender"]:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(sender(sys.argv[2]))
    else:
        harness.run("ledger", measure)
