import asyncio
import os
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.limits import GCRA, Limiter, LocalLimits
from gateway.policy import Rate
from gateway.redis_pipe import RedisAway, RedisPipe
from gateway.routes import MEBIBYTE, Route, RouteTable
from gateway.tally import MICRO, Limit, Whose

from .conftest import UNHURRIED, WITHIN, a_policy, until

POLICY = a_policy(three={"per": "address", "burst": 3, "period": 600.0})
ROUTES = (Route("/v1/three", "auth", public=True, rates=("three",)), Route("/v1/closed", "auth"))
MINE = (Route("/v1/closed", "auth", rates=("mine",)),)


def limits(*shapes: Any) -> Any:
    return [
        Limit(Rate(f"l{at}", "address", burst, period), cost=cost) for at, (burst, period, cost) in enumerate(shapes)
    ]


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 20), st.integers(1, 3)), min_size=1, max_size=3),
    st.lists(st.integers(0, 3_000_000), max_size=60),
)
def test_no_limit_ever_grants_more_than_its_burst_and_its_rate(shapes: Any, gaps: Any) -> None:
    """In any stretch of time, at most burst + rate x time units pass; a refusal by one consumes from none."""
    clock = [0.0]
    local, several = LocalLimits(now=lambda: clock[0]), limits(*shapes)
    keys = [limit.name.decode() for limit in several]
    passed: list[float] = []
    for gap in gaps:
        clock[0] += gap / MICRO
        before = dict(local._arrivals)
        refusing, wait, *_ = local.step(keys, several)
        if refusing:
            assert wait > 0
            assert local._arrivals == before
        else:
            passed.append(clock[0])
    for limit in several:
        for first, begin in enumerate(passed):
            for last in range(first, len(passed)):
                allowed = limit.burst + (passed[last] - begin) * MICRO / limit.interval
                assert (last - first + 1) * limit.takes / limit.interval <= allowed + 0.001


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(100, 5000), st.integers(1, 3)), min_size=1, max_size=3),
    st.lists(st.integers(0, 2), min_size=1, max_size=20),
)
async def test_the_script_and_the_local_arithmetic_agree(
    redis_url: str, namespace: str, shapes: Any, asked: Any
) -> None:
    """The same requests in the same order get the same verdicts, to the precision of the time that passed."""
    pipe = RedisPipe(redis_url, timeout=WITHIN)
    await pipe.start()
    several = limits(*shapes)
    local = LocalLimits(now=lambda: 0.0)
    names = [[f"{namespace}:limit:{limit.name.decode()}:{who}" for limit in several] for who in range(3)]
    try:
        for who in asked:
            arguments = [len(several), *(number for limit in several for number in (limit.takes, limit.window))]
            verdict = await pipe.run(GCRA, names[who], arguments)
            assert isinstance(verdict, list)
            refusing, wait, _, _, *leads = verdict
            expected = local.step(names[who], several)
            assert bool(refusing) == bool(expected[0])
            assert wait == pytest.approx(expected[1], abs=10 * MICRO)
            assert leads == pytest.approx(expected[2:], abs=10 * MICRO)
    finally:
        await pipe.ask("DEL", *(name for group in names for name in group))
        await pipe.stop()


async def test_the_burst_passes_and_then_the_door_says_when_to_come_back(house: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES)
    began = time.monotonic()
    answers = [await door.ask("/v1/three") for _ in range(5)]
    passed = time.monotonic() - began
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    first, refused = answers[0], answers[-1]
    assert first["ratelimit-policy"] == '"address";q=600;w=60, "three";q=3;w=600'
    assert first["ratelimit"] == '"three";r=2;t=200'
    name, _, left = answers[2]["ratelimit"].rpartition("=")
    assert (name, 600 - passed <= int(left) <= 600) == ('"three";r=0;t', True)
    assert 200 - passed <= int(refused["retry-after"]) <= 200
    assert refused.json()["type"] == "urn:rostrum:problem:too-many-requests"
    assert len(door.received) == 3


async def test_an_address_that_is_over_its_limit_is_refused_without_asking_anyone(house: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES)
    for _ in range(4):
        await door.ask("/v1/three")
    door.redis.call = door.redis.ask = lambda *_: (_ for _ in ()).throw(AssertionError("asked"))
    assert (await door.ask("/v1/three")).status == 429


async def test_each_user_has_a_limit_and_none_pays_for_another(house: Any) -> None:
    door = await house(policy=a_policy(mine={"per": "user", "burst": 2, "period": 600.0}), routes=MINE)
    one, other = door.issuer.token(), door.issuer.token()
    assert [(await door.ask("/v1/closed", token=one)).status for _ in range(3)] == [200, 200, 429]
    assert (await door.ask("/v1/closed", token=other)).status == 200


async def test_rejected_tokens_cost_their_sender(house: Any) -> None:
    door = await house(policy=UNHURRIED, scale=5 / 600)
    statuses = [(await door.ask("/v1/closed", token="x.y.z")).status for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2


async def test_two_processes_share_one_limit_and_never_pass_more_than_the_burst(house: Any) -> None:
    policy = a_policy(three={"per": "address", "burst": 20, "period": 3600.0})
    doors = [await house(policy=policy, routes=ROUTES) for _ in range(2)]
    answers = await asyncio.gather(*(doors[number % 2].ask("/v1/three") for number in range(60)))
    assert sum(answer.status == 200 for answer in answers) == 20
    assert sum(answer.status == 429 for answer in answers) == 40


async def test_without_redis_the_limits_go_on_locally_at_once(house: Any, private_redis: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES, redis_url=private_redis.url)
    assert (await door.ask("/v1/three")).status == 200
    await private_redis.kill()

    before = time.monotonic()
    statuses = [(await door.ask("/v1/three")).status for _ in range(4)]
    assert time.monotonic() - before < WITHIN, "nobody has waited for Redis"
    assert statuses == [200, 200, 429, 429], "what Redis had granted still counts"

    await private_redis.start()
    await until(lambda: door.redis.up)
    assert (await door.ask("/v1/closed", token=door.issuer.token())).status == 200


async def test_a_redis_that_hangs_delays_nobody_for_long(house: Any, private_redis: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES, redis_url=private_redis.url, redis_within=1.0)
    assert private_redis.process is not None
    private_redis.process.send_signal(19)
    before = time.monotonic()
    answers = await asyncio.gather(*(door.ask("/v1/closed", token=door.issuer.token()) for _ in range(40)))
    assert {answer.status for answer in answers} == {200}
    assert time.monotonic() - before < 20, "they have waited together and once"
    private_redis.process.send_signal(18)


async def test_a_gateway_that_starts_without_redis_serves(house: Any, tools: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES, redis_url=f"redis://127.0.0.1:{tools.closed_port()}/0")
    assert [(await door.ask("/v1/three")).status for _ in range(4)] == [200, 200, 200, 429]


async def test_a_flushed_redis_resets_the_limits_and_nothing_else(house: Any, private_redis: Any) -> None:
    policy = a_policy(mine={"per": "user", "burst": 1, "period": 600.0})
    door = await house(policy=policy, routes=MINE, redis_url=private_redis.url)
    token = door.issuer.token()
    assert [(await door.ask("/v1/closed", token=token)).status for _ in range(2)] == [200, 429]
    await door.redis.ask("FLUSHALL")
    await door.redis.ask("SCRIPT", "FLUSH")
    assert (await door.ask("/v1/closed", token=token)).status == 200
    assert (await door.ask("/v1/closed", token=token)).status == 429


async def test_without_redis_each_process_grants_its_share(tools: Any) -> None:
    pipe = RedisPipe(f"redis://127.0.0.1:{tools.closed_port()}/0")
    policy = a_policy(three={"per": "address", "burst": 9, "period": 90.0})
    limiter, whose = Limiter(pipe, "t", policy, share=3), Whose("a")
    question = limiter.question(ROUTES[0], whose)
    began = time.monotonic()
    verdicts = [await limiter.check(question) for _ in range(4)]
    passed = time.monotonic() - began
    assert [verdict.retry_after for verdict in verdicts[:3]] == [0, 0, 0]
    assert 30 - passed <= verdicts[3].retry_after <= 30
    assert all(verdict.local for verdict in verdicts)


def test_local_limits_are_bounded() -> None:
    local = LocalLimits(capacity=10)
    for number in range(100):
        local.step([f"k{number}"], limits((1, 10, 1)))
    assert len(local._arrivals) == 10


async def test_many_questions_share_one_connection(redis_url: str, namespace: str) -> None:
    pipe = RedisPipe(redis_url, timeout=WITHIN)
    await pipe.start()
    try:
        replies = await asyncio.gather(*(pipe.ask("ECHO", f"{namespace}-{number}") for number in range(1000)))
        assert replies == [f"{namespace}-{number}".encode() for number in range(1000)]
    finally:
        await pipe.stop()
    with pytest.raises(RedisAway):
        pipe.ask("PING")


async def test_a_redis_that_says_it_is_not_ready_is_left_with_no_open_line(tools: Any) -> None:
    lines: set[asyncio.StreamWriter] = set()
    asked = asyncio.Semaphore(0)

    async def loading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.add(writer)
        await reader.read(100)
        writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")
        asked.release()
        try:
            await reader.read()
        finally:
            lines.discard(writer)

    async with tools.raw_service(loading) as port:
        pipe = RedisPipe(f"redis://127.0.0.1:{port}/0", backoff=(0.01, 0.02))
        await pipe.start()
        for _ in range(10):
            await asyncio.wait_for(asked.acquire(), WITHIN)
        assert len(lines) <= 2
        await pipe.stop()


async def test_a_webhook_passes_byte_for_byte_under_a_class_of_its_own(house: Any) -> None:
    """The service verifies a signature over these bytes; the platform calls from few addresses."""
    hook = RouteTable().match("POST", "/v1/webhooks/whatsapp")
    gateway = await house(routes=(replace(hook, upstream="auth"),))
    body = os.urandom(3 * MEBIBYTE) + b'{"a" :  "\xff\r\n"}'
    answer = await gateway.ask(hook.prefix, method="POST", body=body, x_hub_signature_256="sha256=ab")
    assert (answer.status, answer["ratelimit-policy"]) == (200, '"webhook";q=60000;w=60')
    assert gateway.received[0].endswith(b"\r\n\r\n" + body)
    assert b"x-hub-signature-256: sha256=ab" in gateway.received[0]
    assert (await gateway.ask(hook.prefix, method="POST", body=bytes(4 * MEBIBYTE + 1))).status == 413
