"""Whatever the inbox asks of its database, an index answers, also when a table is large and a plan is kept."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi.routing import APIRoute

from inbox.api import ROUTERS
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.statements import Overheard

from .house import House
from .lives import SHEENA, Asking, first_place, live, twin

_SMALL = {"clock"}
"""Tables of which all rows are read on purpose: they hold a handful, however long we work."""

_SCANNED = re.compile(r"Seq Scan on (\w+)")
_NAMED = re.compile(r"\{(\w+)\}")
_AWAY = ("/v1/webhooks", "/v1/links", "/v1/chat", "/v1/forms", "/v1/chat-visits")

FILTERS: tuple[dict[str, str | list[str]], ...] = (
    {},
    {"state": "open"},
    {"assignee": "none"},
    {"assignee": str(new_id())},
    {"team": "none"},
    {"team": str(new_id())},
    {"channel_id": str(new_id())},
    {"contact_id": str(new_id())},
    {"priority": "high"},
    {"unread": "true"},
    {"since": "2026-01-01T00:00:00Z"},
    {"participant_id": str(new_id())},
    {"label_id": str(new_id())},
    {"order": "waiting"},
    {"attribute": "amount:is:3"},
    {"attribute": "amount:from:3"},
    {"attribute": ["amount:to:3", "plan:is:gold"]},
    {"attribute": ["due:from:2026-01-01", "due:to:2026-12-31"]},
)


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Overheard]:
    opened = await Overheard.open(place.url("inbox"), name="overheard", pool_size=12, acquire_within=20)
    assert isinstance(opened, Overheard)
    try:
        yield opened
    finally:
        await opened.close()


async def read(client: httpx.AsyncClient, ids: dict[str, str], headers: dict[str, str]) -> int:
    """Ask for everything that members can read, a page and the one after it; how many doors answered."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    paths = {route.path for route in routes if "GET" in (route.methods or ()) and not route.path.startswith(_AWAY)}
    answered = 0
    for path in sorted(paths):
        if set(_NAMED.findall(path)) - ids.keys():
            continue
        shown = await client.get(path.format(**ids), params={"limit": 1}, headers=headers)
        assert shown.status_code in (200, 403, 404, 409, 410), (path, shown.text)
        answered += shown.status_code == 200
        if shown.headers["content-type"] == "application/json" and (cursor := shown.json().get("next_cursor")):
            await client.get(path.format(**ids), params={"limit": 1, "cursor": cursor}, headers=headers)
    return answered


async def test_an_index_answers_whatever_is_asked(house: House, database: Overheard) -> None:
    """A life with everything in it: written, answered, sorted, merged, listed, handed over, forgotten."""
    place = await first_place(house)
    life = await live(house, place, SHEENA, "Sheena")
    await twin(house, place, life, SHEENA)
    for key, kind in (("amount", "number"), ("plan", "text"), ("due", "date")):
        made = await house.ask("POST", "/v1/attributes", json={"key": key, "name": key, "type": kind})
        assert made.status_code == 201, made.text
    (conversation,) = (
        each for each in (await house.get("/v1/conversations"))["items"] if each["channel_kind"] == "whatsapp"
    )
    (label_id,) = conversation["label_ids"]
    ids = {
        "conversation_id": conversation["id"],
        "contact_id": str(life.contact.id),
        "channel_id": conversation["channel_id"],
        "message_id": str(life.message_id),
        "label_id": label_id,
        "user_id": str(life.agent_id),
    }
    assert await read(house.client, ids, house.headers()) > 25
    for chosen in FILTERS:
        shown = await house.ask("GET", "/v1/conversations", params={**chosen, "limit": 1})
        assert shown.status_code == 200, shown.text
    for path in (f"/v1/contacts?label_id={label_id}&limit=1", f"/v1/contacts/{life.contact.id}/notes?limit=1"):
        assert (await house.ask("GET", path)).status_code == 200
    asking = Asking(house)
    await asking.export(life.contact)
    await asking.erasure(life.contact)
    await asking.work()
    asked = await database.plans(house.organization_id)
    assert len(asked) > 150, "a tour that asks for little shows little"
    slow = [(tables, sql) for sql, plan in asked.items() if (tables := set(_SCANNED.findall(plan)) - _SMALL)]
    assert slow == []


async def test_a_page_asks_the_same_however_many_conversations_it_shows(house: House, database: Overheard) -> None:
    """Names, newest messages, labels and values come with one question each, not with one for each row."""
    await house.connected()
    for number in range(6):
        await house.say(f"I am {number}", person=f"1650555{number:04}", name=f"Name {number}")
    await house.reduce()
    counts = []
    await house.get("/v1/conversations")  # what is asked once only, such as for keys
    for limit in (1, 6):
        before = database.heard
        shown = await house.ask("GET", "/v1/conversations", params={"limit": limit})
        counts.append(database.heard - before)
        assert len(shown.json()["items"]) == limit
    assert counts[0] == counts[1]
