"""Whatever a fact holds, a browser is told that fact and nothing else: over server-sent events and WebSockets."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from contracts import new_id
from contracts.inbox import MessageFailed
from gateway.routes import Route
from kit.testing.hostile import PAYLOADS

from .conftest import WITHIN
from .real_time import ROUTES, Platform, Stream, listening, platform, renamed

OURS = uuid4()
PAGE = "https://console.example.com"
PRESENCE = Route("/v1/presence", "gateway", methods=frozenset({"POST"}), body_limit=1024)
WORDS = list(PAYLOADS.values())


@pytest.fixture
async def world(broker_url: str, redis_url: str, namespace: str) -> AsyncIterator[Platform]:
    async with platform(broker_url, redis_url, namespace) as made, made.feeding():
        yield made


def failed(code: str) -> MessageFailed:
    """A fact with a text of somebody else's: a platform's code is whatever it says."""
    now, some = datetime.now(UTC), uuid4()
    return MessageFailed(
        id=new_id(), time=now, organization_id=OURS, message_id=some, conversation_id=some, code=code
    )


def fields(block: bytes) -> list[tuple[str, str]]:
    """A block's lines as a browser reads them, which ends a line at CR, at LF and at both."""
    lines = re.split(r"\r\n|\r|\n", block.decode())
    return [(name, value.removeprefix(" ")) for name, _, value in (line.partition(":") for line in lines) if name]


async def facts(stream: Stream, count: int) -> list[tuple[str, Any]]:
    """That many facts; each block has one place and one line of data, and names no event."""
    told: list[tuple[str, Any]] = []
    async with asyncio.timeout(WITHIN):
        while len(told) < count:
            block = fields(await stream.block())
            if "data" in dict(block) and dict(block).get("event") not in ("ready", "passing"):
                assert [name for name, _ in block] == ["id", "data"], block
                told.append((dict(block)["id"], orjson.loads(dict(block)["data"])))
    return told


async def test_no_text_in_a_fact_begins_a_line_of_the_stream(house: Any, world: Platform) -> None:
    door = await house(routes=ROUTES)
    events = [failed(words) for words in WORDS]
    async with listening(door, OURS, role="admin") as stream:
        start = await stream.some(1)
        await world.say(*events)
        told = await facts(stream, len(events))
        assert [data["data"]["code"] for _, data in told] == WORDS
        assert [data["id"] for _, data in told] == [str(each.id) for each in events]
        assert len({place for place, _ in told}) == len(events)
    async with listening(door, OURS, role="admin", after=start[0].id) as back:
        again = await facts(back, len(events))
        assert again == told, "what is told again is told as it was"


@asynccontextmanager
async def page(door: Any) -> AsyncIterator[Any]:
    token = door.issuer.token(org=str(OURS), role="admin")
    named = [Subprotocol("rostrum.v1"), Subprotocol(f"bearer.{token}")]
    address = f"ws://127.0.0.1:{door.port}/v1/events/ws"
    async with connect(address, subprotocols=named, origin=Origin(PAGE), ping_interval=None) as socket:
        yield socket


async def test_a_frame_of_a_web_socket_is_one_document_with_one_fact(house: Any, world: Platform) -> None:
    door = await house(routes=ROUTES, origins=frozenset({PAGE}))
    events = [failed(words) for words in WORDS]
    async with page(door) as socket, asyncio.timeout(WITHIN):
        assert orjson.loads(await socket.recv())["event"] == "ready"
        await world.say(*events)
        told: list[Any] = []
        while len(told) < len(events):
            frame = orjson.loads(await socket.recv())
            assert set(frame) <= {"event", "id", "data"}
            told += [frame["data"]] if frame["event"] == "fact" else []
    assert [each["data"]["code"] for each in told] == WORDS


@pytest.mark.usefixtures("world")
async def test_who_types_where_and_what_they_do_are_no_texts(house: Any) -> None:
    """What passes from browser to browser is made of ids and of words that we know."""
    door, some, right = await house(routes=(*ROUTES, PRESENCE)), str(uuid4()), {"sub": str(uuid4())}
    for words in (PAYLOADS["frame"], PAYLOADS["event"], PAYLOADS["carriage"], PAYLOADS["script"]):
        for subject, body, status in (
            ({"sub": words}, {"conversation_id": some, "doing": "typing"}, 401),
            (right, {"conversation_id": words, "doing": "typing"}, 422),
            (right, {"conversation_id": some, "doing": words}, 422),
        ):
            token = door.issuer.token(org=str(OURS), role="agent", **subject)
            answer = await door.ask("/v1/presence", method="POST", token=token, body=orjson.dumps(body))
            assert answer.status == status, (words, answer.body)


PLACES = ["a\n\ndata: pwned", "a\rdata: pwned\r\r", "1-1-1\n\nevent: pwned", "x" * 70, "\u2028", "<script>"]


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
async def test_a_place_that_a_browser_names_is_never_told_back(house: Any, world: Platform, place: str) -> None:
    door = await house(routes=ROUTES)
    async with listening(door, OURS, query=f"?last_event_id={quote(place)}") as stream:
        assert stream.status == 200
        first = await asyncio.wait_for(stream.block(), WITHIN)
        while b"data" not in first:
            first = await asyncio.wait_for(stream.block(), WITHIN)
        assert dict(fields(first))["event"] == "reset"
        await world.say(renamed(OURS, 1))
        [(told, data)] = await facts(stream, 1)
        assert place not in told + str(data)
        assert b"pwned" not in first
