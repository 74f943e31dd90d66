"""Many texts within a day, at half the price; the provider is played by the sandbox."""

import math
from typing import Any

import httpx
import pytest

from kit.ids import new_id
from kit.testing.programs import eventually

from .story import Story

PATH = "/v1/generation/batches"
ITEMS = [{"subject": f"Shop number {number} opens", "platforms": ["x"]} for number in range(4)]


@pytest.fixture
def bulk(with_key: Story) -> Story:
    return with_key


async def begun(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post(PATH, json={"items": ITEMS})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def until(story: Story, client: httpx.AsyncClient, batch: dict[str, Any], *states: str) -> dict[str, Any]:
    """The batch once it stands so, while time runs on."""
    seen: dict[str, Any] = {}

    async def there() -> bool:
        seen.update((await client.get(f"{PATH}/{batch['id']}")).json())
        await story.forward(seconds=10)
        return bool(seen["state"] in states)

    async with story.working():
        await eventually(there, within=60)
    return seen


async def stands(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/v1/generation/budget")).json()
    return found


async def test_a_batch_is_worked_through_at_half_the_price(bulk: Story) -> None:
    ours = new_id()
    client = bulk.client(ours)
    batch = await begun(client)
    assert (batch["state"], batch["running"]) == ("queued", 4)
    before = await stands(client)
    assert before["reserved_micros"] > 0
    assert before["generations_used"] == 4
    done = await until(bulk, client, batch, "done")
    assert (done["done"], done["failed"], done["running"]) == (4, 0, 0)
    texts = (await client.get("/v1/generations")).json()["items"]
    after = await stands(client)
    assert (after["spent_micros"], after["reserved_micros"]) == (sum(each["cost_micros"] for each in texts), 0)
    for each in texts:
        assert each["cost_micros"] == math.ceil((each["input_tokens"] * 0.75 + each["output_tokens"] * 4.5) / 2)
    (saving,) = (await client.get("/v1/generation/usage")).json()["savings"]
    assert (saving["way"], saving["calls"]) == ("batch", 4)


async def test_an_expired_batch_keeps_and_pays_what_was_done_and_the_rest_costs_nothing(
    bulk: Story, openai: httpx.AsyncClient
) -> None:
    client = bulk.client(new_id())
    (await openai.put("/openai/control/batches", json={"still": True})).raise_for_status()
    batch = await begun(client)
    await until(bulk, client, batch, "submitted")
    (there,) = (await openai.get("/openai/v1/batches")).json()["data"]
    (await openai.post(f"/openai/control/batches/{there['id']}/expire")).raise_for_status()
    done = await until(bulk, client, batch, "done")
    assert (done["done"], done["failed"]) == (2, 2)
    now = await stands(client)
    assert (now["reserved_micros"], now["generations_used"]) == (0, 2)
    texts = (await client.get("/v1/generations")).json()["items"]
    assert {each["cost_micros"] for each in texts if each["state"] == "failed"} == {0}
    assert {each["reason"] for each in texts if each["state"] == "failed"} == {"batch_without_answer"}


async def test_a_batch_whose_beginning_nobody_heard_of_is_looked_for_and_begun_once(
    bulk: Story, openai: httpx.AsyncClient
) -> None:
    client = bulk.client(new_id())
    rule = {"kind": "drop_after_effect", "match": {"path": "/openai/v1/batches", "method": "POST"}, "times": 1}
    (await openai.put("/control/openai/faults", json=[rule])).raise_for_status()
    batch = await begun(client)
    done = await until(bulk, client, batch, "done")
    assert done["done"] == 4
    assert len((await openai.get("/openai/v1/batches")).json()["data"]) == 1


async def test_what_is_called_off_before_it_left_costs_nothing(bulk: Story) -> None:
    client, theirs = bulk.client(new_id()), bulk.client(new_id())
    batch = await begun(client)
    assert (await theirs.post(f"{PATH}/{batch['id']}/cancel")).status_code == 404
    cancelled = (await client.post(f"{PATH}/{batch['id']}/cancel")).json()
    assert (cancelled["state"], cancelled["failed"]) == ("failed", 4)
    assert (await client.post(f"{PATH}/{batch['id']}/cancel")).status_code == 409
    now = await stands(client)
    assert (now["spent_micros"], now["reserved_micros"], now["generations_used"]) == (0, 0, 0)


async def test_a_batch_that_the_budget_does_not_cover_begins_nothing(bulk: Story) -> None:
    client = bulk.client(new_id())
    await bulk.budget(client, 1_000)
    answer = await client.post(PATH, json={"items": ITEMS})
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("budget-exhausted")
    now = await stands(client)
    assert (now["spent_micros"], now["reserved_micros"], now["generations_used"]) == (0, 0, 0)
    assert (await client.get("/v1/generations")).json()["items"] == []


async def test_an_item_that_is_blocked_is_named(bulk: Story) -> None:
    items = [*ITEMS, {"subject": "a sexualized minor", "platforms": ["x"]}]
    answer = await bulk.client(new_id()).post(PATH, json={"items": items})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/items/4/subject"


async def test_without_a_provider_of_batches_that_is_said(story: Story) -> None:
    answer = await story.client(new_id()).post(PATH, json={"items": ITEMS})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("no-batches")
