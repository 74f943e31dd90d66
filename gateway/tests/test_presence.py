"""Who looks at a conversation, who types in it, who is connected: told at once, seen by those who may, never kept."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import orjson
import pytest
from redis.asyncio import Redis

from gateway.events.passing import SEEN_BY
from gateway.fetch import NotFetched
from gateway.routes import Route

from .conftest import WITHIN
from .real_time import ROUTES, Platform, Stream, Told, listening, platform, renamed

OURS, THEIRS = uuid4(), uuid4()
POST = frozenset({"POST"})
PRESENCE = (*ROUTES, Route("/v1/presence", "gateway", methods=POST, body_limit=1024))


pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
async def world(broker_url: str, redis_url: str, namespace: str) -> AsyncIterator[Platform]:
    async with platform(broker_url, redis_url, namespace) as made, made.feeding():
        yield made


async def say(door: Any, organization: Any, user: str, body: Any, role: str = "agent") -> tuple[int, Any]:
    token = door.issuer.token(org=str(organization), role=role, sub=user)
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    answer = await door.ask("/v1/presence", method="POST", token=token, body=content)
    return answer.status, orjson.loads(answer.body)


def doing(conversation: Any, what: str) -> dict[str, str]:
    return {"conversation_id": str(conversation), "doing": what}


async def news(stream: Stream, kind: str) -> Told:
    """The next passing news of this kind."""
    async with asyncio.timeout(WITHIN):
        while True:
            told = await stream.next(passing=True)
            assert told is not None
            if told.kind == "passing" and told.data["type"] == kind:
                return told


async def test_two_who_open_the_same_conversation_know_of_each_other(house: Any) -> None:
    door, other = await house(routes=PRESENCE), await house(routes=PRESENCE)
    conversation, one, two = uuid4(), str(uuid4()), str(uuid4())
    async with listening(other, OURS, role="agent") as stream, listening(door, THEIRS, role="agent") as foreign:
        [start] = await stream.some(1)
        await foreign.some(1)
        assert await say(door, OURS, one, doing(conversation, "viewing")) == (200, {"others": []})
        told = await news(stream, "doing")
        assert told.data["data"] == {
            "conversation_id": str(conversation),
            "user_id": one,
            "doing": "viewing",
            "seconds": 30.0,
        }
        assert told.id == start.id, "it moves no place from which a browser could resume"
        _, shown = await say(door, OURS, two, doing(conversation, "typing"))
        assert shown == {"others": [{"user_id": one, "doing": "viewing"}]}
        assert (await news(stream, "doing")).data["data"]["doing"] == "typing"
        _, shown = await say(other, OURS, one, doing(conversation, "typing"))
        assert shown == {"others": [{"user_id": two, "doing": "typing"}]}
        await say(door, OURS, two, doing(conversation, "left"))
        _, shown = await say(door, OURS, one, doing(conversation, "viewing"))
        assert shown == {"others": []}
        _, elsewhere = await say(door, THEIRS, one, doing(conversation, "viewing"))
        assert elsewhere == {"others": []}, "the same id in another organization is another conversation"
        assert (await news(foreign, "doing")).data["data"]["user_id"] == one


async def test_what_passes_is_not_told_again_and_no_fact_is_lost_by_it(house: Any, world: Platform) -> None:
    door = await house(routes=PRESENCE)
    user = str(uuid4())
    async with listening(door, OURS, role="agent") as stream:
        await stream.some(1)
        await world.say(renamed(OURS, 1))
        await stream.some(1)
        place = stream.last_id
        await say(door, OURS, user, doing(uuid4(), "typing"))
        await news(stream, "doing")
        assert stream.last_id == place
    await say(door, OURS, user, doing(uuid4(), "viewing"))
    await world.say(renamed(OURS, 2))
    async with listening(door, OURS, role="agent", after=place) as stream:
        back = await stream.some(2)
        assert [told.kind for told in back] == ["ready", "fact"]
        assert back[1].version == 2


@pytest.mark.parametrize("role", ["client", "editor", "analyst"])
async def test_roles_that_see_no_conversations_are_told_nothing_and_may_say_nothing(house: Any, role: str) -> None:
    assert role not in SEEN_BY
    door = await house(routes=PRESENCE)
    status, problem = await say(door, OURS, str(uuid4()), doing(uuid4(), "viewing"), role)
    assert (status, problem["type"]) == (403, "urn:rostrum:problem:role-missing")
    async with listening(door, OURS, role=role) as stream:
        await stream.some(1)
        await say(door, OURS, str(uuid4()), doing(uuid4(), "typing"))
        door.parts.stays.drain()
        assert [told.kind for told in await stream.some(1)] == ["closing"]


async def test_what_is_not_meant_is_refused(house: Any) -> None:
    door = await house(routes=PRESENCE)
    conversation = str(uuid4())
    for wrong in (
        b"",
        b"[]",
        b"null",
        b"{",
        {"conversation_id": conversation},
        {"conversation_id": "x", "doing": "viewing"},
        {"conversation_id": 7, "doing": "viewing"},
        {"conversation_id": conversation, "doing": "sleeping"},
        {"conversation_id": conversation, "doing": ["viewing"]},
        {"conversation_id": conversation, "doing": "viewing", "user_id": str(uuid4())},
    ):
        status, problem = await say(door, OURS, str(uuid4()), wrong)
        assert (status, problem["type"]) == (422, "urn:rostrum:problem:presence-invalid"), wrong
    status, _ = await say(door, OURS, str(uuid4()), b" " * 2000)
    assert status == 413
    assert (await door.ask("/v1/presence", method="POST", body=b"{}")).status == 401


async def test_who_is_connected_is_told_to_the_others_and_to_the_inbox(house: Any) -> None:
    told: list[Any] = []

    async def inbox(question: bytes) -> bytes:
        told.append(orjson.loads(question)["people"])
        return b"{}"

    door = await house(routes=PRESENCE, present=inbox)
    connected, one, two = door.parts.events.connected, str(uuid4()), str(uuid4())
    async with listening(door, OURS, role="agent", sub=one) as stream:
        await stream.some(1)
        async with listening(door, OURS, role="agent", sub=two), listening(door, OURS, role="agent", sub=two):
            assert await _presence(stream, two) is True
            await connected.tell()
            assert sorted(each["user_id"] for each in told[-1]) == sorted([one, two])
            assert {each["organization_id"] for each in told[-1]} == {str(OURS)}
        assert await _presence(stream, two) is False
        async with listening(door, OURS, role="client") as client:
            await client.some(1)
            await connected.tell()
        assert [each["user_id"] for each in told[-1]] == [one]


async def _presence(stream: Stream, user: str) -> bool:
    """The next news of whether somebody is connected."""
    while (told := (await news(stream, "presence")).data["data"])["user_id"] != user:
        continue
    return bool(told["connected"])


async def test_nothing_of_it_stays_in_redis(house: Any, redis_url: str, namespace: str) -> None:
    door = await house(routes=PRESENCE)
    conversation = uuid4()
    await say(door, OURS, str(uuid4()), doing(conversation, "viewing"))
    async with Redis.from_url(redis_url) as redis:
        left = [await redis.pttl(key) async for key in redis.scan_iter(f"{namespace}:passing:*")]
    assert len(left) == 2
    assert all(0 < each <= 60_000 for each in left)


async def test_what_is_done_in_a_conversation_is_told_to_those_who_see_it(house: Any) -> None:
    insider, asked = str(uuid4()), []

    async def sees(body: bytes) -> bytes:
        asked.append(orjson.loads(body))
        return orjson.dumps({"viewers": [insider]})

    door, conversation, admin = await house(routes=PRESENCE, sees=sees), uuid4(), str(uuid4())
    async with (
        listening(door, OURS, role="agent", sub=insider) as inside,
        listening(door, OURS, role="agent") as outside,
    ):
        await inside.some(1)
        await outside.some(1)
        status, answer = await say(door, OURS, str(uuid4()), doing(conversation, "viewing"))
        assert (status, answer["type"].rsplit(":", 1)[-1]) == (404, "conversation-not-found")
        assert (await say(door, OURS, admin, doing(conversation, "typing"), role="admin"))[0] == 200
        assert (await news(inside, "doing")).data["data"]["user_id"] == admin
        assert (await say(door, OURS, insider, doing(conversation, "viewing")))[0] == 200
        door.parts.stays.drain()
        heard = []
        while (told := await outside.next(passing=True)) is not None and told.kind != "closing":
            heard.append(told.data.get("type"))
        assert "doing" not in heard
    assert asked == [{"organization_id": str(OURS), "conversation_id": str(conversation)}], "and remembered"


async def test_while_nobody_says_who_sees_a_conversation_only_those_who_see_all_are_told(house: Any) -> None:
    async def sees(_body: bytes) -> bytes:
        raise NotFetched("away")

    door = await house(routes=PRESENCE, sees=sees)
    assert (await say(door, OURS, str(uuid4()), doing(uuid4(), "viewing")))[0] == 404
    assert (await say(door, OURS, str(uuid4()), doing(uuid4(), "viewing"), role="owner"))[0] == 200
