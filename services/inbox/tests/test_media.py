"""What comes with messages is fetched by itself and shown to the team alone."""

import base64
import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kit.ids import new_id
from kit.testing.programs import eventually

from .house import House, value

DAY = 86400

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 100


async def sent(house: House, kind: str = "image", content: bytes = PNG, **more: Any) -> dict[str, Any]:
    """Somebody sends a medium; the medium as the team sees it."""
    await house.person()
    part = {"base64": base64.b64encode(content).decode(), "mime_type": "image/png"}
    told = {"type": kind, kind: part}
    said = await house.sandbox.post("/whatsapp/control/people/16505551234/say", json=told)
    assert said.status_code < 300, said.text
    message = said.json()["message"]
    message[kind] |= more
    message["timestamp"] = str(house.now())
    await house.hook(value(messages=[message]))
    await house.reduce()
    (shown, *_) = await house.messages((await house.conversation())["id"])
    (medium,) = shown["media"]
    found: dict[str, Any] = medium
    return found


async def read(house: House, medium: dict[str, Any]) -> dict[str, Any]:
    """The medium as its message shows it now."""
    (shown, *_) = await house.messages((await house.conversation())["id"])
    found: dict[str, Any] = shown["media"][0]
    assert found["id"] == medium["id"]
    return found


async def test_a_picture_is_known_at_once_and_shown_when_it_was_fetched(house: House) -> None:
    await house.connected()
    medium = await sent(house)
    assert medium["state"] == "waiting"
    path = f"/v1/media/{medium['id']}"
    early = await house.ask("GET", path)
    assert (early.status_code, early.json()["type"]) == (409, "urn:rostrum:problem:media-not-ready")
    await house.work()
    assert await read(house, medium) == medium | {"state": "ready", "media_type": "image/png", "size": len(PNG)}
    answer = await house.ask("GET", path)
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("inline")
    assert "MediaReady" in await house.names_told()
    part = await house.ask("GET", path, headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, PNG[:4])
    assert part.headers["content-range"] == f"bytes 0-3/{len(PNG)}"
    beyond = await house.ask("GET", path, headers={"range": "bytes=99999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(PNG)}")
    for tag, status in ((answer.headers["etag"], 206), ('"else"', 200)):
        held = await house.ask("GET", path, headers={"range": "bytes=0-3", "if-range": tag})
        assert held.status_code == status
    assert (await house.ask("GET", path, by=new_id())).status_code == 404


async def test_what_could_harm_a_browser_is_handed_over_as_a_file(house: House) -> None:
    await house.connected()
    page = b"<html><script>alert(1)</script></html>"
    medium = await sent(house, "document", page, filename='..\\evil"\r\nname.html', mime_type="text/html")
    await house.work()
    answer = await house.ask("GET", f"/v1/media/{medium['id']}")
    assert answer.headers["content-type"] == "application/octet-stream"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert "\\" not in disposition
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_wrong_checksum_is_tried_again_and_then_said(house: House) -> None:
    await house.connected()
    wrong = base64.b64encode(hashlib.sha256(b"else").digest()).decode()
    medium = await sent(house, sha256=wrong)
    async with house.working():
        for _ in range(4):
            await house.forward(60)
            await eventually(house.settled_now)
    await house.forward(60)
    await house.work()
    shown = await read(house, medium)
    assert shown["state"] == "failed"
    assert "checksum" in shown["failure_reason"]
    answer = await house.ask("GET", f"/v1/media/{medium['id']}")
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:rostrum:problem:media-lost")
    assert "MediaFailed" in await house.names_told()


async def test_what_is_too_large_is_not_taken_in(house: House) -> None:
    await house.connected()
    medium = await sent(house, "sticker", b"RIFF0000WEBP" + b"x" * 1_100_000)
    await house.work()
    shown = await read(house, medium)
    assert (shown["state"], "larger" in shown["failure_reason"]) == ("failed", True)


async def test_after_seven_days_it_is_lost_and_said_so(house: House) -> None:
    await house.connected()
    medium = await sent(house)
    await house.forward(7 * 86400 + 60)
    await house.work()
    shown = await read(house, medium)
    assert shown["state"] == "failed"
    assert await house.count("SELECT count(*) FROM media WHERE failure_code = 'expired'") == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "refuse_before_effect", "status": 503, "times": 2},
        {"kind": "drop_after_effect", "times": 1},
        {"kind": "error_after_effect", "status": 500, "times": 1},
    ],
    ids=["refused", "lost", "error"],
)
async def test_whatever_goes_wrong_on_the_way_it_arrives(house: House, fault: dict[str, Any]) -> None:
    await house.connected()
    medium = await sent(house)
    await house.faults(fault)

    async def ready() -> bool:
        await house.forward(1)
        return bool((await read(house, medium))["state"] == "ready")

    async with house.working():
        await eventually(ready, within=60)


async def test_a_dead_token_parks_media_and_a_new_one_fetches_them(house: House) -> None:
    await house.connected()
    medium = await sent(house)
    await house.sandbox.put("/whatsapp/control/app", json={"tokens_are": "revoked"})

    async def parked() -> bool:
        (channel,) = (await house.get("/v1/channels"))["items"]
        return bool(channel["health"] == "token_dead")

    async with house.working():
        await eventually(parked)
    assert (await read(house, medium))["state"] == "waiting"
    await house.sandbox.put("/whatsapp/control/app", json={"tokens_are": "live"})
    await house.connected()
    await house.work()
    assert (await read(house, medium))["state"] == "ready"


def files(tmp_path: Path) -> list[Path]:
    """What lies in the folder."""
    return [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


async def test_what_lies_in_the_folder_is_sealed_and_equal_contents_look_different(
    house: House, tmp_path: Path
) -> None:
    await house.connected()
    large = PNG + bytes(200_000)
    for _ in range(2):
        medium = await sent(house, content=large)
        await house.work()
    first, second = (path.read_bytes() for path in files(tmp_path))
    assert first != second
    assert not any(PNG[:16] in each or hashlib.sha256(large).digest() in each for each in (first, second))
    assert not any(hashlib.sha256(large).hexdigest() in str(path) for path in files(tmp_path))
    assert await house.count("SELECT count(*) FROM media WHERE digest <> '' OR announced_hash <> ''") == 0
    path = f"/v1/media/{medium['id']}"
    assert (await house.ask("GET", path)).content == large
    part = await house.ask("GET", path, headers={"range": "bytes=65530-131080"})
    assert (part.status_code, part.content) == (206, large[65530:131081])


@pytest.mark.parametrize("harm", ["gone", "cut", "changed", "exchanged"])
async def test_a_file_that_is_not_as_it_was_written_is_lost(house: House, tmp_path: Path, harm: str) -> None:
    await house.connected()
    medium = await sent(house)
    await house.work()
    (path,) = files(tmp_path)
    before = path.read_bytes()
    if harm == "exchanged":
        await sent(house, content=PNG + b"else")
        await house.work()
        (other,) = (each for each in files(tmp_path) if each != path)
        path.write_bytes(other.read_bytes())
    elif harm == "gone":
        path.unlink()
    else:
        path.write_bytes(before[:-1] if harm == "cut" else before[:-1] + bytes([before[-1] ^ 1]))
    answer = await house.ask("GET", f"/v1/media/{medium['id']}")
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:rostrum:problem:media-lost")


async def shred(house: House) -> None:
    """Forget the contact of the one conversation."""
    contact_id = UUID((await house.conversation())["contact_id"])
    keyring = house.parts.media.keyring
    async with house.database.transaction(house.organization_id) as tx:
        await keyring.shred(tx, house.organization_id, f"contact:{contact_id}")


async def test_with_the_contact_the_files_are_forgotten(house: House) -> None:
    await house.connected()
    medium = await sent(house)
    await house.work()
    await shred(house)
    answer = await house.ask("GET", f"/v1/media/{medium['id']}")
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:rostrum:problem:media-lost")


async def test_what_was_not_fetched_yet_is_not_kept_of_a_forgotten_contact(house: House, tmp_path: Path) -> None:
    await house.connected()
    await sent(house)
    await shred(house)
    await house.work()
    assert files(tmp_path) == []
    assert await house.count("SELECT count(*) FROM media WHERE failure_code = 'contact-forgotten'") == 1


async def test_files_without_a_row_are_swept_after_a_day(house: House, tmp_path: Path) -> None:
    await house.connected()
    medium = await sent(house)
    await house.work()
    (kept,) = files(tmp_path)
    store, owner = house.parts.media.store, f"contact:{new_id()}"
    for _ in range(3):
        await store.keep(house.organization_id, b"orphan", owner)
    await store.keep(new_id(), b"of an organization without media", owner)
    (tmp_path / "media" / "lost+found").mkdir()
    (tmp_path / "media" / "lost+found" / "x").write_bytes(b"not ours")
    await house.parts.sweeping.run()
    assert len(files(tmp_path)) == 6
    await house.forward(DAY + 60)
    late = await store.keep(house.organization_id, b"on its way to a row", owner)
    for _ in range(2):
        await house.parts.sweeping.run()
    assert sorted(path.name for path in files(tmp_path)) == sorted([kept.name, late.file_id.hex, "x"])
    assert (await house.ask("GET", f"/v1/media/{medium['id']}")).status_code == 200
