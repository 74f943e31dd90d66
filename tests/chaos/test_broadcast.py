"""A broadcast past dying workers, lost answers, doubled statuses: nobody gets it twice, nobody is forgotten."""

from pathlib import Path

import pytest
from benchmarks.broadcast_chaos.judging import LOST, books
from benchmarks.broadcast_chaos.setting import opened
from benchmarks.broadcast_chaos.story import Story, Terms
from rich.console import Console

from kit.testing.databases import Databases


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_nobody_gets_it_twice_and_nobody_is_forgotten(databases: Databases, tmp_path: Path) -> None:
    """The small form of `make broadcast-chaos`."""
    terms = Terms(recipients=1_000, workers=2, rate=120, kill_every=1.5, broker_away=1, within=150, most_kills=2)
    async with opened(databases, tmp_path, terms.workers) as setting:
        story = Story(setting, terms)
        found = await books(setting, await story.run())
    Console().print(found.table(), story.shots)
    assert found.faults(terms.recipients) == []
    assert (story.shots.kills, story.shots.restarts) == (2, 1)
    lost = [each for each in found.recipients.values() if each.outside == LOST]
    assert {each.state for each in lost if each.told} <= {"delivered", "failed"}
    assert len(lost) > 10, "answers were lost"
