"""The web chat in a real browser, on a customer's page, through the real gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.testing.hostile import PAYLOADS
from kit.testing.programs import eventually

from .browsing import Tab, browser, gateway, pages
from .chatting import served
from .conftest import PAGES
from .house import House
from .test_chat_files import picture

ROOT: Final = "document.querySelector('rostrum-chat').shadowRoot"
TEXTS: Final = f"[...{ROOT}.querySelectorAll('.b')].map(each => each.textContent)"


@pytest.fixture(autouse=True)
async def no_queue_left(broker_url: str, namespace: str) -> AsyncIterator[None]:
    yield
    broker = Broker(broker_url, name="test")
    connection = await broker.connect("test")
    channel = connection.channel()
    await channel.initialize()
    await channel.queue_delete(Topology(namespace).browser_feed)
    await connection.close()
    await broker.close()


@asynccontextmanager
async def shop(
    house: House, folder: Path, servers: tuple[str, str, str], **look: Any
) -> AsyncIterator[tuple[Tab, dict[str, Any]]]:
    """A customer's page with the chat in it, open in a browser, and the channel."""
    body = {"kind": "web_chat", "name": "Shop", "allowed_origins": ["http://localhost:1"], "look": look}
    made = (await house.ask("POST", "/v1/site-channels", json=body)).json()
    async with served(house) as port, gateway(port, folder, *servers) as door:
        snippet = str(made["snippet"]).replace(PAGES, door)
        page = f"<!doctype html><html lang=en><title>Shop</title><body><h1>Shop</h1>{snippet}</body></html>"
        policy = f"default-src 'none'; script-src {door}; connect-src {door} {door.replace('http', 'ws')}"
        async with pages(page, policy) as origin:
            change = {"allowed_origins": [origin]}
            path = f"/v1/site-channels/{made['channel_id']}"
            assert (await house.ask("PATCH", path, json=change, headers={"if-match": '"v1"'})).status_code == 200
            async with browser(origin, folder) as tab, house.working():
                await tab.until(f"!!{ROOT}.querySelector('.go')")
                yield tab, made


async def talk_of(house: House) -> dict[str, Any]:
    async def there() -> bool:
        return bool((await house.get("/v1/conversations"))["items"])

    await eventually(there)
    return await house.conversation()


async def stands(house: House, message_id: str, status: str) -> bool:
    return bool((await house.message(message_id))["status"] == status)


@pytest.fixture
def servers(redis_url: str, broker_url: str, namespace: str) -> tuple[str, str, str]:
    return redis_url, broker_url, namespace


async def test_a_visitor_chats_by_keyboard_and_nothing_that_anybody_writes_comes_to_life(
    house: House, tmp_path: Path, servers: tuple[str, str, str]
) -> None:
    tag, hostile = PAYLOADS["picture"], list(PAYLOADS.values())
    async with shop(house, tmp_path, servers, title=tag, greeting=PAYLOADS["script"]) as (tab, _):
        await tab.run(f"{ROOT}.querySelector('.go').focus()")
        await tab.press("Enter", 13)
        await tab.until(f"{ROOT}.activeElement.tagName === 'TEXTAREA'")
        for words in ("Hello", tag):
            await tab.write(words)
            await tab.press("Enter", 13)
        await tab.until(f"{ROOT}.querySelectorAll('.me .s').length === 2")
        await tab.until(f"[...{ROOT}.querySelectorAll('.me .s')].every(each => each.textContent === 'Sent')")
        conversation = await talk_of(house)

        async def both() -> bool:
            said = await house.messages(conversation["id"])
            return [each["text"] for each in said] == ["Hello", tag]

        await eventually(both)
        for words in hostile:
            answer = await house.reply(conversation["id"], words, id=str(new_id()))
            assert answer.status_code == 202, answer.text
        await tab.until(f"{TEXTS}.length === {3 + len(hostile)}")
        shown = await tab.run(TEXTS)
        assert shown[0] == PAYLOADS["script"]
        assert sorted(shown[1:]) == sorted(["Hello", tag, *hostile])
        assert await tab.run("window.pwned") is None
        tags = await tab.run(f"[...new Set([...{ROOT}.querySelectorAll('*')].map(each => each.tagName))].sort()")
        assert tags == ["BUTTON", "DIV", "FORM", "H2", "INPUT", "LI", "OL", "SPAN", "TEXTAREA"]
        assert await tab.run(f"{ROOT}.querySelector('h2').textContent") == tag
        log = f"{ROOT}.querySelector('.log')"
        assert await tab.run(f"[{log}.getAttribute('role'), {log}.getAttribute('aria-live')]") == ["log", "polite"]


async def test_the_badge_counts_what_was_not_seen_and_a_reload_finds_all_again(
    house: House, tmp_path: Path, servers: tuple[str, str, str]
) -> None:
    async with shop(house, tmp_path, servers) as (tab, _):
        await tab.run("RostrumChat.open()")
        await tab.write("Hello")
        await tab.press("Enter", 13)
        conversation = await talk_of(house)
        await tab.press("Escape", 27)
        await tab.until(f"{ROOT}.querySelector('.box').hidden")
        assert await tab.run(f"{ROOT}.activeElement.className") == "go"
        answer = (await house.reply(conversation["id"], "Hi there")).json()
        await tab.until(f"{ROOT}.querySelector('.n').textContent === '1'")
        assert "1 unread" in await tab.run(f"{ROOT}.querySelector('.go').getAttribute('aria-label')")
        await eventually(lambda: stands(house, answer["id"], "delivered"))
        await tab.run("RostrumChat.open()")
        await eventually(lambda: stands(house, answer["id"], "read"))
        assert await tab.run(f"{ROOT}.querySelector('.n').hidden")
        await tab.command("Page.reload")
        await tab.until(f"{TEXTS}.join('|') === 'Hello|Hi there'")
        await tab.run("RostrumChat.shutdown()")
        await tab.until(f"{TEXTS}.length === 0")


async def test_files_go_both_ways_on_a_page_that_lets_no_pictures_in(
    house: House, tmp_path: Path, servers: tuple[str, str, str]
) -> None:
    """What a visitor chooses is sent, what an agent sends is drawn; a page that is called a picture is refused."""
    async with shop(house, tmp_path, servers) as (tab, _):
        await tab.run(f"{ROOT}.querySelector('.go').click()")
        for name, content in (("mine.pdf", "%PDF-1.7 mine"), ("<b>.png", "<script>window.pwned=1</script>")):
            await tab.run(
                f"(() => {{ const given = new DataTransfer(), into = {ROOT}.querySelector('input[type=file]');"
                f" given.items.add(new File(['{content}'], '{name}')); into.files = given.files;"
                " into.dispatchEvent(new Event('change')); })()"
            )
        moods = f"[...{ROOT}.querySelectorAll('.me .s')].map(each => each.textContent)"
        await tab.until(f"{moods}.length === 2 && {moods}.every(each => each !== 'Sending')")
        sent, refused = await tab.run(moods)
        assert (sent, refused.split(":")[0]) == ("Sent", "Not sent")
        conversation = await talk_of(house)
        path = f"/v1/conversation-files/{conversation['id']}/{new_id()}"
        answer = await house.ask("POST", path, content=picture(), headers={"file-name": "plan%3Cb%3E.png"})
        assert answer.status_code == 202, answer.text
        await tab.until(f"!!{ROOT}.querySelector('canvas')")
        canvas = f"{ROOT}.querySelector('canvas')"
        drawn = await tab.run(f"[...{canvas}.getContext('2d').getImageData(1, 1, 1, 1).data]")
        assert drawn == [16, 128, 255, 255]
        names = f"[...{ROOT}.querySelectorAll('.d')].map(each => each.textContent)"
        assert sorted(await tab.run(names)) == ["mine.pdf", "plan<b>.png"]
        assert await tab.run("window.pwned") is None
