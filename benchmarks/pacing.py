"""How exactly a lane keeps its pace, measured where the calls arrive.

Each case starts a receiver and some workers as processes, puts rows in, and looks at the arrivals: the most in any
one-second window against the limit, of which one per cent more is allowed, and the mean over ten seconds. Where it
says `killed`, one worker gets SIGKILL in the middle of the window that is measured. Last, how long one parcel takes
behind very many of another tenant.
"""

import asyncio
import json
import sys
import tempfile
import time
import urllib.request
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import harness
from benchmarks.harness import Result, Size
from kit.db.database import Database
from kit.http.client import Outbound
from kit.ids import new_id
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Lane
from kit.testing import sample
from kit.testing.databases import Databases
from kit.testing.parcels import Parcels, send_many
from kit.testing.ports import free_port
from kit.testing.programs import Program

WARM, MEASURED = 2.0, 10.0
DELAY = 0.1
ROUNDS: Final = 3
BEHIND: Final = 100_000
ALLOWED: Final = 1.01


@dataclass(frozen=True, slots=True)
class Case:
    """A lane's limit in calls per second, and who works on it."""

    rate: float
    workers: int
    killed: bool = False

    def __str__(self) -> str:
        return f"{self.rate:.0f}/s, {self.workers} worker{'s' * (self.workers > 1)}{', killed' * self.killed}"


CASES: Final = (Case(80, 1), Case(80, 3, killed=True), Case(1000, 1), Case(1000, 3), Case(1000, 3, killed=True))


def worker(database_url: str, receiver: str, folder: Path, number: int) -> Program:
    port = free_port()
    environment = {
        "PARCELS_DATABASE_URL": database_url,
        "PARCELS_RECEIVER": receiver,
        "PARCELS_PORT": str(port),
        "PARCELS_LOOK_AFTER": "60",
    }
    return Program(("kit.testing.parcels",), environment, folder / f"worker-{number}.log", port)


async def pacing(case: Case) -> tuple[float, float]:
    """The most arrivals in any one second, and the mean per second."""
    databases = Databases()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = await databases.clone({"sample": sample})
        url, port = place.url("sample"), free_port()
        receiver = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kit.testing.parcels.receiver", str(port), str(DELAY)
        )
        programs = [worker(url, f"http://127.0.0.1:{port}", folder, number) for number in range(case.workers)]
        try:
            for program in programs:
                await program.start()
            database = await Database.open(url, name="bench")
            outbound = Outbound()
            ledger = Ledger(database, [Parcels("", outbound, Timing())])
            rows = int(case.rate * (WARM + MEASURED + 2))
            await send_many(database, ledger, Lane(new_id(), "lane", case.rate), rows)
            await asyncio.sleep(WARM + MEASURED / 2)
            if case.killed:
                await programs[0].kill()
            await asyncio.sleep(MEASURED / 2 + 0.5)
            await outbound.close()
            await database.close()
            arrivals = await asyncio.to_thread(_arrivals, port)
        finally:
            for program in programs:
                await program.kill()
            receiver.kill()
            await receiver.wait()
            await databases.close()
    return figures(arrivals)


def _arrivals(port: int) -> list[float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/arrivals", timeout=30) as answer:
        return sorted(each[0] for each in json.loads(answer.read()))


def figures(arrivals: Sequence[float]) -> tuple[float, float]:
    """The most in any one second; the mean over the seconds that are measured."""
    most = max(bisect_left(arrivals, start + 1.0) - place for place, start in enumerate(arrivals))
    begin = arrivals[0] + WARM
    return most, (bisect_left(arrivals, begin + MEASURED) - bisect_left(arrivals, begin)) / MEASURED


async def fairness() -> float:
    """How many milliseconds one parcel takes to arrive behind very many of another tenant, on one worker."""
    databases = Databases()
    with tempfile.TemporaryDirectory() as name:
        place = await databases.clone({"sample": sample})
        url, port = place.url("sample"), free_port()
        receiver = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kit.testing.parcels.receiver", str(port), str(DELAY)
        )
        program = worker(url, f"http://127.0.0.1:{port}", Path(name), 0)
        try:
            database = await Database.open(url, name="bench")
            outbound = Outbound()
            ledger = Ledger(database, [Parcels("", outbound, Timing())])
            await send_many(database, ledger, Lane(new_id(), "big"), BEHIND)
            await program.start()
            waits = []
            for _ in range(10):
                began = time.monotonic()
                (subject,) = await send_many(database, ledger, Lane(new_id(), "small"), 1)
                while not (arrived := await asyncio.to_thread(_arrival, port, str(subject))):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                waits.append(arrived - began)
            await outbound.close()
            await database.close()
        finally:
            await program.kill()
            receiver.kill()
            await receiver.wait()
            await databases.close()
    return 1000 * median(waits)


def _arrival(port: int, subject: str) -> float | None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/arrivals", timeout=30) as answer:
        return next((each[0] for each in json.loads(answer.read()) if each[2] == subject), None)


async def measure(_size: Size) -> Sequence[Result]:
    """Each case a few times."""
    rows = []
    for case in CASES:
        found = [await pacing(case) for _ in range(ROUNDS)]
        rows += [
            Result(
                f"{case}: most in a second",
                "calls",
                [most for most, _ in found],
                [case.rate * ALLOWED],
                1.0,
                less_is_better=True,
            ),
            Result(
                f"{case}: mean", "calls/s", [mean for _, mean in found], [case.rate], None if case.killed else 0.97
            ),
        ]
    waits = [await fairness() for _ in range(ROUNDS)]
    return [*rows, Result(f"one parcel behind {BEHIND:,} of another tenant", "ms", waits)]


if __name__ == "__main__":
    harness.run("pacing", measure)
