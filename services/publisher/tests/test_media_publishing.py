"""Uploaded pictures and films on their way: made what each platform takes, fetched, or sent in pieces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.listening import listening
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually
from postrules.drafts import Draft, Media
from postrules.limits import Platform
from publisher.media.fitting import shape_for
from publisher.media.workshop.verdict import Facts

from .abroad import Side, Stored, applications
from .library import PATH, film, picture, taken
from .meta_side import MetaSide
from .story import Story


@dataclass
class Street:
    """Where platforms meet our addresses: whatever they ask is asked of the application, and noted."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    client: httpx.AsyncClient | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        self.asked.append(path)
        assert self.client is not None
        answer = await self.client.get(path)
        told = f"HTTP/1.1 {answer.status_code} X\r\ncontent-type: {answer.headers['content-type']}\r\n"
        told += f"content-length: {len(answer.content)}\r\nconnection: close\r\n\r\n"
        writer.write(told.encode() + answer.content)
        await writer.drain()

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator["Street"]:
        street = cls()
        async with listening(street.serve) as street.port:
            yield street


@pytest.fixture
async def street() -> AsyncIterator[Street]:
    async with Street.opened() as opened:
        yield opened


@pytest.fixture
async def town(place: TestDatabase, database: Database, sandbox: Sandbox, street: Street) -> AsyncIterator[Story]:
    public = f"http://127.0.0.1:{street.port}"
    async with Story.told(place, database, sandbox, public_url=public, **applications(sandbox)) as story:
        street.client = story.client(None)
        yield story


def showing(*media: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"media": [{"media_id": each["id"]} for each in media], **more}


async def test_instagram_fetches_what_was_made_for_it(town: Story, street: Street) -> None:
    instagram, client = MetaSide(town, "instagram"), town.client(new_id())
    account = await instagram.connect(client)
    async with town.working():
        wide = await taken(client, picture(600, 200, "PNG"), "image/png", alt="a long table")
        draft = {"text": "Bread", "targets": [account], "content": showing(wide)}
        (shown,) = (await client.post("/v1/posts/preview", json=draft)).json()["previews"]
        found = {each["rule"]: each["blocks"] for each in shown["findings"]}
        assert found == {"image.types": False, "image.ratio.max": False}
        post = await town.post(client, account, content=showing(wide))
        await instagram.settles(client, post, "published")
    (live,) = await instagram.live()
    assert live
    (path,) = dict.fromkeys(street.asked)
    assert street.client is not None
    fetched = await street.client.get(path)
    assert (fetched.status_code, fetched.headers["content-type"]) == (200, "image/jpeg")
    assert fetched.headers["x-content-type-options"] == "nosniff"
    part = await street.client.get(path, headers={"range": "bytes=0-1"})
    assert (part.status_code, part.content) == (206, b"\xff\xd8")
    head = await street.client.head(path)
    assert head.headers["content-length"] == str(len(fetched.content))


async def test_an_address_ends_and_cannot_be_made_by_others(town: Story, street: Street) -> None:
    client = town.client(new_id())
    async with town.working():
        shot = await taken(client, picture(64, 64))
        async with town.database.transaction(*[]) as tx:
            assert await town.made.media.source.find(tx, []) == {}
        other = await taken(client, picture(64, 65))
    links = await town.made.media.signing.links()
    organization_id = new_id()
    stranger = links.address(organization_id, new_id(), "image/jpeg", town.now())
    assert street.client is not None
    assert (await street.client.get(urlsplit(stranger).path)).status_code == 410
    addresses = await addresses_of(town, client, shot, other)
    assert len(set(addresses)) == 2
    first, second = (urlsplit(each).path for each in addresses)
    assert (await street.client.get(first)).status_code == 200
    forged = first.replace("/file.", "x/file.")
    sealed = first.split("/")[3]
    changed = sealed[:-2] + ("B" if sealed[-2] == "A" else "A") + sealed[-1]
    cut = "/".join([*first.split("/")[:3], changed, "file.jpg"])
    for wrong in (forged, cut, "/v1/media-files/AAAA/file.jpg", "/v1/media-files/%C3%A4/file.jpg"):
        assert (await street.client.get(wrong)).status_code == 410, wrong
    assert (await client.delete(f"{PATH}/{shot['id']}")).status_code == 204
    assert (await street.client.get(first)).status_code == 410
    await town.forward(days=2, hours=1)
    assert (await street.client.get(second)).status_code == 410


async def addresses_of(town: Story, client: httpx.AsyncClient, *media: dict[str, Any]) -> list[str]:
    """Where platforms find these."""
    from uuid import UUID

    assert isinstance(client.auth, httpx.Auth)
    organization_id = client.auth.organization_id  # type: ignore[attr-defined]
    async with town.database.transaction(organization_id) as tx:
        found = await town.made.media.source.find(tx, [UUID(each["id"]) for each in media])
    return [str(found[UUID(each["id"])].url) for each in media]


async def test_an_uploaded_film_goes_to_youtube_in_pieces(town: Story) -> None:
    youtube, client = Side(town, "youtube", Stored()), town.client(new_id())
    account = await youtube.connect(client)
    async with town.working():
        shown = await taken(client, film(2.0), "video/mp4")
        post = await town.post(client, account, content=showing(shown, title="Bread"))
        await youtube.until(client, post, "published")
    (live,) = await youtube.seen("videos")
    assert live["size"] == shown["size_bytes"]


async def test_a_picture_goes_to_x_and_linkedin_as_it_is(town: Story) -> None:
    x, client = Side(town, "x", Stored()), town.client(new_id())
    accounts = [await x.connect(client), await town.connect(client)]
    async with town.working():
        shot = await taken(client, picture(640, 480), alt="bread")
        post = await town.post(client, *accounts, content=showing(shot))
        await x.until(client, post, "published")
    assert len(await town.linkedin.live()) == 1
    assert shot["state"] == "ready"


async def test_what_is_not_made_when_it_is_due_is_waited_for_and_says_so(town: Story) -> None:
    instagram, client = MetaSide(town, "instagram"), town.client(new_id())
    account = await instagram.connect(client)
    rendering: Any = town.made.ledger.kinds["publisher.media.render"]
    places = rendering.bench.places
    async with town.working():
        wide = await taken(client, picture(600, 200))
        await places.acquire()
        post = await town.post(client, account, content=showing(wide))
        seen: dict[str, Any] = {}

        async def waiting() -> bool:
            seen.update((await town.shown(client, post))["deliveries"][0])
            return bool(seen["code"] == "media-not-ready")

        await eventually(waiting)
        assert seen["reason"] == "Item 1 is still being made what instagram takes."
        assert not await instagram.live()
        places.release()
        await instagram.settles(client, post, "published")
    assert len(await instagram.live()) == 1


async def test_what_cannot_be_made_says_which_item_and_why(town: Story) -> None:
    instagram, client = MetaSide(town, "instagram"), town.client(new_id())
    account = await instagram.connect(client)
    async with town.working():
        wide = await taken(client, picture(600, 200))
    at = (town.now() + timedelta(hours=1)).isoformat()
    post = await town.post(client, account, publish_at=at, content=showing(wide))
    await town.made.media.store.remove(f"{client.auth.organization_id.hex}/")  # type: ignore[union-attr]
    async with town.working():

        async def given_up() -> bool:
            async with town.database.transaction(client.auth.organization_id) as tx:  # type: ignore[union-attr]
                return bool(await tx.fetchval("SELECT count(*) FROM renditions WHERE state = 'failed'"))

        await eventually(given_up)
        await town.forward(hours=1)
        failed = await instagram.settles(client, post, "failed")
    assert "Item 1 cannot be made what instagram takes" in failed["deliveries"][0]["reason"]


def test_what_fits_stays_as_it_is_and_the_same_wish_has_one_name() -> None:
    square = Facts("image", "image/jpeg", 100_000, 1080, 1080)
    large = Facts("image", "image/png", 9_000_000, 4000, 4000)

    def draft(platform: Platform) -> Draft:
        return Draft(platform, media=(Media("image"),))

    assert all(shape_for(draft(each), square) is None for each in (Platform.INSTAGRAM, Platform.X, Platform.LINKEDIN))
    first, second = (
        shape_for(draft(Platform.INSTAGRAM), each) for each in (large, Facts("image", "image/gif", 1, 9, 9))
    )
    assert first is not None
    assert second is not None
    assert first.key == second.key
    hevc = Facts("video", "video/mp4", 1_000_000, 1080, 1920, 9000, 30.0, video_codec="hevc", audio_codec="aac")
    assert shape_for(Draft(Platform.LINKEDIN, media=(Media("video"),)), hevc) is not None
