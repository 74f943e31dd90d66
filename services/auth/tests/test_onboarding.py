"""First steps: six of them, to be done, skipped, and taken up again; at the end there is a first draft."""

import asyncio
from typing import Any

import httpx
import pytest

from auth.onboarding.choices import GOALS, STEPS, TEMPLATES
from auth.onboarding.model import Progress
from auth.onboarding.schemas import Goal, Step, Template
from contracts.auth import AuthAuditRecorded, OnboardingCompleted
from kit.ids import new_id

from .story import Person, Story, problem


class Steps:
    """Somebody's first steps in one organization."""

    def __init__(self, person: Person, organization_id: str) -> None:
        self.person, self.path = person, f"/v1/organizations/{organization_id}/onboarding"

    async def read(self) -> httpx.Response:
        return await self.person.call("GET", self.path)

    async def move(self, tag: str, **body: Any) -> httpx.Response:
        return await self.person.call("PATCH", self.path, json=body, headers={"if-match": tag})

    async def complete(self, tag: str, **body: Any) -> httpx.Response:
        path = f"{self.path}/completion"
        return await self.person.call("POST", path, json=body, headers={"if-match": tag})


@pytest.fixture
async def steps(story: Story) -> Steps:
    ada = await story.person("ada@first.test")
    return Steps(ada, await ada.create())


def test_what_is_published_is_what_is_accepted() -> None:
    assert (len(STEPS), len(GOALS), len(TEMPLATES)) == (6, 5, 6)
    assert tuple(STEPS) == Step.__args__  # type: ignore[attr-defined] # of a Literal
    assert tuple(GOALS) == Goal.__args__  # type: ignore[attr-defined]
    assert tuple(TEMPLATES) == Template.__args__  # type: ignore[attr-defined]


def test_one_goes_on_where_nothing_was_done_or_skipped() -> None:
    progress = Progress(new_id())
    for at, step in enumerate(STEPS):
        assert progress.step == step
        progress = progress.moved(done=[step]) if at % 2 else progress.moved(skipped=[step])
    assert progress.step is None
    assert progress.moved(reopened=["team", "accounts"]).step == "accounts"
    assert progress.moved(done=["goals"]).state_of("goals") == "done", "what was skipped can be done later"
    assert progress.moved(skipped=["brand"]).state_of("brand") == "done", "what is done is not skipped"


async def test_the_choices_are_the_same_for_everybody(story: Story) -> None:
    answer = await story.http.get("/v1/onboarding/choices")
    assert answer.headers["cache-control"].startswith("public")
    assert {kind: [each["name"] for each in items] for kind, items in answer.json().items()} == {
        "steps": list(STEPS),
        "goals": list(GOALS),
        "templates": list(TEMPLATES),
    }


async def test_steps_are_done_skipped_and_taken_up_again(steps: Steps) -> None:
    begun = await steps.read()
    assert (begun.headers["etag"], begun.json()["step"], begun.json()["version"]) == ('"v0"', "goals", 0)
    first = await steps.move('"v0"', done=["goals"], goals=["be_seen", "win_customers", "be_seen"])
    assert (first.status_code, first.headers["etag"], first.json()["step"]) == (200, '"v1"', "brand")
    assert first.json()["goals"] == ["be_seen", "win_customers"]
    skipped = await steps.move('"v1"', skip=["brand", "organization", "accounts"])
    assert (skipped.json()["step"], skipped.json()["version"]) == ("team", 2)
    resumed = await steps.move('"v2"', reopen=["brand"], template="food")
    assert (resumed.json()["step"], resumed.json()["template"]) == ("brand", "food")
    shown = {each["name"]: each["state"] for each in (await steps.read()).json()["steps"]}
    assert shown == {
        "goals": "done",
        "brand": "open",
        "organization": "skipped",
        "accounts": "skipped",
        "team": "open",
        "first_post": "open",
    }
    assert problem(await steps.move('"v3"', done=["dance"])) == (422, "invalid")


async def test_of_two_windows_one_is_told_to_read_again(steps: Steps) -> None:
    answers = await asyncio.gather(*(steps.move('"v0"', done=[step]) for step in STEPS))
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5]
    assert problem(await steps.move('"v0"', done=["team"])) == (412, "version-mismatch")
    answer = await steps.person.call("PATCH", steps.path, json={"done": ["team"]})
    assert problem(answer) == (428, "if-match-required")


async def test_completion_keeps_the_choices_and_has_a_draft_written_once(story: Story, steps: Steps) -> None:
    assert problem(await steps.complete('"v0"')) == (409, "template-missing")
    await steps.move('"v0"', done=["goals"], goals=["be_seen"])
    assert problem(await steps.complete('"v0"', template="craft")) == (412, "version-mismatch")
    answers = await asyncio.gather(*(steps.complete('"v1"', template="craft") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}, "the answer may have been lost"
    assert len({answer.json()["post_id"] for answer in answers}) == 1
    done = answers[0].json()
    assert (done["step"], done["template"], done["goals"], done["version"]) == (None, "craft", ["be_seen"], 2)
    assert {each["state"] for each in done["steps"]} == {"done"}
    (completed,) = await story.told(OnboardingCompleted)
    assert isinstance(completed, OnboardingCompleted)
    assert (str(completed.post_id), completed.template, completed.goals, completed.language) == (
        done["post_id"],
        "craft",
        ["be_seen"],
        "en",
    )
    lines = [each.action for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    assert lines.count("auth.onboarding.completed") == 1
    assert problem(await steps.move('"v2"', template="shop")) == (409, "onboarding-over")


async def test_everybody_has_their_own_steps_in_each_organization(story: Story, steps: Steps) -> None:
    ada = steps.person
    organization_id = steps.path.split("/")[3]
    bob = Steps(await story.member(ada, organization_id, "bob@first.test", "editor"), organization_id)
    await steps.move('"v0"', done=["goals"])
    assert (await bob.read()).json()["version"] == 0
    other = Steps(ada, await ada.create("Other"))
    assert (await other.read()).json()["version"] == 0
    agent = Steps(await story.member(ada, organization_id, "agent@first.test", "agent"), organization_id)
    assert problem(await agent.read()) == (403, "role-missing")
    eve = Steps(await story.person("eve@first.test"), organization_id)
    assert problem(await eve.read()) == (404, "organization-not-found")
