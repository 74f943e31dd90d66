"""The first story, told through the public doors of the whole running platform."""

import httpx
import pytest

from local.demo import StepResult, tell
from local.demo.story import Story
from local.trial import Trial

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
CONTACTS = 5_000
_IMPORT, _BROADCAST = "Contacts come in", "A broadcast leaves"


async def test_every_step_of_the_story_is_seen_from_outside(platform: Trial, http: httpx.AsyncClient) -> None:
    """With a smaller file than `make demo` has."""
    shown: list[StepResult] = []
    progress: dict[str, list[int]] = {}
    story = Story(
        platform.plan, http, contacts=CONTACTS, watch=lambda what, done, _: progress.setdefault(what, []).append(done)
    )
    results = await tell(story.steps(), shown.append)
    assert [f"{result.name}: {result.seen}" for result in results if not result.ok] == []
    assert shown == results
    assert {what: told[-1] for what, told in progress.items()} == {_IMPORT: CONTACTS, _BROADCAST: CONTACTS // 50}
    assert progress[_IMPORT] == sorted(progress[_IMPORT])


async def test_a_story_that_breaks_off_is_told_as_failed() -> None:
    async def breaks() -> str:
        raise LookupError("nothing there")

    async def follows() -> str:
        return "seen"

    results = await tell([("breaks", breaks), ("follows", follows)], lambda _: None)
    assert [result.ok for result in results] == [False, False]
    assert "nothing there" in results[0].seen
