"""The golden set: what is asked of each feature, and what must hold of the answer, whoever writes it.

Here our own program writes, without a network. `make golden` runs the same against OpenAI, or any server that speaks
its API, where `GENERATION_OPENAI_API_KEY` (and `GENERATION_OPENAI_URL`) are set; that costs a few cents.
"""

import os
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from generation.templates.model import library
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Mortal

from .story import Story

CASES: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("golden.toml").read_text("utf-8"))
SET: Final = {f"{feature}.{name}": case for feature, cases in CASES.items() for name, case in cases.items()}
REAL: Final = os.environ.get("GENERATION_OPENAI_API_KEY", "")


@pytest.fixture
async def story(place: TestDatabase, database: Mortal) -> AsyncIterator[Story]:
    """Generation with the key that is set, or else without one."""
    url = os.environ.get("GENERATION_OPENAI_URL", "https://api.openai.com/v1")
    changed = {"openai_api_key": REAL, "openai_url": url} if REAL else {}
    async with Story.told(place, database, **changed) as told:
        yield told


@pytest.mark.parametrize("name", SET)
async def test_of_each_feature_what_comes_back_is_as_it_must_be(story: Story, name: str) -> None:
    case, client = SET[name], story.client(new_id())
    if "samples" in case:
        samples = [{"text": each} for each in case["samples"]]
        voice = {"name": name, "samples": samples, "rules": {"banned_words": case.get("banned", [])}}
        assert (await client.post("/v1/generation/voices", json=voice)).status_code == 201
    ended = await story.ended(client, await story.texts(client, **case["body"]))
    assert (ended["state"], ended["reason"]) == (case.get("state", "done"), case.get("reason", "")), ended["detail"]
    for text in ended["texts"]:
        whole = "\n".join((text["published"], text["title"], *text["parts"]))
        assert not [each for each in case.get("never", ()) if each in whole], whole
        assert not case.get("any_of") or [each for each in case["any_of"] if each in whole], whole
        assert not case.get("shorter") or len(text["text"]) < len(case["body"]["subject"])
        assert (text["score"] or 0) >= case.get("score", 0), whole


@pytest.mark.parametrize("name", library())
async def test_each_template_is_written_with_the_examples_of_its_variables(story: Story, name: str) -> None:
    template, client = library()[name], story.client(new_id())
    variables = {each: variable.example for each, variable in template.variables.items()}
    parts = {"parts": 3} if template.kind == "thread" else {}
    body = {
        "kind": template.kind,
        "platforms": [each.value for each in template.made_for],
        "template": {"id": name, "variables": variables},
    }
    asked = await client.post("/v1/generations", json=body | parts)
    assert asked.status_code == 202, asked.text
    ended = await story.ended(client, asked.json())
    assert ended["state"] == "done", ended
    assert ended["template"] == f"{name}/{template.version}"
    assert {each["platform"] for each in ended["texts"]} == {each.value for each in template.made_for}
