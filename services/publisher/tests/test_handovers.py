"""Texts that generation hands over become one draft, once; and published posts are handed over to be learned from."""

import asyncio
import base64
from typing import Any
from uuid import UUID

import orjson
import pytest

from contracts.event import Event, encode
from contracts.generation import SamplesRequested, TextsHandedOver
from contracts.publisher import DraftRefused, DraftWritten, SamplesHandedOver
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.seal import Keyring, LocalMasterKey
from publisher.worker import SUBSCRIPTIONS

from .story import MASTER, Story

TEXTS = [
    {"platform": "linkedin", "text": "A second shop opens on Saturday.", "title": "", "parts": []},
    {"platform": "x", "text": "Second shop. Saturday.", "title": "", "parts": ["Coffee is free."]},
]


def keyring(story: Story) -> Keyring:
    return Keyring(story.database, LocalMasterKey.from_text(MASTER))


async def handed(
    story: Story, organization_id: UUID, texts: Any = TEXTS, *, place: UUID | None = None, **changed: Any
) -> TextsHandedOver:
    """What generation says."""
    post_id = new_id()
    where = f"handovers/{place or post_id}/texts_sealed".encode()
    sealed = await keyring(story).seal(organization_id, orjson.dumps(texts), where)
    said = {
        "organization_id": organization_id,
        "time": story.now(),
        "post_id": post_id,
        "generation_id": new_id(),
        "user_id": new_id(),
        "account_ids": [],
        "texts": base64.b64encode(sealed).decode(),
    }
    return TextsHandedOver.model_validate(said | changed)


async def hear(story: Story, event: Event) -> None:
    """Let it arrive: twice, as may happen, and once more as another message."""
    subscription = next(each for each in SUBSCRIPTIONS if each.event is type(event))
    for generation in (0, 0, 1):
        delivery = Delivery(1, encode(event), event.id, event.type, generation, event=event)
        await Applier(story.database, event.type, event.type, subscription).apply([delivery])


async def posts(story: Story, organization_id: UUID) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await story.client(organization_id).get("/v1/posts")).json()["items"]
    return items


async def test_what_is_handed_over_becomes_one_draft_however_often_it_is_heard(story: Story) -> None:
    ours = new_id()
    event = await handed(story, ours)
    await hear(story, event)
    await story.made.handovers.work()
    await hear(story, event)
    await story.made.handovers.work()
    (draft,) = await posts(story, ours)
    assert (draft["id"], draft["status"], draft["text"]) == (str(event.post_id), "draft", TEXTS[0]["text"])
    assert draft["created_by"] == str(event.user_id)
    (told,) = [each for each in await story.told_of(ours) if isinstance(each, DraftWritten)]
    assert told.post_id == event.post_id
    (line,) = [each for each in await story.audited(ours) if each.action == "publisher.post.created"]
    assert (line.actor_id, line.details["by"]) == (event.user_id, "generation")
    async with story.database.transaction(ours) as tx:
        (row,) = await tx.fetch("SELECT state, user_id, texts_sealed FROM handovers")
    assert (row["state"], row["user_id"], row["texts_sealed"]) == ("done", None, None)


async def test_a_draft_that_was_deleted_is_not_written_again(story: Story) -> None:
    ours = new_id()
    event = await handed(story, ours)
    await hear(story, event)
    await story.made.handovers.work()
    assert (await story.client(ours).delete(f"/v1/posts/{event.post_id}")).status_code == 204
    await hear(story, event)
    await story.made.handovers.work()
    assert await posts(story, ours) == []


async def test_each_account_gets_the_text_of_its_platform_and_the_draft_can_be_scheduled(story: Story) -> None:
    ours = new_id()
    client = story.client(ours)
    account = await story.connect(client)
    event = await handed(story, ours, list(reversed(TEXTS)), account_ids=[UUID(account)])
    await hear(story, event)
    await story.made.handovers.work()
    (draft,) = await posts(story, ours)
    assert draft["text"] == TEXTS[1]["text"]
    (delivery,) = draft["deliveries"]
    assert (delivery["account_id"], delivery["text"]) == (account, TEXTS[0]["text"])
    at = {"publish_at": "now"}
    scheduled = await client.post(f"/v1/posts/{draft['id']}/schedule", json=at)
    assert scheduled.status_code == 200, scheduled.text
    async with story.working():
        shown = await story.until(client, draft, "published")
    assert shown["status"] == "published"


async def test_two_workers_at_once_make_one_draft(story: Story) -> None:
    ours = new_id()
    for _ in range(5):
        await hear(story, await handed(story, ours))
    await asyncio.gather(*(story.made.handovers.work() for _ in range(2)))
    assert len(await posts(story, ours)) == 5


async def test_what_was_sealed_for_another_draft_or_tenant_or_nobody_becomes_none_and_says_so(story: Story) -> None:
    ours, theirs = new_id(), new_id()
    stolen = await handed(story, theirs)
    wrong = [
        await handed(story, ours, place=new_id()),
        await handed(story, ours, texts="junk"),
        stolen.model_copy(update={"organization_id": ours, "post_id": new_id()}),
        await handed(story, ours, [TEXTS[0] | {"platform": "myspace"}]),
    ]
    good = await handed(story, ours)
    for event in [*wrong, good]:
        await hear(story, event)
    await story.made.handovers.work()
    assert [each["id"] for each in await posts(story, ours)] == [str(good.post_id)]
    refused = [each for each in await story.told_of(ours) if isinstance(each, DraftRefused)]
    assert {each.post_id for each in refused} == {each.post_id for each in wrong}
    assert {each.reason for each in refused} == {"not-readable"}
    assert await posts(story, theirs) == []


async def test_an_account_of_others_or_nobodys_is_left_out(story: Story) -> None:
    ours, theirs = new_id(), new_id()
    account = await story.connect(story.client(theirs))
    await hear(story, await handed(story, ours, account_ids=[UUID(account), new_id()]))
    await story.made.handovers.work()
    (draft,) = await posts(story, ours)
    assert draft["deliveries"] == []


@pytest.mark.parametrize("at_most", [1, 50])
async def test_published_posts_are_handed_over_once_and_nothing_else_of_ours_or_others(
    story: Story, at_most: int
) -> None:
    ours, theirs = new_id(), new_id()
    for organization_id, words in ((ours, "ours"), (theirs, "theirs")):
        client = story.client(organization_id)
        account = await story.connect(client)
        live = [await story.post(client, account, text=f"{words} {number}") for number in range(2)]
        await client.post("/v1/posts", json={"text": f"{words} draft", "publish_at": None})
        async with story.working():
            for each in live:
                await story.until(client, each, "published")
    asked = SamplesRequested(organization_id=ours, time=story.now(), sample_id=new_id(), at_most=at_most)
    await hear(story, asked)
    for _ in range(2):
        await story.made.handovers.work()
    (told,) = [each for each in await story.told_of(ours) if isinstance(each, SamplesHandedOver)]
    place = f"voice_samples/{asked.sample_id}/text_sealed".encode()
    opened = orjson.loads(await keyring(story).open(ours, base64.b64decode(told.texts), place))
    assert opened == ["ours 1", "ours 0"][:at_most]
    assert told.posts == len(opened)
