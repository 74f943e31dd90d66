"""Links of broadcasts: one for each recipient, leading where the broadcast says, and clicks that are counted."""

from typing import Any

import pytest

from kit.ids import new_id
from kit.testing.programs import eventually

from .broadcasting import (
    PATH,
    act,
    at_whatsapp_too,
    broadcasting,
    many,
    message,
    prepared,
    read,
    recipients,
    sent,
    until,
    write,
)
from .conftest import LINKS
from .house import House
from .test_templates import BODY, submitted, tell

TARGET = "https://shop.example/autumn?utm_source=whatsapp"
PHONE = {"user-agent": "Mozilla/5.0 (Linux; Android 15) Mobile Safari/537.36"}


async def linked(house: House, url: str = f"{LINKS}/{{{{1}}}}") -> tuple[str, str]:
    """An approved template with a button at this address, and the channel."""
    button = {"type": "URL", "text": "See it", "url": url, "example": [url.replace("{{1}}", "abc")]}
    ours, theirs = await submitted(house, components=[BODY, {"type": "BUTTONS", "buttons": [button]}])
    await tell(house, theirs, event="APPROVED")
    await house.reduce()
    await at_whatsapp_too(house, theirs)
    channel = next(each for each in (await house.get("/v1/channels"))["items"] if each["kind"] == "whatsapp")
    return ours["id"], channel["id"]


async def delivered(house: House, people: int = 2, **more: Any) -> tuple[dict[str, Any], list[str]]:
    """A broadcast with a link that has left, and the tokens of its links."""
    template, channel = await linked(house)
    await many(house, people)
    made = await write(house, channel, template, messages=[message(template, link=TARGET)], **more)
    await prepared(house, made["id"])
    await act(house, made["id"], "start")
    async with broadcasting(house):
        done = await until(house, made["id"], "completed")
    assert done["counts"]["sent"] == people
    return done, [token_of(each) for each in await sent(house)]


def token_of(message: dict[str, Any]) -> str:
    parts = message["body"]["template"]["components"]
    (button,) = [each for each in parts if each["type"] == "button"]
    return str(button["parameters"][0]["text"])


async def click(house: House, token: str, method: str = "GET", **headers: str) -> Any:
    return await house.client.request(method, f"/v1/links/{token}", headers=PHONE | headers)


async def test_each_has_a_link_of_their_own_and_clicks_are_counted_once_and_in_all(house: House) -> None:
    made, tokens = await delivered(house)
    assert len(set(tokens)) == 2
    for _ in range(3):
        answer = await click(house, tokens[0])
        assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
        assert answer.headers["cache-control"] == "no-store"
    counts = (await read(house, made["id"]))["counts"]
    assert (counts["clicked"], counts["clicks"]) == (1, 3)
    clicked = [each for each in await recipients(house, made["id"]) if each["clicked_at"]]
    assert len(clicked) == 1
    audience = {"broadcast": {"id": made["id"], "classes": ["clicked"]}}
    again = await write(
        house,
        made["channel_id"],
        made["messages"][0]["template_id"],
        audience=audience,
        messages=[message(made["messages"][0]["template_id"], link=TARGET)],
    )
    await prepared(house, again["id"])
    assert [each["contact_id"] for each in await recipients(house, again["id"])] == [clicked[0]["contact_id"]]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"user-agent": "WhatsApp/2.24.6 A"}),
        ("GET", {"user-agent": "facebookexternalhit/1.1"}),
        ("GET", {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}),
        ("GET", {"sec-purpose": "prefetch;prerender"}),
        ("GET", {"purpose": "prefetch"}),
        ("GET", {"user-agent": ""}),
    ],
)
async def test_previews_and_robots_are_led_on_and_not_counted(
    house: House, method: str, headers: dict[str, str]
) -> None:
    made, tokens = await delivered(house, 1)
    answer = await click(house, tokens[0], method, **headers)
    assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
    counts = (await read(house, made["id"]))["counts"]
    assert (counts["clicked"], counts["clicks"]) == (0, 0)


async def test_a_link_that_we_have_not_made_leads_nowhere(house: House) -> None:
    _, (token,) = await delivered(house, 1)
    forged = ("A" if token[-1] != "A" else "B").join((token[:-1], ""))
    for wrong in (forged, token[:-1], "x", "https:%2F%2Fevil.example", "%F0%9F%98%80" * 8, "=" * 32):
        answer = await click(house, wrong)
        assert answer.status_code == 404, (wrong, answer.text)
        assert "location" not in answer.headers


@pytest.mark.parametrize("url", ["https://shop.example/{{1}}", f"{LINKS}.evil.example/{{{{1}}}}"])
async def test_a_template_whose_button_leads_elsewhere_cannot_be_counted(house: House, url: str) -> None:
    """Meta fixes the domain of a button when it approves the template."""
    template, channel = await linked(house, url)
    body: dict[str, Any] = {"name": "X", "channel_id": channel, "audience": {"everyone": True}}
    refused = await house.ask("POST", PATH, json={**body, "messages": [message(template, link=TARGET)]})
    assert (refused.status_code, refused.json()["type"].split(":")[-1]) == (422, "broadcast-message-unfit")
    assert refused.json()["errors"][0]["pointer"] == "#/messages/0/link"
    assert LINKS in refused.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "//x.test", "https://user@x.test/", "ftp://x", "https://x/\r\nA: b", "https://ü/"],
)
async def test_links_lead_to_the_web_alone(house: House, target: str) -> None:
    body: dict[str, Any] = {"name": "X", "channel_id": str(new_id()), "audience": {"everyone": True}}
    refused = await house.ask(
        "POST", PATH, json={**body, "messages": [{"text": "{{broadcast.link}}", "link": target}]}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "#/messages/0/link"


async def test_a_text_that_stands_in_has_a_link_too_and_arrives(house: House) -> None:
    sms: dict[str, Any] = {"kind": "sms", "number": "+15005550001", "api_key": "sandbox-telnyx-key"}
    texts = await house.ask("POST", "/v1/channels", json=sms)
    assert texts.status_code == 201, texts.text
    template, channel = await linked(house)
    await many(house, 2)
    await house.person("16505550001", name="Out of reach", refuses_with=131026)
    fallback = {"channel_id": texts.json()["id"], "text": "See {{broadcast.link}}", "link": TARGET}
    nowhere = {**fallback, "text": "See our shop"}
    body: dict[str, Any] = {"name": "X", "channel_id": channel, "audience": {"everyone": True}}
    refused = await house.ask("POST", PATH, json={**body, "messages": [message(template)], "fallback": nowhere})
    assert refused.status_code == 422
    made = await write(house, channel, template, messages=[message(template, link=TARGET)], fallback=fallback)
    await prepared(house, made["id"])
    await act(house, made["id"], "start")
    async with broadcasting(house):
        await until(house, made["id"], "completed")

        async def stands_in() -> bool:
            (child,) = (await house.get(f"{PATH}/{made['id']}/related"))["items"]
            return bool(child["counts"]["sent"] + child["counts"]["failed"] == 1)

        await eventually(stands_in, within=60)
    (child,) = (await house.get(f"{PATH}/{made['id']}/related"))["items"]
    assert [each["code"] for each in await recipients(house, child["id"])] == [""]
    left = (await house.sandbox.get("/telnyx/control/messages")).json()["items"]
    (text,) = [each["text"] for each in left if each["to"].endswith("16505550001")]
    assert text.startswith(f"See {LINKS}/")
    assert (await click(house, text.rpartition("/")[2])).headers["location"] == TARGET
    assert (await read(house, child["id"]))["counts"]["clicked"] == 1
    assert (await read(house, made["id"]))["counts"]["clicked"] == 0
