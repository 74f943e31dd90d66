"""What real time does when something dies: nothing is lost unnoticed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import orjson
from redis.asyncio import Redis

from gateway.events.facts import fact_of
from gateway.events.feeder import read
from gateway.events.listener import Item, Listener
from gateway.events.streams import Kept, Place, Streams
from gateway.redis_pipe import RedisPipe
from gateway.stays import Most
from kit.testing.proxy import proxied

from .conftest import WITHIN, until
from .real_time import ROUTES, Door, Platform, invited, listening, platform, renamed
from .test_process import Auth, environment, until_ready

OURS = uuid4()


async def test_a_lost_line_to_redis_loses_nothing(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    """Browsers stay; the counting proves that they have everything, so nobody must load anew."""
    address = urlsplit(redis_url)
    async with (
        platform(broker_url, redis_url, namespace) as world,
        proxied(address.hostname or "127.0.0.1", address.port or 6379) as proxy,
        world.feeding(),
    ):
        door = await house(routes=ROUTES, events_redis_url=f"redis://127.0.0.1:{proxy.listening_on}/0")
        async with listening(door, OURS) as stream:
            await stream.some(1)
            for version in range(1, 6):
                await proxy.stop()
                await world.say(renamed(OURS, version))
                await proxy.start()
                told = await stream.some(1)
                assert [(event.kind, event.version) for event in told] == [("fact", version)]


async def test_a_browser_that_comes_while_redis_is_away_begins_when_it_is_back(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    address = urlsplit(redis_url)
    async with (
        platform(broker_url, redis_url, namespace) as world,
        proxied(address.hostname or "127.0.0.1", address.port or 6379) as proxy,
        world.feeding(),
    ):
        door = await house(routes=ROUTES, events_redis_url=f"redis://127.0.0.1:{proxy.listening_on}/0")
        await proxy.stop()
        async with listening(door, OURS) as fresh, listening(door, OURS, after="aaaaaaaaaaaa-1-1") as returning:
            assert (fresh.status, returning.status) == (200, 200)
            await proxy.start()
            assert [event.kind for event in await fresh.some(1)] == ["ready"]
            assert [event.kind for event in await returning.some(1)] == ["reset"]
            await world.say(renamed(OURS, 3))
            assert [(await stream.some(1))[0].version for stream in (fresh, returning)] == [3, 3]


async def test_another_redis_is_another_beginning(
    house: Any, broker_url: str, redis_url: str, namespace: str, private_redis: Any
) -> None:
    async with platform(broker_url, redis_url, namespace) as world, world.feeding(private_redis.url):
        door = await house(routes=ROUTES, events_redis_url=private_redis.url)
        async with listening(door, OURS) as stream:
            [start] = await stream.some(1)
            await world.say(renamed(OURS, 1))
            await stream.some(1)
            await private_redis.kill()
            await world.say(renamed(OURS, 2))
            await private_redis.start()
            heard = await stream.some(1)
            assert heard[0].kind == "reset"
            await world.say(renamed(OURS, 3))
            while heard[-1].kind != "fact" or heard[-1].version != 3:
                heard += await stream.some(1)
            assert stream.last_id.split("-")[0] != start.id.split("-")[0]


async def test_a_feed_that_was_away_for_too_long_makes_everybody_load_anew(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    """The epoch has gone, as after ten minutes without a feed: the queue may have forgotten something."""
    async with platform(broker_url, redis_url, namespace) as world:
        pipe = RedisPipe(redis_url, timeout=WITHIN)
        await pipe.start()
        door = await house(routes=ROUTES)
        async with listening(door, OURS) as stream:
            async with world.feeding():
                [start] = await stream.some(1)
            await pipe.ask("DEL", f"{namespace}:events:epoch")
            async with world.feeding():
                [reset] = await stream.some(1)
                assert (start.kind, reset.kind) == ("ready", "reset")
                await world.say(renamed(OURS, 2))
                assert (await stream.some(1))[0].version == 2
        async with listening(door, OURS, after=start.id) as stream:
            assert [event.kind for event in await stream.some(1)] == ["reset"]
        await pipe.stop()


async def test_a_queue_that_was_deleted_is_noticed(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    async with platform(broker_url, redis_url, namespace) as world, world.feeding(idle=0.1):
        door = await house(routes=ROUTES)
        async with listening(door, OURS) as stream:
            await stream.some(1)
            await world.channel.queue_delete(world.topology.browser_feed)
            await world.say(renamed(OURS, 1))  # to nobody
            assert [event.kind for event in await stream.some(1)] == ["reset"]
            await world.say(renamed(OURS, 2))
            versions = [(await stream.some(1))[0].version]
            if versions == [1]:  # the next queue was there before it was said
                versions.append((await stream.some(1))[0].version)
            assert versions in ([2], [1, 2])


async def test_facts_fed_twice_are_written_once_even_after_a_crash_in_between(redis_url: str, namespace: str) -> None:
    pipe = RedisPipe(redis_url, timeout=WITHIN)
    await pipe.start()
    streams = Streams(pipe, namespace, Kept(facts=10))
    await streams.begin_feeding(after_loss=False)
    facts = [fact for fact in (fact_of(renamed(OURS, version)) for version in range(1, 4)) if fact is not None]
    assert await streams.feed(facts) == 0
    began, count = (await streams.places([OURS]))[OURS]
    assert count == 0
    assert [await streams.feed(facts), await streams.feed(facts)] == [3, 0]
    assert await streams.places([OURS]) == {OURS: (began, 3)}
    await streams.begin_feeding(after_loss=True)
    assert await streams.feed(facts) == 0
    again, count = (await streams.places([OURS]))[OURS]
    assert (again > began, count) == (True, 0)
    await pipe.ask(
        "DEL", *(f"{namespace}:events:{name}" for name in ("epoch", OURS, f"{OURS}:state", f"{OURS}:seen"))
    )
    await pipe.stop()


def test_who_falls_behind_has_one_thing_to_do_and_not_many() -> None:
    listener = Listener(OURS, "editor", most=3)
    listener.start(Place("run", 1, 0))
    for count in range(1, 10):
        listener.push(Item("fact", Place("run", 1, count)), frozenset({"editor"}))
    items = listener.take()
    assert [(item.kind, item.place.count) for item in items] == [("reset", 9)]


def test_what_is_not_for_browsers_becomes_no_fact() -> None:
    fact = fact_of(invited(OURS))
    assert fact is not None
    assert fact.roles == {"owner", "admin"}
    assert set(orjson.loads(fact.body)) == {"id", "type", "subject", "time", "version", "data"}
    assert read(b"[]") is None


async def test_when_a_process_is_killed_another_goes_on(
    broker_url: str, redis_url: str, namespace: str, tools: Any
) -> None:
    """Two real gateways; the browser of the one that dies goes to the other and misses nothing."""
    auth = Auth(tools)
    async with (
        tools.raw_service(auth) as port,
        platform(broker_url, redis_url, namespace) as world,
        forgotten(redis_url, namespace),
    ):
        auth.url = f"http://127.0.0.1:{port}"
        async with gateway(auth, world, tools) as (first, dying), gateway(auth, world, tools) as (second, heir):
            async with listening(first, OURS) as stream:
                await stream.some(1)
                await world.say(*(renamed(OURS, version) for version in range(1, 21)))
                heard = sorted([told.version for told in await stream.some(20)])
                await world.say(*(renamed(OURS, version) for version in range(21, 31)))
                dying.kill()
                await world.say(*(renamed(OURS, version) for version in range(31, 41)))
            async with listening(second, OURS, after=stream.last_id) as stream:
                [ready, *rest] = await stream.some(21)
                heard += sorted(told.version for told in rest)
                assert (ready.kind, heard) == ("ready", list(range(1, 41)))
                heir.send_signal(signal.SIGTERM)
                assert [told.kind for told in await stream.some(1)] == ["closing"]
            assert await asyncio.wait_for(heir.wait(), WITHIN) == 0


async def test_hundreds_of_browsers_hear_of_one_fact(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    async with platform(broker_url, redis_url, namespace) as world, world.feeding():
        door = await house(routes=ROUTES, scale=100.0, most=Most(user=400))
        token = door.issuer.token(org=str(OURS), role="editor")
        async with AsyncExitStack() as browsers:
            opening = (listening(door, OURS, token=token, connection={"limit": 4096}) for _ in range(400))
            streams = [await browsers.enter_async_context(each) for each in opening]
            assert {stream.status for stream in streams} == {200}
            for stream in streams:
                await stream.some(1)
            await world.say(renamed(OURS, 9))
            assert {(await stream.some(1))[0].version for stream in streams} == {9}
        await until(lambda: len(door.parts.stays) == 0)


@asynccontextmanager
async def gateway(auth: Auth, world: Platform, tools: Any) -> AsyncIterator[tuple[Door, asyncio.subprocess.Process]]:
    """`python -m gateway`, ready."""
    port, _, env = environment(auth, tools, world.topology.namespace, world.redis_url, world.broker_url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=env, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WITHIN) as client:
            await until_ready(client)
        yield Door(port, auth.issuer), process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def forgotten(redis_url: str, namespace: str) -> AsyncIterator[None]:
    """What real processes wrote into the shared Redis is deleted after the block."""
    try:
        yield
    finally:
        async with Redis.from_url(redis_url) as redis:
            keys = [key async for key in redis.scan_iter(f"{namespace}:*", count=1000)]
            if keys:
                await redis.delete(*keys)
