"""Answers that are kept, as clients and operators see them."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from gateway.cache.entries import Memory, entry_of
from gateway.cache.figures import SAVED, STORED
from gateway.cache.wishes import has
from gateway.revocations import Revocation

from .conftest import UNHURRIED, until
from .keeping import CHANNELS, MESSAGES, ONE, OURS, THEIRS, Reader, serving

CHANNEL = f"/v1/channels/{ONE}"
NOON = 1000.0


def still() -> float:
    """A clock that does not run, for tests that look at ages."""
    return NOON


async def test_what_was_read_is_answered_again_without_its_service(house: Any) -> None:
    async with serving(house, now=still) as (service, door):
        service.headers = b'etag: "v3"\r\nx-own: yes\r\n'
        reader = Reader(door)
        first, second = await reader.read(), await reader.read()
        assert [answer.status for answer in (first, second)] == [200, 200]
        assert (first["cache-status"], first.get("age")) == ("rostrum; fwd=uri-miss; stored", None)
        assert (second["cache-status"], second["age"]) == ("rostrum; hit; ttl=60; detail=process", "0")
        for answer in (first, second):
            assert (answer.body, answer["etag"], answer["x-own"]) == (b'"one"', '"v3"', "yes")
            assert (answer["cache-control"], answer["content-length"]) == ("no-store", "5")
            assert answer["ratelimit"]
        assert service.reads == 1


async def test_nobody_reads_what_another_organization_was_answered(house: Any) -> None:
    async with serving(house) as (service, door):
        for path in (CHANNELS, CHANNEL, MESSAGES, "/v1/conversations"):
            service.content = b'"ours"'
            assert (await Reader(door, OURS).read(path)).body == b'"ours"'
            service.content = b'"theirs"'
            assert (await Reader(door, THEIRS).read(path)).body == b'"theirs"'
            assert (await Reader(door, OURS).read(path)).body == b'"ours"'


async def test_members_of_one_role_share_an_answer_and_others_do_not(house: Any) -> None:
    async with serving(house) as (service, door):
        assert (await Reader(door, role="admin").read()).status == 200
        service.status, service.content = 403, b'"no"'
        assert (await Reader(door, role="analyst").read()).status == 403
        assert (await Reader(door, role="analyst").read()).status == 403
        assert service.reads == 3
        assert (await Reader(door, role="admin").read()).body == b'"one"'
        assert service.reads == 3


async def test_of_who_may_see_less_than_all_each_is_asked_for(house: Any) -> None:
    async with serving(house) as (service, door):
        one = Reader(door, role="agent")
        assert (await one.read()).body == b'"one"'
        service.content = b'"less"'
        assert (await Reader(door, role="agent").read()).body == b'"less"'
        assert (await one.read()).body == b'"one"'


async def test_where_the_service_looks_at_the_caller_each_user_and_epoch_is_asked_for(house: Any) -> None:
    """After a removal the epoch is another, so what the member was answered is nobody's any more."""
    async with serving(house) as (service, door):
        for path in (f"/v1/organizations/{OURS}", f"/v1/organizations/{OURS}/members"):
            asked = service.reads
            member = Reader(door)
            await member.read(path)
            await member.read(path)
            assert service.reads == asked + 1
            await Reader(door).read(path)
            await Reader(door, sub=member.claims["sub"], epoch=2).read(path)
            await Reader(door, THEIRS, sub=member.claims["sub"]).read(path)
            assert service.reads == asked + 4


async def test_a_session_that_has_ended_is_refused_before_anything_is_looked_up(house: Any) -> None:
    async with serving(house) as (service, door):
        reader = Reader(door)
        assert (await reader.read()).status == 200
        door.parts.revocations.note(Revocation(user_id=UUID(reader.claims["sub"]), epoch=2))
        assert (await reader.read()).status == 401
        assert (await door.ask(CHANNELS)).status == 401
        assert service.reads == 1


async def test_kept_answers_count_at_the_limits(house: Any) -> None:
    async with serving(house, policy=UNHURRIED, scale=0.01) as (_, door):
        reader = Reader(door)
        assert [(await reader.read()).status for _ in range(7)] == [200] * 6 + [429]


@pytest.mark.parametrize("tags", ['"v3"', 'W/"v3"', '"x", "v3"', "*"])
async def test_who_has_it_already_is_told_so(house: Any, tags: str) -> None:
    async with serving(house) as (service, door):
        service.headers = b'etag: "v3"\r\n'
        reader = Reader(door)
        for _ in range(2):  # asked of the service, then kept
            answer = await reader.read(CHANNEL, if_none_match=tags)
            assert (answer.status, answer["etag"], answer.body) == (304, '"v3"', b"")
        assert b"if-none-match" not in service.asked[0]
        assert (await reader.read(CHANNEL, if_none_match='"v2"')).status == 200
        assert (await reader.read(CHANNEL)).status == 200
        assert service.reads == 1


async def test_a_tag_that_does_not_speak_for_the_whole_answer_is_no_reason_for_304(house: Any) -> None:
    """The version of an organization says nothing of the reader's role in it."""
    async with serving(house) as (service, door):
        service.headers = b'etag: "v3"\r\n'
        path = f"/v1/organizations/{OURS}"
        reader = Reader(door)
        assert [(await reader.read(path, if_none_match='"v3"')).status for _ in range(2)] == [200, 200]
        assert service.reads == 1


@pytest.mark.parametrize(
    ("tags", "has_it"), [(b'"a"', True), (b' W/"a" , "b"', True), (b'"b"', False), (b"a", False), (b'"a" "b"', False)]
)
def test_a_list_of_tags_that_cannot_be_read_names_none(tags: bytes, has_it: bool) -> None:
    assert has(tags, b'"a"') is has_it


async def test_head_is_answered_from_what_is_kept(house: Any) -> None:
    async with serving(house, now=still) as (service, door):
        reader = Reader(door)
        missed = await reader.read(method="HEAD")
        assert (missed.status, missed["content-length"], missed["cache-status"]) == (
            200,
            "5",
            "rostrum; fwd=uri-miss",
        )
        await reader.read()
        kept = await reader.read(method="HEAD")
        assert (kept.status, kept["content-length"], kept["age"]) == (200, "5", "0")
        assert service.reads == 2


@pytest.mark.parametrize(
    "wish", [{"cache_control": "no-cache"}, {"cache_control": "max-age=0"}, {"pragma": "no-cache"}]
)
async def test_who_wants_it_anew_gets_it_anew_and_so_do_the_others(house: Any, wish: dict[str, str]) -> None:
    async with serving(house) as (service, door):
        reader = Reader(door)
        await reader.read()
        service.content = b'"new"'
        answer = await reader.read(**wish)
        assert (answer.body, answer["cache-status"]) == (b'"new"', "rostrum; fwd=request; stored")
        assert (await reader.read()).body == b'"new"'
        assert service.reads == 2


@pytest.mark.parametrize("wish", [{"cache_control": "no-store"}, {"range": "bytes=0-1"}, {"if_match": '"v1"'}])
async def test_what_is_none_of_the_caches_business_passes(house: Any, wish: dict[str, str]) -> None:
    async with serving(house) as (service, door):
        reader = Reader(door)
        for _ in range(2):
            assert (await reader.read(**wish)).get("cache-status") is None
        assert service.reads == 2


@pytest.mark.parametrize(
    "header",
    [
        b"vary: accept",
        b"set-cookie: a=b",
        b"cache-control: private",
        b"cache-control: max-age=60",
        b"pragma: no-cache",
    ],
)
async def test_what_a_service_says_of_keeping_is_left_to_it(house: Any, header: bytes) -> None:
    async with serving(house) as (service, door):
        service.headers = header + b"\r\n"
        reader = Reader(door)
        for _ in range(2):
            answer = await reader.read()
            assert (answer.body, answer["cache-status"]) == (b'"one"', "rostrum; fwd=uri-miss")
        assert service.reads == 2


@pytest.mark.parametrize("status", [203, 404, 500, 503])
async def test_only_plain_answers_are_kept(house: Any, status: int) -> None:
    async with serving(house) as (service, door):
        service.status = status
        reader = Reader(door)
        assert [(await reader.read()).status for _ in range(2)] == [status] * 2
        assert service.reads == 2


@pytest.mark.parametrize("chunked", [False, True])
async def test_large_answers_pass_whole_and_are_not_kept(house: Any, chunked: bool) -> None:
    async with serving(house) as (service, door):
        service.content = content = bytes(range(256)) * 4000
        if chunked:
            service.raw = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
                len(content),
                content,
            )
        reader = Reader(door)
        for _ in range(2):
            assert (await reader.read()).body == content
        assert service.reads == 2


async def test_an_answer_in_small_chunks_is_kept_whole(house: Any) -> None:
    async with serving(house) as (service, door):
        service.raw = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        reader = Reader(door)
        for _ in range(2):
            answer = await reader.read()
            assert (answer.body, answer["content-length"]) == (b"abcde", "5")
        assert service.reads == 1


async def test_half_an_answer_is_no_answer(house: Any) -> None:
    async with serving(house) as (service, door):
        service.breaks_off = True
        reader = Reader(door)
        assert (await reader.read()).status == 502
        service.breaks_off = False
        assert (await reader.read()).body == b'"one"'


async def test_nothing_is_kept_for_longer_than_a_minute(house: Any) -> None:
    time = [NOON]
    async with serving(house, gateways=2, now=lambda: time[0]) as (service, door, other):
        reader = Reader(door)
        await reader.read(MESSAGES)
        time[0] += 59.5
        assert (await reader.read(MESSAGES))["age"] == "59"
        time[0] += 1
        assert (await reader.read(MESSAGES))["cache-status"] == "rostrum; fwd=stale; stored"
        assert service.reads == 2
        await reader.read()
        assert 0 < int(await door.redis.ask("PTTL", await shared_key(door))) <= 60_000
        assert (await reader.at(other).read())["cache-status"].endswith("detail=redis")


async def shared_key(door: Any) -> Any:
    (key,) = await door.redis.ask("KEYS", f"{door.namespace}:cache:*:answer:*")
    return key


async def test_what_persons_wrote_is_not_written_to_redis(house: Any) -> None:
    async with serving(house, gateways=2, now=still) as (service, door, other):
        reader = Reader(door)
        service.content = b'"personal"'
        paths = (MESSAGES, "/v1/conversations", f"/v1/organizations/{OURS}/members")
        for path in paths:
            await reader.read(path)
            assert (await reader.read(path))["age"] == "0"
        keys = await door.redis.ask("KEYS", f"{door.namespace}:*")
        assert not any(b":answer:" in key for key in keys)
        asked = service.reads
        for path in paths:
            await reader.at(other).read(path)
        assert service.reads == asked + len(paths)


async def test_what_stands_in_redis_and_cannot_be_read_is_not_there(house: Any) -> None:
    async with serving(house, gateways=2) as (service, door, other):
        reader = Reader(door)
        await reader.read()
        for content in (b"", b"[]\nx", b'[2,["a"],[]]\nx', b'[1,["a","b","c"],[]]\n"foreign"', b"\xff\x00"):
            await door.redis.ask("SET", await shared_key(door), content, "PX", 20_000)
            assert (await reader.at(other).read(cache_control="")).body == b'"one"'
            service.content = b'"one"'
            await other.ask(CHANNELS, token=reader.token, method="POST")  # so that the process has nothing either


async def test_those_who_come_at_once_ask_once(house: Any) -> None:
    async with serving(house) as (service, door):
        service.proceed.clear()
        readers = [asyncio.create_task(Reader(door).read()) for _ in range(40)]
        await until(lambda: followers(door) == 39)
        service.proceed.set()
        answers = await asyncio.gather(*readers)
        assert {answer.body for answer in answers} == {b'"one"'}
        assert sum("collapsed" in answer["cache-status"] for answer in answers) == 39
        assert service.reads == 1


def followers(door: Any) -> int:
    """How many wait for what another brings."""
    return sum(flight.waiting for flight in door.parts.cache._reader._flights._flights.values())


async def test_a_leader_who_leaves_takes_nobody_along(house: Any) -> None:
    async with serving(house) as (service, door):
        service.proceed.clear()
        leader = Reader(door)
        async with door.client() as client:
            request = f"GET {CHANNELS} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {leader.token}\r\n\r\n"
            await client.send(request.encode())
            await service.until_asked(1)
            others = [asyncio.create_task(Reader(door).read()) for _ in range(5)]
            await until(lambda: followers(door) == 5)
        await service.until_asked(2)
        service.proceed.set()
        assert {answer.status for answer in await asyncio.gather(*others)} == {200}
        assert service.reads == 2


async def test_an_answer_that_is_not_kept_is_nobodys_but_the_leaders(house: Any) -> None:
    async with serving(house) as (service, door):
        service.proceed.clear()
        service.status = 404
        readers = [asyncio.create_task(Reader(door).read()) for _ in range(5)]
        await until(lambda: followers(door) == 4)
        service.proceed.set()
        assert {answer.status for answer in await asyncio.gather(*readers)} == {404}
        assert service.reads == 5


async def test_a_cache_without_room_keeps_nothing(house: Any) -> None:
    async with serving(house, cache_bytes=0) as (service, door):
        reader = Reader(door)
        for _ in range(2):
            assert (await reader.read()).get("cache-status") is None
        assert service.reads == 2


@pytest.mark.parametrize(
    "path", ["/v1/posts", "/v1/billing/organization", "/v1/me", f"{CHANNEL}/more", CHANNEL.upper()]
)
async def test_what_is_not_in_the_table_is_not_kept(house: Any, path: str) -> None:
    async with serving(house) as (_, door):
        reader = Reader(door)
        assert [(await reader.read(path)).get("cache-status") for _ in range(2)] == [None, None]


async def test_a_token_of_no_organization_keeps_nothing(house: Any) -> None:
    async with serving(house) as (service, door):
        for _ in range(2):
            await door.ask(CHANNELS, token=door.issuer.token())
        assert service.reads == 2


def test_the_memory_is_bounded_in_bytes_and_in_number() -> None:
    memory = Memory(10_000, most_entries=5)
    small, big = (entry_of((), 0.0, [], bytes(size)) for size in (10, 2_000))
    for number in range(8):
        memory.put(str(number), small)
        memory.get("0")
    assert (len(memory), memory.get("0"), memory.get("1")) == (5, small, None)
    memory.put("big", big)
    assert memory.get("big") is None
    assert memory.bytes == 5 * (small.size + 1)
    older = entry_of((b"x",), -1.0, [], b"")
    memory.put("0", older)
    assert memory.get("0") is small
    for number in range(100):
        memory.put(str(number), entry_of((), 0.0, [], bytes(600)))
    assert memory.bytes <= 10_000


async def test_the_figures_say_what_services_were_spared(house: Any) -> None:
    async with serving(house) as (_, door):
        before = figure(SAVED, "channels"), figure(STORED, "channels")
        reader = Reader(door)
        for _ in range(4):
            await reader.read()
        assert (figure(SAVED, "channels") - before[0], figure(STORED, "channels") - before[1]) == (3, 1)
        assert door.parts.cache.hit_ratio() == 0.75
        assert b'"outcome":"kept"' in flushed(door)


def figure(counter: Any, row: str) -> float:
    return float(counter.labels(row)._value.get())


def flushed(door: Any) -> bytes:
    door.parts.log.flush()
    return bytes(door.log.getvalue())
