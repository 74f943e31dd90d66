"""How many webhooks one process takes in, each verified, sealed and answered after its own commit.

The reference is the same server that does not store: same door, same signature, same answer, no database. Beside it
stands the plain form, one insert per request. The server has a core to itself; wrk and PostgreSQL share the other.
Full: how fast one worker applies what is stored, too, with a source that inserts one row per item.
"""

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from benchmarks import harness, peers
from benchmarks.harness import Result, Size, percentile, pinned
from benchmarks.paced import paced, post
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.serving import serve
from kit.ids import new_id
from kit.intake.intake import Intake
from kit.intake.receiving import Door
from kit.intake.sealing import Sealing, place_of_delivery
from kit.intake.storing import Store
from kit.messaging.wakeup import Hint
from kit.process import Loop, in_order, run, supervise
from kit.telemetry import logging
from kit.testing import letters
from kit.testing.databases import Databases
from kit.testing.letters import PATH, Letters, delivery, keyring, letter, signed

SERVER, OTHERS = 0, 1  # cores
CONNECTIONS: Final = 64
SECONDS: Final = {"not stored": 2, "stored": 2, "single": 1}
ROUNDS: Final = {"short": 3, "full": 7}
RATE, PACED_SECONDS = 1_000, 2.0
LATEST_MS: Final = 20.0
ITEMS, PER_DELIVERY = 20_000, 20


class NotStored(Store):
    """The reference: an id and no row."""

    async def put(self, source: str, body: bytes) -> UUID:  # noqa: ARG002 - as the store has them
        return new_id()


class Single(Store):
    """The plain form: an insert of its own for every request, through the same pool."""

    def __init__(self, database: Database, sealing: Sealing) -> None:
        super().__init__(database, sealing)
        self._own, self._seal = database, sealing

    async def put(self, source: str, body: bytes) -> UUID:
        delivery_id = new_id()
        (sealed,) = await self._seal.seal_many(None, [(body, place_of_delivery(delivery_id))])
        await self._own.statement(
            "INSERT INTO intake_deliveries (id, source, body, bytes) VALUES ($1, $2, $3, $4)",
            delivery_id,
            source,
            sealed,
            len(body),
        )
        return delivery_id


FORMS: Final = {"not stored": NotStored, "stored": Store, "single": Single}


async def server(form: str, url: str, port: int, stop: asyncio.Event) -> None:
    """A service with one webhook and nothing else, with hints to its workers as in production."""
    logging.configure("bench", "warning")
    database = await Database.open(url, name="bench", pool_size=16, max_waiting=1000)
    hint = Hint(url, "letters")
    database.hinted = hint.notify
    app = create_app(
        service="bench", title="Bench", mounts={PATH: Door(Letters(), FORMS[form](database, keyring(database)))}
    )
    try:
        await in_order(stop, partial(serve, app, "127.0.0.1", port), partial(supervise, [Loop("hint", hint.run)]))
    finally:
        await database.close()


class Sender:
    """wrk with one signed delivery: three letters, or whatever is given with its headers and path."""

    def __init__(
        self, wrk: Path, folder: Path, given: bytes = b"", headed: Mapping[str, str] | None = None, path: str = PATH
    ) -> None:
        self._wrk, self._script, self._path, body = wrk, folder / "post.lua", path, folder / "body"
        self.body = given or delivery(*(letter(number, text="order " + "x" * 180) for number in range(3)))
        body.write_bytes(self.body)
        headed = headed or signed(self.body)
        headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in headed.items())
        self._script.write_text(
            f'wrk.method = "POST"\nwrk.body = io.open("{body}", "rb"):read("*a")\n{headers}', encoding="utf-8"
        )

    async def most(self, port: int, seconds: int) -> float:
        """How many requests per second are answered when as many as possible are sent."""
        await self._sent(port, 1)
        return await self._sent(port, seconds)

    async def _sent(self, port: int, seconds: int) -> float:
        url = f"http://127.0.0.1:{port}{self._path}"
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(self._script), url]
        process = await asyncio.create_subprocess_exec(
            *pinned(OTHERS), str(self._wrk), *options, stdout=asyncio.subprocess.PIPE
        )
        told = (await process.communicate())[0].decode()
        found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", told)
        if found is None or "Non-2xx" in told or "Socket errors" in told:
            raise RuntimeError(told)
        return int(found[1]) / (float(found[2]) / (1000 if found[3] == "ms" else 1))

    async def p99_ms(self, port: int) -> float:
        """How late an answer is at a fixed rate, but for one in a hundred."""
        request = post(PATH, signed(self.body), self.body)
        _, took = await paced(port, [request] * round(RATE * PACED_SECONDS), RATE)
        return 1000 * percentile(took, 99)


async def measure(size: Size) -> Sequence[Result]:
    """Rates against the form that stores nothing, and how late answers are at a fixed rate."""
    databases = Databases()
    try:
        rows = await receiving(databases, ROUNDS[size])
        if size == "full":
            rows += [await reducing(databases, keys) for keys in (10, 2_000)]
        return rows
    finally:
        await databases.close()


async def receiving(databases: Databases, rounds: int) -> list[Result]:
    """All forms alternately, each on an empty table."""
    try:
        wrk = peers.wrk()
    except peers.Missing as missing:
        return [Result("webhooks taken in", "req/s", bar=0.45, missing=str(missing))]
    rates: dict[str, list[float]] = {form: [] for form in FORMS}
    late: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        sender = Sender(wrk, Path(folder))
        for _ in range(rounds):
            for form, found in rates.items():
                place = await databases.clone({"letters": letters})
                async with harness.serving(SERVER, "benchmarks.intake", form, place.url("letters")) as port:
                    found.append(await sender.most(port, SECONDS[form]))
                    if form == "stored":
                        late.append(await sender.p99_ms(port))
    bare, stored, single = rates["not stored"], rates["stored"], rates["single"]
    limits = [min(8_000.0, 0.4 * rate) for rate in bare]
    return [
        Result("webhooks stored, against not stored", "req/s", stored, bare, 0.45),
        Result("webhooks stored, against 8,000 (or 0.4 of not stored)", "req/s", stored, limits, 1.0),
        Result("webhooks stored, against one insert each", "req/s", stored, single),
        Result(f"p99 at {RATE:,} req/s", "ms", late, [LATEST_MS], 1.0, less_is_better=True),
    ]


async def reducing(databases: Databases, keys: int) -> Result:
    """Items per second of one worker from stored deliveries to verdicts, with so many keys."""
    place = await databases.clone({"letters": letters})
    database = await Database.open(place.url("letters"), name="bench")
    source, stop = Letters(), asyncio.Event()
    intake = Intake(database, [source], keyring(database))
    store = Store(database, keyring(database))
    bodies = [
        delivery(*(letter(start + n, sender=f"{keys}-{(start + n) % keys}") for n in range(PER_DELIVERY)))
        for start in range(0, ITEMS, PER_DELIVERY)
    ]
    await asyncio.gather(*(store.put("letters", body) for body in bodies))
    started = time.perf_counter()
    working = asyncio.create_task(supervise(intake.loops(), stop))
    while True:
        await asyncio.sleep(0.1)
        rows = await database.statement("SELECT count(*) AS n FROM intake_items WHERE verdict IS NOT NULL")
        if rows[0]["n"] >= ITEMS:
            break
    seconds = time.perf_counter() - started
    stop.set()
    await working
    await database.close()
    return Result(f"items applied in order, {keys:,} keys", "items/s", [ITEMS / seconds])


if __name__ == "__main__":
    if sys.argv[1:2] == ["server"]:
        run(partial(server, sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        harness.run("intake", measure)
