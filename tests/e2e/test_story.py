"""The first story, told through the public doors of the whole running platform."""

import httpx
import pytest

from local.demo import StepResult, tell
from local.demo.story import Story
from local.trial import Trial

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def test_every_step_of_the_story_is_seen_from_outside(platform: Trial, http: httpx.AsyncClient) -> None:
    shown: list[StepResult] = []
    results = await tell(Story(platform.plan, http).steps(), shown.append)
    assert [f"{result.name}: {result.seen}" for result in results if not result.ok] == []
    assert shown == results


async def test_a_story_that_breaks_off_is_told_as_failed() -> None:
    async def breaks() -> str:
        raise LookupError("nothing there")

    async def follows() -> str:
        return "seen"

    results = await tell([("breaks", breaks), ("follows", follows)], lambda _: None)
    assert [result.ok for result in results] == [False, False]
    assert "nothing there" in results[0].seen
