"""Files over a web chat, both ways: what is taken, who sees it, for how long its address is good."""

import struct
import zlib
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from inbox.chat.files import LARGEST_FILE, name_of
from kit.ids import new_id

from .chatting import SHOP, Browser, chat
from .house import House

PDF: Final = b"%PDF-1.7 what somebody sent"


def picture(width: int = 8, height: int = 8) -> bytes:
    """A PNG in one colour."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + b"\x10\x80\xff" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def upload(browser: Browser, content: bytes, name: str = "a file.pdf", **more: Any) -> httpx.Response:
    path = f"/v1/chat-files/{browser.key}/{more.pop('id', new_id())}"
    headers = browser.headers | {"file-name": quote(name), "content-type": "text/html"} | more
    return await browser.house.client.post(path, content=content, headers=headers)


async def address(browser: Browser, file_id: str) -> httpx.Response:
    return await browser.house.client.post(f"/v1/chat-files/{browser.key}/{file_id}/address", headers=browser.headers)


async def here(house: House) -> tuple[dict[str, Any], Browser]:
    made = await chat(house)
    return made, await Browser(house, made["key"]).arrived()


async def test_what_a_visitor_sends_is_shown_to_the_team_and_to_nobody_else(house: House) -> None:
    made, ann = await here(house)
    file_id = new_id()
    for _ in range(2):
        taken = await upload(ann, PDF, "../../Rechnung ü.pdf", id=file_id)
        assert taken.status_code == 202, taken.text
    assert taken.headers["access-control-allow-origin"] == SHOP
    await house.work()
    conversation = await house.conversation()
    (message,) = await house.messages(conversation["id"])
    assert (message["direction"], message["type"], message["text"]) == ("in", "document", None)
    (medium,) = message["media"]
    assert (medium["state"], medium["media_type"], medium["size"]) == ("ready", "application/pdf", len(PDF))
    shown = await house.ask("GET", f"/v1/media/{medium['id']}", role="agent")
    assert (shown.content, shown.headers["content-type"]) == (PDF, "application/pdf")
    assert shown.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote('Rechnung ü.pdf')}"
    (own,) = await ann.history()
    assert (own["mine"], own["client_id"]) == (True, str(file_id))
    assert [(each["id"], each["name"]) for each in own["files"]] == [(medium["id"], "Rechnung ü.pdf")]
    stranger = await Browser(house, made["key"]).arrived()
    elsewhere = await Browser(house, (await chat(house, by=new_id()))["key"]).arrived()
    for other in (stranger, elsewhere):
        assert (await address(other, medium["id"])).status_code == 404
    rows = await house.rows("SELECT t::text AS text FROM media AS t UNION ALL SELECT i::text FROM intake_items AS i")
    assert not [row for row in rows if "Rechnung" in row["text"]]


async def test_what_an_agent_sends_is_shown_to_the_visitor_by_an_address_that_ends(house: House) -> None:
    _, ann = await here(house)
    await ann.said("Hello")
    await house.work()
    conversation = await house.conversation()
    message_id, content = new_id(), picture()
    path = f"/v1/conversation-files/{conversation['id']}/{message_id}"
    for _ in range(2):
        headers = {"file-name": quote("plan ✓.png")}
        sent = await house.ask("POST", path, role="agent", content=content, headers=headers)
        assert sent.status_code == 202, sent.text
    other = await house.ask("POST", path, role="agent", content=PDF)
    assert other.status_code == 409, "the id belongs to another message"
    await house.work()
    assert len(await house.messages(conversation["id"])) == 2
    _, answer = await ann.history()
    (file,) = answer["files"]
    assert (answer["id"], answer["mine"], file["kind"], file["name"]) == (
        str(message_id),
        False,
        "image",
        "plan ✓.png",
    )
    told = (await address(ann, file["id"])).json()
    got = await house.client.get(told["path"], headers={"origin": SHOP})
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, content, "image/png")
    assert got.headers["access-control-allow-origin"] == SHOP
    assert (got.headers["x-content-type-options"], got.headers["cache-control"]) == ("nosniff", "no-store")
    assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (await house.client.get(told["path"])).status_code == 200, "an address needs no other proof"
    expires = told["path"].partition("expires=")[2].partition("&")[0]
    for wrong in (
        told["path"].replace(expires, str(int(expires) + 60)),
        told["path"].replace(file["id"], str(new_id())),
        told["path"][:-1] + ("0" if told["path"][-1] != "0" else "1"),
    ):
        assert (await house.client.get(wrong)).status_code == 403, wrong
    assert (await house.client.get(told["path"], headers={"origin": "https://evil.example"})).status_code == 403
    await house.forward(301)
    assert (await house.client.get(told["path"])).status_code == 403


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.png"),
        (b"<html><script>alert(1)</script>", "page.png"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "picture.svg"),
        (b"MZ\x90\x00" + b"\0" * 60, "holiday.jpg"),
        (b"\x7fELF" + b"\0" * 60, "song.mp3"),
        (b"#!/bin/sh\nrm -rf /", "notes.pdf"),
        (b"PK\x03\x04" + b"\0" * 60, "bomb.pdf"),
        (b"just text", "text.txt"),
        (b"\x1f\x8b\x08" + b"\0" * 60, "photo.webp"),
    ],
)
async def test_what_is_nothing_that_is_taken_is_refused_whatever_it_is_called(
    house: House, content: bytes, name: str
) -> None:
    _, ann = await here(house)
    refused = await upload(ann, content, name, **{"content-type": "image/png"})
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, "file-refused")
    assert refused.headers["access-control-allow-origin"] == SHOP
    await house.work()
    assert (await house.get("/v1/conversations"))["items"] == []


async def test_too_much_and_without_a_token_is_refused(house: House) -> None:
    made, ann = await here(house)
    assert (await upload(ann, PDF + b"\0" * LARGEST_FILE)).status_code == 413
    assert (await upload(ann, PDF + b"\0" * (2 << 20))).status_code == 202, "what a camera makes is taken"
    answers = [(await upload(ann, PDF)).status_code for _ in range(6)]
    assert answers == [202, 202, 202, 202, 429, 429]
    nobody = Browser(house, made["key"], token="rvt_nobody")
    assert (await upload(nobody, PDF)).status_code == 401
    assert (await upload(replaced(ann, "https://evil.example"), PDF)).status_code == 403
    await house.connected()
    await house.say("Hello")
    await house.work()
    found = (await house.get("/v1/conversations"))["items"]
    (conversation,) = (each for each in found if each["channel_kind"] == "whatsapp")
    sent = await house.ask("POST", f"/v1/conversation-files/{conversation['id']}/{new_id()}", content=PDF)
    assert (sent.status_code, sent.json()["type"].rpartition(":")[2]) == (422, "file-refused")


def replaced(browser: Browser, origin: str) -> Browser:
    return Browser(browser.house, browser.key, token=browser.token, origin=origin)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("a%20b.pdf", "a b.pdf"),
        ("..%2f..%2Fetc%2Fpasswd", "passwd"),
        ("C%3A%5Cfolder%5Cx.pdf", "x.pdf"),
        ("a%0d%0aSet-Cookie%3A%20x.pdf", "aSet-Cookie: x.pdf"),
        ("gnp%E2%80%AE.exe%00", "gnp.exe"),
        ("%ED%A0%80%FF.pdf", "����.pdf"),
        ("x" * 400, "x" * 150),
    ],
)
def test_a_name_is_one_harmless_line(told: str, name: str) -> None:
    assert name_of(told) == name
