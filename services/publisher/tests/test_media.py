"""The library through the door: uploaded in pieces, looked at by what trusts nothing, kept, and let go of."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

from contracts.publisher import UploadAccepted, UploadRefused
from kit.http.etag import etag
from kit.ids import new_id
from kit.testing.programs import eventually

from .library import PATH, TUS, UPLOADS, begin, bytes_of, film, picture, seen, send, taken, uploaded
from .story import Story


async def test_an_upload_goes_on_where_it_was_cut_and_is_then_looked_at(story: Story) -> None:
    organization_id = new_id()
    client, content = story.client(organization_id), picture(1200, 900)
    begun = await begin(client, len(content), name="cake.jpg", filename="cake.jpg", alt="a cake")
    where = begun.headers["location"]
    assert (begun.status_code, begun.headers["upload-offset"], begun.headers["tus-resumable"]) == (201, "0", "1.0.0")

    async def cut() -> AsyncIterator[bytes]:
        yield content[:1000]

    assert (await send(client, where, 0, cut())).headers["upload-offset"] == "1000"
    stands = await client.head(where, headers=TUS)
    told = stands.headers
    assert (told["upload-offset"], told["upload-length"], told["cache-control"]) == (
        "1000",
        str(len(content)),
        "no-store",
    )
    wrong = await send(client, where, 0, content)
    assert (wrong.status_code, wrong.json()["offset"]) == (409, 1000)
    assert (await send(client, where, 1000, content[1000:])).status_code == 204
    assert (await client.head(where, headers=TUS)).headers["upload-offset"] == str(len(content))
    async with story.working():
        found = await seen(client, where.rpartition("/")[2])
    assert (found["state"], found["kind"], found["mime"]) == ("ready", "image", "image/jpeg")
    assert (found["width"], found["height"], found["alt"], found["name"]) == (1200, 900, "a cake", "cake.jpg")
    assert [type(each) for each in await story.told_of(organization_id)] == [UploadAccepted]


async def test_of_two_who_send_the_same_bytes_at_once_one_is_told_where_it_stands(story: Story) -> None:
    client, content = story.client(new_id()), picture()
    where = (await begin(client, len(content))).headers["location"]
    answers = await asyncio.gather(*(send(client, where, 0, content) for _ in range(4)))
    assert {each.status_code for each in answers} <= {204, 409}
    assert sum(each.status_code == 204 for each in answers) == 1
    assert len(await bytes_of(story)) == 1


async def test_creating_twice_under_one_key_is_one_upload(story: Story) -> None:
    client = story.client(new_id())
    client.headers["idempotency-key"] = "once"
    first, second = await begin(client, 100), await begin(client, 100)
    assert first.headers["location"] == second.headers["location"]


@pytest.mark.parametrize(
    ("size", "mime", "name", "status", "pointer"),
    [
        (100, "image/svg+xml", "", 422, "Upload-Metadata filetype"),
        (100, "", "", 422, "Upload-Metadata filetype"),
        (100, "image/png", "cake.jpg", 422, "Upload-Metadata filename"),
        (100, "image/png", "ca\x00ke.png", 422, "Upload-Metadata filename"),
        (0, "image/png", "", 422, "Upload-Length"),
        (60_000_000, "image/png", "", 413, None),
    ],
)
async def test_what_is_not_taken_is_refused_before_its_first_byte(
    story: Story, size: int, mime: str, name: str, status: int, pointer: str | None
) -> None:
    answer = await begin(story.client(new_id()), size, mime, filename=name)
    assert answer.status_code == status, answer.text
    assert [each["parameter"] for each in answer.json().get("errors", [])] == ([pointer] if pointer else [])


async def test_the_protocol_is_kept(story: Story) -> None:
    client = story.client(new_id())
    told = await client.options(UPLOADS)
    assert (told.status_code, told.headers["tus-version"]) == (204, "1.0.0")
    assert "creation" in told.headers["tus-extension"]
    assert (await client.post(UPLOADS, headers={"upload-length": "1"})).status_code == 412
    where = (await begin(client, 10)).headers["location"]
    plain = await client.patch(where, headers={**TUS, "upload-offset": "0"}, content=b"x")
    assert plain.status_code == 415
    assert (await send(client, where, 0, b"x" * 11)).status_code == 422
    assert (await client.head(where, headers=TUS)).headers["upload-offset"] == "0"
    assert (await client.delete(where, headers=TUS)).status_code == 204
    assert (await client.head(where, headers=TUS)).status_code == 404
    assert (await send(client, where, 0, b"x")).status_code == 404


async def test_storage_is_set_aside_used_and_given_back(story: Story) -> None:
    client = story.client(new_id())

    async def storage() -> tuple[int, int]:
        told = (await client.get(f"{PATH}/storage")).json()
        return told["used"], told["reserved"]

    where = (await begin(client, 5_000_001)).headers["location"]
    assert await storage() == (0, 6)
    await client.delete(where, headers=TUS)
    assert await storage() == (0, 0)
    async with story.working():
        media_id = (await taken(client, picture()))["id"]
        assert await storage() == (1, 0)
        assert (await client.delete(f"{PATH}/{media_id}")).status_code == 204
        assert await storage() == (0, 0)
        refused = await seen(client, await uploaded(client, b"not a picture at all" * 10))
        assert (refused["state"], await storage()) == ("refused", (0, 0))
    for _ in range(5):
        assert (await begin(client, 99_000_000, "video/mp4")).status_code == 201
    full = await begin(client, 99_000_000, "video/mp4")
    assert (full.status_code, full.json()["type"]) == (403, "urn:rostrum:problem:quota-exhausted")


async def test_an_upload_that_nobody_finishes_lapses_with_its_bytes(story: Story) -> None:
    client = story.client(new_id())
    where = (await begin(client, 1000)).headers["location"]
    await send(client, where, 0, b"x" * 10)
    assert len(await bytes_of(story)) == 1
    await story.forward(hours=24, seconds=1)
    assert (await send(client, where, 10, b"x" * 10)).status_code == 404
    async with story.working():

        async def gone() -> bool:
            return not await bytes_of(story)

        await eventually(gone)
    assert (await client.head(where, headers=TUS)).status_code == 404
    assert (await client.get(f"{PATH}/storage")).json()["reserved"] == 0


async def test_what_is_kept_says_nothing_of_where_and_by_what_it_was_made(story: Story) -> None:
    client = story.client(new_id())
    async with story.working():
        shot = await taken(client, picture(640, 480, orientation=6, hidden=True))
        shown = await taken(client, film(), "video/mp4")
    assert (shot["width"], shot["height"]) == (480, 640)
    content = (await client.get(f"{PATH}/{shot['id']}/content")).content
    with Image.open(io.BytesIO(content)) as kept:
        assert kept.size == (480, 640)
        assert not dict(kept.getexif())
    assert b"Example Camera" not in content
    moving = (await client.get(f"{PATH}/{shown['id']}/content")).content
    assert b"Taken by Ann" in film()
    assert b"Taken by Ann" not in moving
    assert (shown["width"], shown["height"], shown["video_codec"], shown["audio_codec"]) == (128, 96, "h264", "aac")
    assert 900 < shown["duration_ms"] < 1200
    assert shown["frames_per_second"] == pytest.approx(25, abs=0.5)


def bomb() -> bytes:
    """A PNG of 30,000 by 30,000 pixels in a few kilobytes."""
    import struct
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        told = kind + content
        return struct.pack(">I", len(content)) + told + struct.pack(">I", zlib.crc32(told))

    body = chunk(b"IDAT", zlib.compress(b"\0" * 4096))
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


HOSTILE: dict[str, tuple[bytes, str, str]] = {
    "a bomb": (bomb(), "image/png", "too-many-pixels"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "image/png", "unsafe-type"),
    "html": (b"<!DOCTYPE html><script>1</script>", "image/jpeg", "unsafe-type"),
    "another type": (picture(32, 32, "PNG"), "image/jpeg", "type-mismatch"),
    "half a picture": (picture()[: len(picture()) // 2], "image/jpeg", "truncated"),
    "half a film": (film()[: len(film()) * 2 // 3], "video/mp4", "truncated"),
    "a playlist": (b"#EXTM3U\nfile:///etc/passwd\n", "video/mp4", "unknown-type"),
    "a film of nothing": (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2" + b"\0" * 64, "video/mp4", "truncated"),
    "noise": (bytes(range(256)) * 4, "image/gif", "unknown-type"),
    "half a gif": (picture(64, 64, "GIF")[:200], "image/gif", "damaged"),
    "a script in a pdf": (b"%PDF-1.7\n/OpenAction << /S /JavaScript >>\n%%EOF", "application/pdf", "active-content"),
}


async def test_hostile_files_are_refused_with_the_reason(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    async with story.working():
        ids = {name: await uploaded(client, content, mime) for name, (content, mime, _) in HOSTILE.items()}
        found = {name: await seen(client, media_id) for name, media_id in ids.items()}
        polyglot = await taken(client, picture() + b"PK\x03\x04<script>alert(1)</script>")
    assert {name: each["code"] for name, each in found.items()} == {
        name: code for name, (_, _, code) in HOSTILE.items()
    }
    assert all(each["reason"] and each["kind"] is None for each in found.values())
    assert b"<script>" not in (await client.get(f"{PATH}/{polyglot['id']}/content")).content
    told = [each for each in await story.told_of(organization_id) if isinstance(each, UploadRefused)]
    assert len(told) == len(HOSTILE)


async def test_media_are_listed_described_read_in_parts_and_deleted(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    async with story.working():
        first, second = [await taken(client, picture(64, 64 + each)) for each in range(2)]
        page = (await client.get(PATH, params={"limit": 1})).json()
        assert [each["id"] for each in page["items"]] == [second["id"]]
        rest = (await client.get(PATH, params={"limit": 1, "cursor": page["next_cursor"], "state": "ready"})).json()
        assert ([each["id"] for each in rest["items"]], rest["next_cursor"]) == ([first["id"]], None)
        where = f"{PATH}/{first['id']}"
        changed = await client.patch(where, json={"alt": "bread"}, headers={"if-match": etag(first["version"])})
        assert (changed.status_code, changed.json()["alt"]) == (200, "bread")
        stale = await client.patch(where, json={"alt": "no"}, headers={"if-match": etag(first["version"])})
        assert stale.status_code == 412
        whole = (await client.get(f"{where}/content")).content
        part = await client.get(f"{where}/content", headers={"range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
        beyond = await client.get(f"{where}/content", headers={"range": f"bytes={len(whole)}-"})
        assert beyond.status_code == 416
        assert (await client.delete(where)).status_code == 204
        assert (await client.get(where)).status_code == 404

        async def removed() -> bool:
            return not any(first["id"].replace("-", "") in key for key in await bytes_of(story))

        await eventually(removed)
    assert second["id"].replace("-", "") in "".join(await bytes_of(story))


async def test_what_people_do_is_in_the_audit_trail(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    where = (await begin(client, 10)).headers["location"]
    media_id = where.rpartition("/")[2]
    read = (await client.get(f"{PATH}/{media_id}")).json()
    await client.patch(f"{PATH}/{media_id}", json={"alt": "x"}, headers={"if-match": etag(read["version"])})
    assert (await client.delete(where, headers=TUS)).status_code == 204
    lines = await story.audited(organization_id)
    assert [(each.action.rpartition(".")[2], each.target_id) for each in lines] == [
        ("uploaded", media_id),
        ("described", media_id),
        ("deleted", media_id),
    ]


async def test_others_see_nothing_of_it(story: Story) -> None:
    client, stranger = story.client(new_id()), story.client(new_id())
    async with story.working():
        mine = await taken(client, picture(64, 64))
    where = f"{PATH}/{mine['id']}"
    for method, path in (
        ("GET", where),
        ("DELETE", where),
        ("GET", f"{where}/content"),
        ("HEAD", f"{UPLOADS}/{mine['id']}"),
    ):
        assert (await stranger.request(method, path, headers=TUS)).status_code == 404, path
    assert (await stranger.get(PATH)).json()["items"] == []
    assert (await send(stranger, f"{UPLOADS}/{mine['id']}", 0, b"x")).status_code == 404
    reader = story.client(new_id(), "analyst")
    assert (await begin(reader, 10)).status_code == 403


async def test_what_a_scheduled_post_uses_is_not_deleted(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    async with story.working():
        mine = await taken(client, picture(640, 640))
    at = story.now().replace(year=story.now().year + 1).isoformat()
    content: dict[str, Any] = {"media": [{"media_id": mine["id"]}]}
    post = await story.post(client, account, publish_at=at, content=content)
    refused = await client.delete(f"{PATH}/{mine['id']}")
    assert (refused.status_code, refused.json()["posts"]) == (409, [post["id"]])
    assert (await client.post(f"/v1/posts/{post['id']}/cancel")).status_code == 200
    assert (await client.delete(f"{PATH}/{mine['id']}")).status_code == 204
    late = await client.post("/v1/posts", json={"text": "x", "targets": [account], "content": content})
    assert late.status_code == 422
