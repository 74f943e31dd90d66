"""What the cache does when something dies: rather nothing kept than something old."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from contracts.inbox import ChannelHealthChanged
from kit.testing.proxy import proxied

from .conftest import WITHIN, Answer, until
from .keeping import CHANNELS, MESSAGES, OURS, Reader, ending, proven, serving
from .real_time import platform
from .test_cache_ends import told, until_other
from .test_events_losses import forgotten, gateway
from .test_process import Auth

BYPASSED = "rostrum; fwd=bypass"


async def test_nothing_is_kept_while_nobody_proves_that_events_arrive(house: Any) -> None:
    async with serving(house) as (service, door):
        reader = Reader(door)
        await reader.read()
        await door.redis.ask("DEL", await feed_key(door))
        service.content = b'"two"'
        for _ in range(2):
            answer = await reader.read()
            assert (answer.body, answer["cache-status"]) == (b'"two"', BYPASSED)
        await proven(door)
        assert (await reader.read())["cache-status"] == "rostrum; fwd=stale; stored"


async def feed_key(door: Any) -> Any:
    (key,) = await door.redis.ask("KEYS", f"{door.namespace}:cache:*:feed")
    return key


async def renewed(door: Any) -> None:
    """Wait until the feed has said once more that it works."""
    key = await feed_key(door)
    await door.redis.ask("PEXPIRE", key, 60_000)
    async with asyncio.timeout(WITHIN):
        while await door.redis.ask("PTTL", key) <= 60_000:  # noqa: ASYNC110 - the feed lives in another task
            await asyncio.sleep(0.02)


async def test_a_feed_that_has_died_is_noticed_in_time(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    async with platform(broker_url, redis_url, namespace) as world, serving(house) as (service, door):
        await door.redis.ask("DEL", await feed_key(door))
        reader = Reader(door)
        async with world.feeding(idle=0.1, holds=120.0):
            await reader.read()
            for _ in range(3):  # it goes on, though there is nothing to hear
                await renewed(door)
                assert (await reader.read())["cache-status"] != BYPASSED
        service.content = b'"two"'
        assert 0 < await door.redis.ask("PTTL", await feed_key(door)) <= 120_000
        await door.redis.ask("PEXPIRE", await feed_key(door), 300)  # as if the rest of the time had passed
        await until_other(reader, CHANNELS)
        assert (await reader.read())["cache-status"] == BYPASSED


async def test_events_that_were_lost_with_their_queue_end_everything(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    async with (
        platform(broker_url, redis_url, namespace) as world,
        world.feeding(idle=0.1),
        serving(house) as (service, door),
    ):
        reader = Reader(door)
        await reader.read()
        await world.channel.queue_delete(world.topology.browser_feed)
        service.content = b'"two"'
        await world.say(told(ChannelHealthChanged))  # to nobody
        await until_other(reader, CHANNELS)


async def test_a_flushed_redis_brings_nothing_old_back(house: Any) -> None:
    async with serving(house, gateways=2) as (service, door, other):
        reader = Reader(door)
        for path in (CHANNELS, MESSAGES):
            await reader.read(path)
        keys = await door.redis.ask("KEYS", f"{door.namespace}:*")
        await door.redis.ask("DEL", *keys)
        service.content = b'"two"'
        for each in (door, other):
            assert (await reader.at(each).read())["cache-status"] == BYPASSED
        await proven(door)
        for path in (CHANNELS, MESSAGES):
            for each in (door, other):
                assert (await reader.at(each).read(path)).body == b'"two"'


async def test_without_redis_every_read_is_the_s(house: Any, redis_url: str) -> None:
    """And a change that could not be told ends what is kept before anything is read again."""
    address = urlsplit(redis_url)
    async with proxied(address.hostname or "127.0.0.1", address.port or 6379) as proxy:
        away = f"redis://127.0.0.1:{proxy.listening_on}{address.path}"
        async with serving(house, redis_url=away, gateways=2) as (_, door, other):
            reader = Reader(door)
            for each in (door, other):
                await reader.at(each).read()
            await proxy.stop()
            await until(lambda: not door.redis.up)
            assert (await reader.read())["cache-status"] == BYPASSED
            assert (await reader.change()).status == 200
            assert (await reader.read()).body == b'"two"'
            await proxy.start()
            await until(lambda: door.redis.up and other.redis.up)
            for each in (door, other):
                assert (await reader.at(each).read()).body == b'"two"'


async def test_a_redis_restored_from_an_old_copy_knows_nothing_of_ours(house: Any, private_redis: Any) -> None:
    """It comes back with the generations from before a change, and with the answers under them."""
    async with serving(house, redis_url=private_redis.url, gateways=2) as (_, door, other):
        reader = Reader(door)
        await reader.read()
        await door.redis.ask("SAVE")
        await ending(door).heard([])
        await reader.change()
        await private_redis.kill()
        await private_redis.start()
        await until(lambda: door.redis.up and other.redis.up)
        assert await door.redis.ask("DBSIZE")
        await proven(door)
        for each in (door, other):
            assert (await reader.at(each).read()).body == b'"two"'


async def test_two_real_processes_hear_of_one_fact_and_a_new_one_begins_with_what_redis_has(
    broker_url: str, redis_url: str, namespace: str, tools: Any
) -> None:
    auth = Counting(tools)
    async with (
        tools.raw_service(auth) as port,
        platform(broker_url, redis_url, namespace) as world,
        forgotten(redis_url, namespace),
    ):
        auth.url = f"http://127.0.0.1:{port}"
        token = auth.issuer.token(org=OURS, role="agent")
        async with gateway(auth, world, tools) as (first, _), gateway(auth, world, tools) as (second, _):
            for round_ in range(3):
                auth.content = b'"%d"' % round_
                await world.say(told(ChannelHealthChanged, version=round_ + 1))
                for door in (first, second, first):
                    async with asyncio.timeout(WITHIN):
                        while (await asked(door, token)).body != auth.content:  # noqa: ASYNC110 - it is on its way
                            await asyncio.sleep(0.02)
            for door in (first, second):
                await kept(door, token, auth.content)
                assert (await kept(door, token, auth.content)).startswith("rostrum; hit; ")
        async with gateway(auth, world, tools) as (third, _):
            assert (await kept(third, token, auth.content)).endswith("; detail=redis")


class Counting(Auth):
    """Auth and all other services."""

    def __init__(self, tools: Any) -> None:
        super().__init__(tools)
        self.content = b'"0"'

    async def __call__(self, reader: Any, writer: Any) -> None:
        while True:
            target = (await self.tools.request_of(reader)).split(b" ")[1]
            if target == b"/.well-known/jwks.json":
                body = await self.issuer.jwks()
            elif target == b"/internal/revocations":
                body = orjson.dumps({"now": datetime.now(UTC), "revocations": []})
            elif target.startswith(b"/internal/plans"):
                body = b'{"plans": [], "next": null}'
            else:
                body = self.content
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()


async def asked(door: Any, token: str) -> Answer:
    async with door.client() as client:
        await client.send(f"GET {CHANNELS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n".encode())
        answer: Answer = await client.answer()
    return answer


async def kept(door: Any, token: str, content: bytes) -> str:
    """Where an answer came from; while Redis is late, all are asked of the service."""
    async with asyncio.timeout(WITHIN):
        while (answer := await asked(door, token))["cache-status"] == BYPASSED:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.02)
    assert answer.body == content
    return answer["cache-status"]
