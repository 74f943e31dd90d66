"""The library's parts: the store, the workshop's bounds, and uploads when the process or the connection ends."""

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore

from kit.db.database import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Died, Mortal
from kit.testing.outside import Sandbox
from publisher.media.bench import Bench, Unexplained
from publisher.media.ranges import Unsatisfiable, chosen
from publisher.media.store import MediaStore, ObjectGone, StoreAway, of_media, of_organization
from publisher.media.workshop.verdict import Facts, Unfit

from .library import PATH, TUS, begin, bytes_of, film, picture, seen, send
from .story import Story


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Mortal.open(place.url("publisher"), name="publisher test", pool_size=8, acquire_within=20)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def s3(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket at Amazon's, as an operator names it, with the environment that says who we are there."""
    httpx.post(f"{sandbox.url}/control/s3/reset").raise_for_status()
    for name, value in {
        "AWS_ENDPOINT_URL": f"{sandbox.url}/s3",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "AKIASANDBOX",
        "AWS_SECRET_ACCESS_KEY": "sandbox-s3-secret",
        "AWS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    return "s3://media/a/prefix"


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    if request.param == "memory":
        return MediaStore(MemoryStore())
    return MediaStore.at(request.getfixturevalue("s3") if request.param == "s3" else f"file://{tmp_path / 'kept'}")


async def test_a_folder_and_a_bucket_are_the_same_to_us(store: MediaStore, tmp_path: Path) -> None:
    organization_id, media_id = new_id(), new_id()
    prefix, content = of_media(organization_id, media_id), os.urandom(12_000_000)
    (tmp_path / "whole").write_bytes(content)
    for _ in range(2):
        await store.put(f"{prefix}a", content[:10])
        await store.put(f"{prefix}b", tmp_path / "whole")
    assert await store.read(f"{prefix}b", 1_000_000, 5) == content[1_000_000:1_000_005]
    assert b"".join([each async for each in store.pieces(f"{prefix}b", 0, len(content))]) == content
    assert await store.fetch([(f"{prefix}a", 10), (f"{prefix}b", len(content))], tmp_path / "both") == 12_000_010
    assert (tmp_path / "both").read_bytes() == content[:10] + content
    other = of_media(new_id(), media_id)
    await store.put(f"{other}a", b"theirs")
    assert await store.remove(of_organization(organization_id)) == 2
    assert await store.remove(of_organization(organization_id)) == 0
    with pytest.raises(ObjectGone):
        await store.read(f"{prefix}a", 0, 1)
    assert await store.read(f"{other}a", 0, 10) == b"theirs"


async def test_a_bucket_that_does_not_know_us_or_is_not_there_is_away(
    s3: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await MediaStore.at(s3).put("kept/a", b"kept")
    with pytest.raises(StoreAway):
        await MediaStore.at("s3://another").put("kept/a", b"kept")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret")
    for refused in (MediaStore.at(s3).put("kept/b", b"new"), MediaStore.at(s3).read("kept/a", 0, 4)):
        with pytest.raises(StoreAway):
            await refused
    async with httpx.AsyncClient(base_url=sandbox.url) as http:
        kept = (await http.get("/s3/control/buckets/media/objects")).json()["items"]
    assert [(each["key"], each["size"]) for each in kept] == [("a/prefix/kept/a", 4)]


async def test_what_takes_too_long_is_ended_with_all_it_has_started(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(film(2.0))
    bench = Bench(tmp_path, examining=0.02)
    with pytest.raises(Unexplained):
        async with bench.place() as folder:
            await bench.examine(tmp_path / "film", folder / "made", "video/mp4", "")
    assert not [each for each in psutil.Process().children(recursive=True) if "workshop" in " ".join(each.cmdline())]
    assert [each.name for each in os.scandir(tmp_path)] == ["film"]


async def test_a_film_becomes_what_is_asked(tmp_path: Path) -> None:
    bench, source = Bench(tmp_path), tmp_path / "film"
    source.write_bytes(film())
    async with bench.place() as folder:
        known = await bench.examine(source, folder / "kept", "video/mp4", "")
        fit = {"width_max": 64, "ratio_max": 1.0, "fps_max": 20.0, "bytes_max": 2_000_000}
        made = await bench.render(folder / "kept", folder / "made", known, fit)
        assert (made.width, made.height, made.frames_per_second) == (64, 64, 20.0)
        assert (made.video_codec, made.audio_codec) == ("h264", "aac")
        with pytest.raises(Unfit) as refused:
            await bench.render(folder / "kept", folder / "made", known, {"bytes_max": 10_000})
        assert refused.value.code == "cannot-fit"


async def test_a_picture_becomes_small_enough(tmp_path: Path) -> None:
    bench, source = Bench(tmp_path), tmp_path / "picture"
    source.write_bytes(picture(1200, 300, "PNG"))
    async with bench.place() as folder:
        known = Facts("image", "image/png", source.stat().st_size, 1200, 300)
        fit = {"mime": "image/jpeg", "bytes_max": 20_000, "ratio_max": 1.91, "width_max": 1000}
        made = await bench.render(source, folder / "made", known, fit)
    assert made.mime == "image/jpeg"
    assert made.size_bytes <= 20_000
    assert made.width / made.height == pytest.approx(1.91, abs=0.01)


async def test_killed_at_any_step_an_upload_goes_on_from_what_was_answered_for(
    story: Story, database: Mortal
) -> None:
    client, content = story.client(new_id()), picture(64, 64)
    where = (await begin(client, len(content))).headers["location"]
    at = 0
    for step in range(1, 12):
        database.live_for(step)
        with suppress(Died, ExceptionGroup):
            await send(client, where, at, content[at : at + 40])
        database.live_for(None)
        stands = int((await client.head(where, headers=TUS)).headers["upload-offset"])
        assert stands in {at, min(at + 40, len(content))}
        at = stands
    assert (await send(client, where, at, content[at:])).status_code == 204
    async with story.working():
        found = await seen(client, where.rpartition("/")[2])
        assert found["state"] == "ready", found
        kept = (await client.get(f"{PATH}/{found['id']}/content")).content
    assert len(kept) == found["size_bytes"]


async def test_what_came_before_the_connection_broke_is_kept(story: Story) -> None:
    """The connection ends in the middle of a body that was announced as longer."""
    from starlette.requests import ClientDisconnect

    client, content = story.client(new_id()), picture()
    where = (await begin(client, len(content))).headers["location"]

    async def broken() -> AsyncIterator[bytes]:
        yield content[:500]
        raise ClientDisconnect

    organization_id = client.auth.organization_id  # type: ignore[union-attr]
    uploads = next(each for each in story.made.library if hasattr(each, "append"))
    caller = type("Caller", (), {"organization_id": organization_id})()
    from uuid import UUID

    kept = await uploads.append(UUID(where.rpartition("/")[2]), 0, broken(), caller)
    assert kept.received == 500
    assert (await client.head(where, headers=TUS)).headers["upload-offset"] == "500"
    assert len(await bytes_of(story)) == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 1000), st.integers(0, 1200), st.integers(0, 1200))
def test_a_range_is_never_beyond_the_content(size: int, first: int, last: int) -> None:
    try:
        found = chosen(f"bytes={first}-{last}", size)
    except Unsatisfiable:
        assert first >= size
        return
    assert found is None or (0 <= found[0] < found[1] <= size)
    assert found is not None or last < first
