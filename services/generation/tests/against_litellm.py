"""Generation unchanged against a server that others wrote: LiteLLM's proxy with mock responses (`make litellm`)."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Mortal

from .story import Story

PRICES = """
[sources.mock]
url = "https://example.com"
read = 2026-12-01
"""
MODEL = """
[[models]]
id = "{name}"
provider = "compatible"
input = "{price}"
cached = "0.1"
output = "{price}"
context = 100_000
most_output = 16_000
quality = 3
structured = true
source = "mock"
"""


@pytest.fixture
async def story(place: TestDatabase, database: Mortal, tmp_path: Path) -> AsyncIterator[Story]:
    prices = tmp_path / "prices.toml"
    named = (("mock-busy", "1"), ("mock-good", "2"), ("mock-wrong", "3"), ("mock-broken", "3"), ("mock-talks", "3"))
    prices.write_text(PRICES + "".join(MODEL.format(name=name, price=price) for name, price in named))
    told = {
        "compatible_url": os.environ["ROSTRUM_LITELLM_URL"],
        "compatible_api_key": os.environ["ROSTRUM_LITELLM_KEY"],
        "prices_file": str(prices),
    }
    async with Story.told(place, database, **told) as told_story:
        yield told_story


async def test_a_text_is_streamed_checked_and_paid_for_by_the_tokens_that_the_proxy_counts(story: Story) -> None:
    client = story.client(new_id())
    ended = await story.ended(client, await story.texts(client, model="mock-good"))
    assert ended["state"] == "done", ended
    assert ended["texts"][0]["text"].startswith("We open a second shop")
    assert ended["input_tokens"] > 0
    assert ended["output_tokens"] > 0
    assert ended["cost_micros"] == 2 * (ended["input_tokens"] + ended["output_tokens"])
    assert (await client.get("/v1/generation/budget")).json()["reserved_micros"] == 0


async def test_another_model_is_asked_when_the_cheapest_is_busy_and_that_costs_nothing(story: Story) -> None:
    client = story.client(new_id())
    ended = await story.ended(client, await story.texts(client))
    assert (ended["state"], ended["model"]) == ("done", "mock-good"), ended
    usage = (await client.get("/v1/generation/usage", params={"by": "model"})).json()["items"]
    assert {each["key"]: each["cost_micros"] for each in usage}["mock-busy"] == 0


async def test_what_is_not_acceptable_is_asked_for_three_times_and_paid_for(story: Story) -> None:
    client = story.client(new_id())
    ended = await story.ended(client, await story.texts(client, model="mock-wrong"))
    assert (ended["state"], ended["reason"], ended["attempts"]) == ("failed", "not_acceptable", 3), ended
    assert ended["cost_micros"] > 0


async def test_a_failure_over_there_proves_nothing_and_counts_in_full(story: Story) -> None:
    client = story.client(new_id())
    ended = await story.ended(client, await story.texts(client, model="mock-broken"))
    assert (ended["state"], ended["reason"]) == ("failed", "unanswered"), ended
    budget = (await client.get("/v1/generation/budget")).json()
    assert budget["spent_micros"] > 0
    assert budget["reserved_micros"] == 0
