"""Texts are handed to the publisher as a draft, and published posts come back to be learned from."""

import base64
from uuid import UUID

import orjson
import pytest

from contracts.generation import SamplesRequested, TextsHandedOver
from contracts.publisher import SamplesHandedOver
from generation.drafts.service import place
from generation.voices.sealing import text_place
from kit.ids import new_id
from kit.testing.programs import eventually

from .story import Story


async def test_the_texts_of_one_language_are_handed_over_once_sealed_for_their_draft(story: Story) -> None:
    ours, author, account = new_id(), new_id(), new_id()
    client = story.client(ours, sub=str(author))
    asked = await story.texts(client, platforms=["linkedin", "x"], languages=["en", "de"], variations=2, hashtags=2)
    ended = await story.ended(client, asked)
    key = {"idempotency-key": new_id().hex}
    body = {"language": "de", "variation": 2, "account_ids": [str(account)]}
    path = f"/v1/generations/{asked['id']}/drafts"
    first, twin = [await client.post(path, json=body, headers=key) for _ in range(2)]
    assert (first.status_code, twin.json()) == (202, first.json())
    (told,) = [each for each in await story.told_of(ours) if isinstance(each, TextsHandedOver)]
    assert str(told.post_id) == first.json()["post_id"]
    assert (told.user_id, told.account_ids) == (author, [account])
    opened = orjson.loads(await story.keyring.open(ours, base64.b64decode(told.texts), place(told.post_id)))
    wanted = [each for each in ended["texts"] if (each["language"], each["variation"]) == ("de", 2)]
    assert [(each["platform"], each["text"]) for each in opened] == [
        (each["platform"], each["published"]) for each in wanted
    ]
    assert "generation.texts.handed_over" in [line.action for line in await story.audited(ours)]


async def test_what_may_not_be_used_is_not_handed_over(story: Story) -> None:
    ours = new_id()
    client = story.client(ours)
    held = await story.ended(client, await story.texts(client, subject="You worthless idiot, buy bread"))
    assert held["state"] == "held"
    done = await story.ended(client, await story.texts(client))
    answers = [
        await client.post(f"/v1/generations/{held['id']}/drafts", json={}),
        await client.post(f"/v1/generations/{done['id']}/drafts", json={"variation": 4}),
        await client.post(f"/v1/generations/{done['id']}/drafts", json={"language": "fr"}),
        await client.post(f"/v1/generations/{new_id()}/drafts", json={}),
        await story.client(new_id()).post(f"/v1/generations/{done['id']}/drafts", json={}),
        await story.client(ours, role="analyst").post(f"/v1/generations/{done['id']}/drafts", json={}),
    ]
    assert [each.status_code for each in answers] == [409, 422, 422, 404, 404, 403]
    assert not any(isinstance(each, TextsHandedOver) for each in await story.told_of(ours))


@pytest.mark.parametrize("posts", [0, 2])
async def test_published_posts_that_come_back_twice_are_learned_from_once(story: Story, posts: int) -> None:
    ours = new_id()
    client = story.client(ours)
    body = {"name": "Bakery", "samples": [{"published_posts": 10}]}
    voice = (await client.post("/v1/generation/voices", json=body)).json()
    (asked,) = [each for each in await story.told_of(ours) if isinstance(each, SamplesRequested)]
    texts = ["We bake bread for you every morning, and we love it. Come by and taste it with us! " * 3] * posts
    sealed = await story.keyring.seal(ours, orjson.dumps(texts), text_place(asked.sample_id))
    event = SamplesHandedOver(
        organization_id=ours,
        time=story.now(),
        sample_id=asked.sample_id,
        posts=posts,
        texts=base64.b64encode(sealed).decode(),
    )
    await story.hear(event.model_copy(update={"organization_id": new_id()}), 0)
    await story.hear(event, 0, 0, 1)
    seen: dict[str, object] = {}

    async def learned() -> bool:
        seen.update((await client.get(f"/v1/generation/voices/{UUID(voice['id'])}")).json()["version_shown"])
        return seen["state"] != "learning"

    async with story.working():
        await eventually(learned, within=20)
    assert (seen["state"], seen["samples"]) == (("ready", 2) if posts else ("failed", 0))
