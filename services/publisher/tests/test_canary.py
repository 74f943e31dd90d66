"""Once a day each platform is asked whether it still answers our version."""

from datetime import timedelta

from kit.http.client import Outbound
from postrules.limits import Platform
from publisher.platforms.canary import ANSWERS, Canary, Question

from .abroad import Side, Stored
from .story import Story


def answers(platform: Platform) -> float:
    return float(ANSWERS.labels(platform.value)._value.get())


async def test_a_version_that_is_gone_is_seen_on_the_next_day(story: Story) -> None:
    side, outbound = Side(story, "youtube", Stored()), Outbound()
    url = f"{str(story.linkedin.http.base_url).rstrip('/')}/youtube/api/youtube/v3/channels"
    canary = Canary(outbound, story.database.clock, {Platform.YOUTUBE: Question(url)})
    await canary.sing()
    assert answers(Platform.YOUTUBE) == 1
    await side.fails({"kind": "refuse_before_effect", "status": 410, "match": {"path": "/youtube/api"}})
    await canary.sing()
    assert answers(Platform.YOUTUBE) == 1
    await story.forward(seconds=timedelta(days=1).total_seconds())
    await canary.sing()
    assert answers(Platform.YOUTUBE) == 0
    await outbound.close()
