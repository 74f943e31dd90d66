"""Broadcasts in a house: people, an approved template, workers that feed and send."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from inbox.broadcasts.feeding import EVERY
from kit.process import Loop, supervise
from kit.testing.programs import eventually

from .house import NUMBER, House, value, wamid
from .test_templates import approved

PATH = "/v1/broadcasts"
FIRST = 16505550000


async def many(house: House, count: int, number: str = NUMBER, first: int = FIRST) -> list[str]:
    """So many contacts, who have all written once; their numbers."""
    people = [str(first + each) for each in range(count)]
    for begin in range(0, count, 200):
        some = people[begin : begin + 200]
        messages = [
            {"from": each, "id": wamid(), "timestamp": str(house.now()), "type": "text", "text": {"body": "Hello"}}
            for each in some
        ]
        profiles = [{"wa_id": each, "profile": {"name": f"Person {each}"}} for each in some]
        answer = await house.hook(value(number, contacts=profiles, messages=messages))
        assert answer.status_code == 200, answer.text
    for each in people[:20]:
        await house.person(each, name=f"Person {each}")
    await house.reduce(workers=2)
    return people


async def ready(house: House, count: int = 3, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A broadcast to so many people that could begin, and its template at WhatsApp."""
    ours, theirs = await approved(house)
    await at_whatsapp_too(house, theirs)
    await many(house, count)
    channel = (await house.get("/v1/channels"))["items"][0]
    made = await write(house, channel["id"], ours["id"], **more)
    await prepared(house, made["id"])
    return await read(house, made["id"]), theirs


async def at_whatsapp_too(house: House, theirs: Mapping[str, Any]) -> None:
    answer = await house.sandbox.post(
        f"/whatsapp/control/templates/{theirs['id']}/decide", json={"event": "APPROVED"}
    )
    assert answer.status_code == 200, answer.text


def message(template_id: str, **more: Any) -> dict[str, Any]:
    return {
        "template_id": template_id,
        "variables": {"1": "{{contact.first_name|there}}", "2": "77"},
        **more,
    }


async def write(house: House, channel_id: str, template_id: str, **more: Any) -> dict[str, Any]:
    body = {
        "name": "Autumn sale",
        "channel_id": channel_id,
        "audience": {"everyone": True},
        "messages": [message(template_id)],
        **more,
    }
    answer = await house.ask("POST", PATH, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def read(house: House, broadcast_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await house.get(f"{PATH}/{broadcast_id}")
    return found


async def act(house: House, broadcast_id: str, what: str, **more: Any) -> dict[str, Any]:
    answer = await house.ask("POST", f"{PATH}/{broadcast_id}/{what}", **more)
    assert answer.status_code in (200, 202), answer.text
    done: dict[str, Any] = answer.json()
    return done


async def prepared(house: House, broadcast_id: str) -> None:
    """Feed until it is: what was due by our clock a moment ago may not be due yet by the database's."""

    async def done() -> bool:
        while await house.parts.feeding.run():
            pass
        return bool((await read(house, broadcast_id))["prepared"])

    await eventually(done, within=60)


async def recipients(house: House, broadcast_id: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await house.get(f"{PATH}/{broadcast_id}/recipients?limit=100{query}{cursor}")
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def feeding(house: House, workers: int = 1) -> Sequence[Loop]:
    """What feeds, braces and counts."""
    parts = house.parts
    return [
        *(Loop(f"feed {each}", parts.feeding.run, every=EVERY) for each in range(workers)),
        Loop("count", parts.feeding.fold, every=0.5),
    ]


@asynccontextmanager
async def broadcasting(house: House, workers: int = 1) -> AsyncIterator[None]:
    """So many workers that feed, send and take in, until the block ends."""
    stop = asyncio.Event()
    loops = [*feeding(house, workers), *house.parts.intake.loops()]
    for _ in range(workers):
        loops += house.parts.ledger.loops()
    task = asyncio.create_task(supervise(loops, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def until(house: House, broadcast_id: str, state: str, within: float = 60) -> dict[str, Any]:
    """Wait until a broadcast stands there; as it is then."""

    async def there() -> bool:
        return bool((await read(house, broadcast_id))["state"] == state)

    await eventually(there, within=within)
    return await read(house, broadcast_id)


async def sent(house: House) -> list[dict[str, Any]]:
    """What WhatsApp took of templates, all of it."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        asked = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = (await house.sandbox.get("/whatsapp/control/messages", params=asked)).json()
        found += [each for each in page["items"] if each["type"] == "template"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
