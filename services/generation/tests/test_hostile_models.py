"""Whatever a model returns: the stored text is valid for its platform, or the job fails and says why."""

import json
from typing import Any

import httpx
import pytest

from kit.ids import new_id
from postrules import text_rules
from postrules.drafts import Draft
from postrules.limits import Platform

from .story import Story


@pytest.fixture
def story(with_key: Story) -> Story:
    return with_key


async def play(openai: httpx.AsyncClient, text: str, **more: Any) -> None:
    body = {"kind": "says", "text": text} | more
    (await openai.put("/openai/control/scenario", json=body)).raise_for_status()


def said(text: Any, **more: Any) -> str:
    return json.dumps({"p1": {"text": text} | more})


GOOD = said("We bake bread for you every morning, and we are glad to see you here on Saturday with your friends.")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("{", "not the JSON"),
        ("Sure! Here is your caption.", "not the JSON"),
        ("[" * 100_000, "not the JSON"),
        ("[]", "not a JSON object"),
        ("{}", "no text of the right shape"),
        (said(7), "no text of the right shape"),
        (said({"text": "x"}), "no text of the right shape"),
        (said(""), "empty"),
        (said(" \n "), "empty"),
        (said("word " * 2000), ""),
        (said("Wir backen jeden Morgen Brot für euch und wir freuen uns auf euch am Samstag im Laden."), "language"),
        (said("Paid\u202e for by nobody we would like to name here, and you are the first to know."), "nobody sees"),
        (said("null\u0000byte is not what we would like to publish for you on this day."), "control"),
        (said("Bread for you and for all of us.", hashtags=["#a", "#b", "#c"]), "hashtags"),
        (said("Bread for you and for all of us.", parts=["more", "and more"]), "parts"),
    ],
)
@pytest.mark.parametrize("platform", ["x", "linkedin"])
async def test_what_cannot_be_published_fails_the_job_with_the_reason(
    story: Story, openai: httpx.AsyncClient, answer: str, why: str, platform: str
) -> None:
    await play(openai, answer)
    client = story.client(new_id())
    ended = await story.ended(client, await story.texts(client, platforms=[platform]))
    assert (ended["state"], ended["reason"], ended["texts"]) == ("failed", "not_acceptable", [])
    assert why in ended["detail"]
    assert ended["attempts"] == 3
    assert (await client.get("/v1/generation/budget")).json()["reserved_micros"] == 0


async def test_what_is_better_the_second_time_is_kept_as_it_came(story: Story, openai: httpx.AsyncClient) -> None:
    steps = [{"text": "no"}, {"text": GOOD}]
    await play(openai, "", kind="script", steps=steps)
    client = story.client(new_id())
    ended = await story.ended(client, await story.texts(client, platforms=["x"]))
    assert (ended["state"], ended["attempts"]) == ("done", 2)
    (text,) = ended["texts"]
    assert text["text"] == json.loads(GOOD)["p1"]["text"]
    assert not [each for each in text_rules.check(Draft(Platform.X, text["published"])) if each.blocks]
