"""Workers of the chaos runs: who ends by itself is started again, within bounds, and a wait says what is missing."""

from pathlib import Path

import pytest
from benchmarks.crew import Crew, CrewGone, Unfinished

from kit.testing.ports import free_port

SLEEPS = ("timeit", "-n1", "-r1", "-s", "import time", "time.sleep(600)")


async def nothing() -> bool:
    return False


async def test_a_worker_that_never_finds_its_database_is_told_of_with_its_last_words(tmp_path: Path) -> None:
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    crew = Crew(("benchmarks.orders", "worker", away, "1"), tmp_path / "log", replaced=1)
    await crew.start()
    with pytest.raises(CrewGone, match=r"(?s)2 of .* ended by themselves.*DatabaseUnavailable"):
        await crew.until(nothing, lambda: "nothing comes", within=60)
    await crew.end()


async def test_a_worker_that_cannot_begin_is_started_again(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(
        "import pathlib, sys, time\n"
        "seen = pathlib.Path(sys.argv[1])\n"
        "first = not seen.exists()\n"
        "seen.touch()\n"
        "if first: sys.exit('too many connections')\n"
        "print('at work', flush=True)\n"
        "time.sleep(600)\n"
    )
    crew = Crew(("late", str(tmp_path / "seen")), tmp_path / "log", {"PYTHONPATH": str(tmp_path)}, replaced=1)
    await crew.start()

    async def at_work() -> bool:
        return "at work" in crew.last_words()

    await crew.until(at_work, lambda: "nobody was started again", within=60)
    assert (crew.ended, len(crew.members)) == (1, 1)
    await crew.end()


async def test_a_wait_ends_and_says_what_is_missing(tmp_path: Path) -> None:
    crew = Crew(SLEEPS, tmp_path / "log")
    await crew.start(2)
    with pytest.raises(Unfinished, match="3 of 7 items; 2 workers run, 0 ended by themselves"):
        await crew.until(nothing, lambda: "3 of 7 items", within=0.5)
    await crew.kill()
    assert len(crew.members) == 2
    await crew.end()
    assert crew.members == []
