"""Real workers, all platforms, one worker killed halfway, answers lost: none live twice, none lost."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(600)  # five programs are started; on a busy machine that alone takes a minute
async def test_a_rush_over_all_platforms_with_a_killed_worker_and_lost_answers_is_live_once(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.rush", "small", str(told)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await program.communicate()
    assert program.returncode == 0, output.decode()
    came = json.loads(told.read_text(encoding="utf-8"))
    assert (came["posts"], came["twice"], came["lost"], came["failed"], came["unconfirmed"]) == (70, 0, 0, 0, 0)
    assert came["once"] == came["done"] + came["searched"] == 70
    assert came["refused_for_quota"] == 0
