"""Pictures, films, links and comments on LinkedIn, through the door."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually

from .abroad import Side, Stored
from .story import POSTING, Story

PARTS = {"path": "/linkedin/www/dms-uploads/videos", "method": "PUT"}


@pytest.fixture
async def linkedin(place: TestDatabase, database: Database, sandbox: Sandbox) -> AsyncIterator[Side]:
    stored = Stored()
    async with Story.told(place, database, sandbox, stored) as story:
        yield Side(story, "linkedin", stored)


async def live(side: Side) -> list[dict[str, Any]]:
    return await side.seen("posts")


async def test_pictures_stand_together_with_a_first_comment_below(linkedin: Side) -> None:
    client = linkedin.story.client(new_id())
    account = await linkedin.story.connect(client)
    media = [{"media_id": linkedin.stored.picture(), "alt": "A loaf"}, {"media_id": linkedin.stored.picture()}]
    post = await linkedin.story.post(client, account, content={"media": media, "first_comment": "More below"})
    async with linkedin.story.working():
        await linkedin.until(client, post, "published")

        async def commented() -> bool:
            await linkedin.story.forward(seconds=1)
            return bool(await linkedin.seen("comments"))

        await eventually(commented)
    (one,) = await live(linkedin)
    images = one["body"]["content"]["multiImage"]["images"]
    assert [image.get("altText") for image in images] == ["A loaf", None]
    (comment,) = await linkedin.seen("comments")
    assert (comment["post"], comment["text"]) == (one["urn"], "More below")


async def test_a_film_is_sent_in_parts_and_live_once_though_answers_are_lost(linkedin: Side) -> None:
    client = linkedin.story.client(new_id())
    account = await linkedin.story.connect(client)
    await linkedin.fails(
        {"kind": "drop_after_effect", "match": PARTS, "times": 3},
        {"kind": "drop_after_effect", "match": POSTING, "times": 1},
    )
    content = {"media": [{"media_id": linkedin.stored.film(9_000_000)}], "title": "Bread"}
    post = await linkedin.story.post(client, account, content=content)
    async with linkedin.story.working():
        found = await linkedin.until(client, post, "published", step=3.0)
    (one,) = await live(linkedin)
    assert one["body"]["content"]["media"]["title"] == "Bread"
    assert found["deliveries"][0]["external_id"] == one["urn"]


async def test_a_film_that_linkedin_cannot_process_is_explained(linkedin: Side) -> None:
    await linkedin.set_app(processing="fails", processing_seconds=0)
    client = linkedin.story.client(new_id())
    account = await linkedin.story.connect(client)
    content = {"media": [{"media_id": linkedin.stored.film(100_000)}]}
    async with linkedin.story.working():
        failed = await linkedin.until(client, await linkedin.story.post(client, account, content=content), "failed")
    assert failed["deliveries"][0]["reason"].startswith(
        "LinkedIn could not process the video: The video could not be"
    )
    assert await live(linkedin) == []


@pytest.mark.parametrize(("title", "shown"), [("Our menu", "Our menu"), ("", "Bread of the week")])
async def test_a_document_is_live_once_with_its_title_though_answers_are_lost(
    linkedin: Side, title: str, shown: str
) -> None:
    client = linkedin.story.client(new_id())
    account = await linkedin.story.connect(client)
    sending = {"path": "/linkedin/www/dms-uploads/documents", "method": "PUT"}
    await linkedin.fails(
        {"kind": "drop_after_effect", "match": sending, "times": 3},
        {"kind": "drop_after_effect", "match": POSTING, "times": 1},
    )
    content = {"media": [{"media_id": linkedin.stored.document(2_000_000)}], "title": title}
    text = f"Bread of the week\n{new_id()}"
    post = await linkedin.story.post(client, account, text=text, content=content)
    async with linkedin.story.working():
        found = await linkedin.until(client, post, "published", step=3.0)
    (one,) = await live(linkedin)
    media = one["body"]["content"]["media"]
    assert (media["id"].startswith("urn:li:document:"), media["title"]) == (True, shown)
    assert found["deliveries"][0]["external_id"] == one["urn"]


async def test_a_document_that_linkedin_cannot_process_is_explained(linkedin: Side) -> None:
    await linkedin.set_app(processing="fails", processing_seconds=0)
    client = linkedin.story.client(new_id())
    account = await linkedin.story.connect(client)
    content = {"media": [{"media_id": linkedin.stored.document()}]}
    async with linkedin.story.working():
        failed = await linkedin.until(client, await linkedin.story.post(client, account, content=content), "failed")
    assert failed["deliveries"][0]["reason"].startswith("LinkedIn could not process the document")
    assert await live(linkedin) == []


async def test_a_document_stands_alone(linkedin: Side) -> None:
    client = linkedin.story.client(new_id())
    account = await linkedin.story.connect(client)
    media = [{"media_id": linkedin.stored.picture()}, {"media_id": linkedin.stored.document()}]
    asked = {"text": "x", "targets": [account], "publish_at": "now", "content": {"media": media}}
    refused = await client.post("/v1/posts", json=asked)
    assert (refused.status_code, refused.json()["findings"][0]["rule"]) == (422, "media.mixed")


async def test_a_link_is_shown_as_a_card(linkedin: Side) -> None:
    client = linkedin.story.client(new_id())
    account = await linkedin.story.connect(client)
    content = {"link": "https://example.org/bread", "title": "Bread"}
    post = await linkedin.story.post(client, account, content=content)
    async with linkedin.story.working():
        await linkedin.until(client, post, "published")
    (one,) = await live(linkedin)
    assert one["body"]["content"]["article"] == {"source": "https://example.org/bread", "title": "Bread"}
