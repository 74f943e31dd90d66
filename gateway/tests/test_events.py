import asyncio
import statistics
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import orjson
import pytest
from redis.asyncio import Redis

from contracts import encode, new_id
from contracts.auth import UserVerified
from gateway.events.listener import RESETS
from gateway.revocations import Revocation
from gateway.stays import Most
from kit.clock import ManualClock, SystemClock

from .conftest import until
from .real_time import ROUTES, Platform, invited, listening, platform, progressed, renamed, sent

OURS, THEIRS = uuid4(), uuid4()


@pytest.fixture
async def world(broker_url: str, redis_url: str, namespace: str) -> AsyncIterator[Platform]:
    async with platform(broker_url, redis_url, namespace) as made, made.feeding():
        yield made


async def test_a_fact_reaches_the_browsers_of_its_organization_and_of_no_other(house: Any, world: Platform) -> None:
    door = await house(routes=ROUTES)
    async with listening(door, OURS) as ours, listening(door, THEIRS) as theirs:
        assert ours.status == 200
        assert ours.headers["content-type"].startswith("text/event-stream")
        assert ours.headers["cache-control"] == "no-store"
        assert [(await stream.some(1))[0].kind for stream in (ours, theirs)] == ["ready", "ready"]
        facts = [renamed(OURS, 7), renamed(THEIRS, 8)]
        await world.say(*facts)
        [heard], [foreign] = await ours.some(1), await theirs.some(1)
    assert heard.data == {
        "id": str(facts[0].id),
        "type": "auth.organization.renamed.v1",
        "subject": str(OURS),
        "time": facts[0].time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "version": 7,
        "data": {},
    }
    assert (foreign.data["subject"], foreign.version) == (str(THEIRS), 8)


async def test_who_may_not_see_a_fact_is_not_told_of_it(house: Any, world: Platform) -> None:
    door = await house(routes=ROUTES)
    async with (
        listening(door, OURS, role="admin") as admin,
        listening(door, OURS, role="agent") as agent,
        listening(door, OURS, role="client") as client,
    ):
        for stream in (admin, agent, client):
            await stream.some(1)
        invitation, news = invited(OURS), renamed(OURS, 2)
        await world.say(invitation, news)
        assert [told.data["id"] for told in await admin.some(2)] == [str(invitation.id), str(news.id)]
        assert [told.data["id"] for told in await agent.some(1)] == [str(news.id)]
        door.parts.stays.drain()
        assert [told.kind for told in await client.some(1)] == ["closing"]


async def test_a_fact_that_names_who_sees_it_is_told_to_them_and_to_owners_and_admins(
    house: Any, world: Platform
) -> None:
    door, insider = await house(routes=ROUTES), uuid4()
    async with (
        listening(door, OURS, role="admin") as admin,
        listening(door, OURS, role="agent", sub=str(insider)) as inside,
        listening(door, OURS, role="agent") as outside,
    ):
        for stream in (admin, inside, outside):
            place = (await stream.some(1))[0].id
        named, news = sent(OURS, [insider]), renamed(OURS, 2)
        await world.say(named, news)
        for stream in (admin, inside):
            told = await stream.some(2)
            assert [each.data["id"] for each in told] == [str(named.id), str(news.id)]
            assert "seen_by" not in told[0].data["data"]
        assert [each.data["id"] for each in await outside.some(1)] == [str(news.id)]
    async with listening(door, OURS, role="agent", after=place) as back:
        told = await back.some(2)
        assert [each.data.get("id") for each in told] == [None, str(news.id)], "nor is it told to who comes back"


async def test_how_far_a_broadcast_has_come_is_told_to_those_who_work_on_it_as_it_comes(
    house: Any, world: Platform
) -> None:
    door, broadcast = await house(routes=ROUTES), uuid4()
    async with (
        listening(door, OURS, role="agent") as agent,
        listening(door, OURS, role="client") as client,
        listening(door, THEIRS, role="owner") as stranger,
    ):
        for stream in (agent, client, stranger):
            await stream.some(1)
        for version, sent_by_now in enumerate((0, 40, 100), 1):
            await world.say(progressed(OURS, broadcast, version, sent_by_now, 100))
            [told] = await agent.some(1)
            assert (told.data["type"], told.data["subject"]) == ("inbox.broadcast.progressed.v1", str(broadcast))
            assert (told.version, told.data["data"]["sent"]) == (version, sent_by_now)
            assert told.data["data"]["waiting"] == 100 - sent_by_now
        door.parts.stays.drain()
        assert [told.kind for stream in (client, stranger) for told in await stream.some(1)] == ["closing", "closing"]


async def test_the_same_message_twice_is_told_once(house: Any, world: Platform) -> None:
    door = await house(routes=ROUTES)
    async with listening(door, OURS) as stream:
        await stream.some(1)
        first, second = renamed(OURS, 1), renamed(OURS, 2)
        await world.say(first, first, second, first, renamed(OURS, 3))
        assert [told.version for told in await stream.some(3)] == [1, 2, 3]


async def test_what_was_missed_is_told_on_return_and_nothing_twice(house: Any, world: Platform) -> None:
    """At another process, as behind a load balancer; by the header and by the query."""
    door, other = await house(routes=ROUTES), await house(routes=ROUTES)
    async with listening(door, OURS) as stream:
        await stream.some(1)
        await world.say(*(renamed(OURS, version) for version in range(1, 4)))
        last = (await stream.some(3))[-1].id
    await world.say(*(renamed(OURS, version) for version in range(4, 160)))
    async with listening(door, OURS, role="owner") as witness:
        await witness.some(1)
    token = other.issuer.token(org=str(OURS), role="editor")
    for options in ({"after": last}, {"query": f"?last_event_id={last}"}):
        async with listening(other, OURS, token=token, **options) as stream:
            [ready] = await stream.some(1)
            assert (ready.kind, ready.id) == ("ready", last)
            assert [told.version for told in await stream.some(156)] == list(range(4, 160))


async def test_no_fact_is_lost_or_doubled_by_those_who_leave_and_return_while_facts_flow(
    house: Any, world: Platform
) -> None:
    doors = [await house(routes=ROUTES), await house(routes=ROUTES)]
    token = doors[0].issuer.token(org=str(OURS), role="editor")
    doors[1].parts.verifier._keys = doors[0].parts.verifier._keys
    heard: list[int] = []
    async with listening(doors[0], OURS, token=token) as stream:
        [start] = await stream.some(1)

    async def speak() -> None:
        for version in range(1, 401):
            await world.say(renamed(OURS, version))

    speaking = asyncio.create_task(speak())
    last, turn = start.id, 0
    while not heard or heard[-1] < 400:
        async with listening(doors[turn % 2], OURS, token=token, after=last) as stream:
            [ready] = await stream.some(1)
            assert (ready.kind, ready.id) == ("ready", last)
            for _ in range(1 + turn % 37):
                if heard and heard[-1] == 400:
                    break
                [told] = await stream.some(1)
                heard.append(told.version)
                last = told.id
        turn += 1
    await speaking
    assert heard == list(range(1, 401))


async def test_who_comes_back_too_late_is_told_to_load_anew(
    house: Any, world: Platform, redis_url: str, namespace: str
) -> None:
    door = await house(routes=ROUTES)
    async with listening(door, OURS) as stream:
        [start] = await stream.some(1)
        await world.say(*(renamed(OURS, version) for version in range(1, 11)))
        told = await stream.some(10)
    async with Redis.from_url(redis_url) as redis:
        await redis.xtrim(f"{namespace}:events:{OURS}", maxlen=5, approximate=False)
    token = door.issuer.token(org=str(OURS), role="editor")
    async with listening(door, OURS, token=token, after=start.id) as stream:
        kinds = [event.kind for event in await stream.some(2)]
        assert kinds == ["ready", "reset"]
        assert stream.last_id == told[-1].id
        await world.say(renamed(OURS, 11))
        assert (await stream.some(1))[0].version == 11
    async with listening(door, OURS, token=token, after=told[5].id) as stream:
        assert [event.version for event in (await stream.some(6))[1:]] == [7, 8, 9, 10, 11]


@pytest.mark.parametrize("place", ["rubbish", "x-1-1", "abcdef-99999999999999-1", "-1--1", "a" * 5000, "é-1-1"])
async def test_a_place_that_is_not_ours_means_loading_anew(house: Any, world: Platform, place: str) -> None:
    door = await house(routes=ROUTES)
    async with listening(door, OURS, after=place) as stream:
        assert [event.kind for event in await stream.some(1)] == ["reset"]
        await world.say(renamed(OURS, 3))
        assert (await stream.some(1))[0].version == 3


@pytest.mark.usefixtures("world")
async def test_a_place_ahead_of_the_stream_means_loading_anew(house: Any) -> None:
    door = await house(routes=ROUTES)
    async with listening(door, OURS) as stream:
        [start] = await stream.some(1)
    ahead = start.id.rpartition("-")[0] + "-5"
    async with listening(door, OURS, after=ahead) as stream:
        assert [event.kind for event in await stream.some(1)] == ["reset"]


async def test_a_redis_that_lost_its_memory_is_noticed_at_once_and_on_return(
    house: Any, world: Platform, redis_url: str, namespace: str
) -> None:
    door = await house(routes=ROUTES)
    token = door.issuer.token(org=str(OURS), role="editor")
    async with listening(door, OURS, token=token) as stream:
        [start] = await stream.some(1)
        await world.say(renamed(OURS, 1))
        await stream.some(1)
        async with Redis.from_url(redis_url) as redis:
            keys = [key async for key in redis.scan_iter(f"{namespace}:events:{OURS}*", count=1000)]
            assert await redis.delete(*keys) == len(keys) > 0
        [reset] = await stream.some(1)
        assert (reset.kind, reset.id != start.id) == ("reset", True)
        await world.say(renamed(OURS, 2))
        assert (await stream.some(1))[0].version == 2
    async with listening(door, OURS, token=token, after=start.id) as stream:
        assert [event.kind for event in await stream.some(1)] == ["reset"]


async def test_facts_of_organizations_that_nobody_listens_to_are_not_kept(
    house: Any, world: Platform, redis_url: str, namespace: str
) -> None:
    door = await house(routes=ROUTES)
    async with listening(door, OURS) as stream:
        await stream.some(1)
        await world.say(renamed(THEIRS), renamed(OURS))
        await stream.some(1)
    async with Redis.from_url(redis_url) as redis:
        assert not [key async for key in redis.scan_iter(f"{namespace}:events:{THEIRS}*", count=1000)]
        assert 0 < await redis.pttl(f"{namespace}:events:{OURS}") <= 3_600_000
        assert await redis.xlen(f"{namespace}:events:{OURS}") == 1


async def test_what_is_not_for_browsers_or_cannot_be_read_does_no_harm(house: Any, world: Platform) -> None:
    """A newer gateway's type is a gap in its organization, a foreign message nothing at all."""
    door = await house(routes=ROUTES)
    async with listening(door, OURS) as stream, listening(door, THEIRS) as others:
        await stream.some(1)
        await others.some(1)
        fact = renamed(OURS)
        private = UserVerified(id=new_id(), time=fact.time, organization_id=OURS, user_id=uuid4())
        newer = orjson.loads(encode(fact)) | {"type": "auth.organization.praised.v1", "id": str(uuid4())}
        await world.say(encode(private), b"rubbish", b"{}", orjson.dumps(newer), renamed(THEIRS, 4))
        assert [event.kind for event in await stream.some(1)] == ["reset"]
        assert (await others.some(1))[0].version == 4
        await world.say(renamed(OURS, 5))
        assert (await stream.some(1))[0].version == 5


async def test_a_listener_ends_with_its_token_and_goes_on_with_a_new_one(house: Any, world: Platform) -> None:
    clock = ManualClock(SystemClock().now())
    door = await house(routes=ROUTES, clock=clock)
    now = int(clock.now().timestamp())
    async with listening(door, OURS, iat=now, nbf=now, exp=now + 600) as stream:
        await stream.some(1)
        clock.forward(minutes=11)
        [end] = await stream.some(1)
        assert (end.kind, end.data) == ("expired", {"reason": "expired"})
        assert await stream.next() is None
    await world.say(renamed(OURS, 2))
    now = int(clock.now().timestamp())
    async with listening(door, OURS, after=end.id, iat=now, nbf=now, exp=now + 600) as stream:
        assert [event.kind for event in await stream.some(2)] == ["ready", "fact"]


async def test_a_revoked_session_hears_nothing_more(house: Any, world: Platform) -> None:
    door = await house(routes=ROUTES)
    user, session = uuid4(), uuid4()
    async with (
        listening(door, OURS, sub=str(user), sid=str(session)) as ended,
        listening(door, OURS, sub=str(user)) as demoted,
        listening(door, OURS) as other,
    ):
        for stream in (ended, demoted, other):
            await stream.some(1)
        door.parts.revocations.note(Revocation(user_id=user, session_id=session))
        assert [told.data for told in await ended.some(1)] == [{"reason": "revoked"}]
        door.parts.revocations.note(Revocation(user_id=user, epoch=2))
        assert [told.kind for told in await demoted.some(1)] == ["expired"]
        await world.say(renamed(OURS, 2))
        assert (await other.some(1))[0].version == 2
        assert (await ended.next(), await demoted.next()) == (None, None)


@pytest.mark.usefixtures("world")
async def test_who_goes_down_says_when_to_come_back_and_takes_nobody_in(house: Any) -> None:
    door = await house(routes=ROUTES)
    async with listening(door, OURS) as stream:
        await stream.some(1)
        door.parts.stays.drain()
        while b"event: closing" not in (block := await stream.block()):
            assert block
        assert b"retry: " in block
        assert await stream.next() is None
    async with listening(door, OURS) as stream:
        assert (stream.status, stream.headers["retry-after"]) == (503, "2")
    assert len(door.parts.stays) == 0


@pytest.mark.usefixtures("world")
async def test_each_owner_holds_so_many_and_no_more(house: Any) -> None:
    door = await house(routes=ROUTES, most=Most(all=4, organization=3, user=2))
    user = str(uuid4())
    async with AsyncExitStack() as open_ones:

        async def one(organization: Any, **claims: Any) -> int:
            stream = await open_ones.enter_async_context(listening(door, organization, **claims))
            return int(stream.status)

        assert [await one(OURS, sub=user) for _ in range(3)] == [200, 200, 429]
        assert [await one(OURS) for _ in range(2)] == [200, 429]
        assert [await one(THEIRS) for _ in range(2)] == [200, 503]
    await until(lambda: len(door.parts.stays) == 0)
    async with listening(door, OURS, sub=user) as stream:
        assert stream.status == 200


@pytest.mark.usefixtures("world")
async def test_only_members_of_an_organization_may_listen(house: Any) -> None:
    door = await house(routes=ROUTES)
    assert (await door.ask("/v1/events")).status == 401
    answer = await door.ask("/v1/events", token=door.issuer.token())
    assert (answer.status, answer.json()["type"]) == (403, "urn:rostrum:problem:no-organization")
    member = door.issuer.token(org=str(OURS), role="editor")
    assert (await door.ask("/v1/events", method="POST", token=member)).status == 404


async def test_a_silent_line_shows_that_it_lives_and_where_the_browser_stands(house: Any, world: Platform) -> None:
    """An agent may not see invitations; its place moves on all the same, so a return needs no replay."""
    door = await house(routes=ROUTES, heartbeat=0.05)
    async with listening(door, OURS, role="agent") as stream:
        [start] = await stream.some(1)
        assert await stream.block() == b":"
        await world.say(invited(OURS))
        while not (block := await stream.block()).startswith(b"id: "):
            assert block == b":"
        assert block.split(b"\n")[0] == b"id: " + start.id.encode()[:-1] + b"1"


@pytest.mark.usefixtures("world")
async def test_one_line_in_the_log_tells_of_a_listener(house: Any) -> None:
    door = await house(routes=ROUTES)
    token = door.issuer.token(org=str(OURS), role="editor")
    async with listening(door, OURS, token=token) as stream:
        await stream.some(1)
    await until(lambda: len(door.parts.stays) == 0)
    door.parts.log.flush()
    [line] = [orjson.loads(text) for text in door.log.getvalue().splitlines()]
    assert (line["route"], line["status"], line["outcome"]) == ("/v1/events", 200, "client-gone")
    assert token not in door.log.getvalue().decode()


@pytest.mark.usefixtures("world")
async def test_listeners_do_not_take_the_places_of_requests(house: Any) -> None:
    door = await house(routes=ROUTES, max_in_flight=1)
    async with listening(door, OURS) as stream, listening(door, OURS) as another:
        assert [event.kind for event in [*await stream.some(1), *await another.some(1)]] == ["ready", "ready"]
        assert (await door.ask("/v1/open")).status == 200


async def test_a_reader_too_slow_is_told_to_load_anew_and_holds_up_nobody(house: Any, world: Platform) -> None:
    door = await house(routes=ROUTES, send_buffer=32_768, backlog=128)
    async with listening(door, OURS, connection={"limit": 4096}) as slow, listening(door, OURS) as quick:
        await slow.some(1)
        await quick.some(1)
        said, before = 0, left_behind()
        while left_behind() == before:  # the kernel holds much for who does not read
            await world.say(*(renamed(OURS, said + version) for version in range(1, 151)))
            assert {told.kind for told in await quick.some(150)} == {"fact"}
            said += 150
        heard = await slow.some(1)
        while heard[-1].kind == "fact":
            heard += await slow.some(1)
        assert heard[-1].kind == "reset"
        assert [told.version for told in heard[:-1]] == list(range(1, len(heard)))
        await world.say(renamed(OURS, 99_999))
        while heard[-1].kind != "fact" or heard[-1].version != 99_999:
            heard += await slow.some(1)


def left_behind() -> float:
    """How many were told to load anew because they were too slow."""
    return float(RESETS.labels("slow")._value.get())


async def test_facts_are_sent_on_within_a_moment(house: Any, world: Platform) -> None:
    door = await house(routes=ROUTES)
    async with listening(door, OURS) as stream:
        await stream.some(1)
        took: list[float] = []
        for version in range(1, 21):
            fact = renamed(OURS, version)
            await world.say(fact)
            [told] = await stream.some(1)
            assert told.data["id"] == str(fact.id)
            took.append((SystemClock().now() - fact.time).total_seconds())
        assert statistics.median(took) < 10
