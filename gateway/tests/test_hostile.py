import asyncio
from typing import Any

import pytest

from gateway.edge import Bounds
from gateway.problems import UPGRADE_REFUSED
from gateway.routes import Route, Timeouts

from .conftest import WITHIN, until

SLOW = Route("/v1/open", "auth", public=True, timeouts=Timeouts(body_idle=0.3, body_total=1.0))
SMALL = Route("/v1/open", "auth", public=True, body_limit=1000)
HURRY = Bounds(head_seconds=0.4, write_seconds=0.4, linger_seconds=0.4)


def post(*lines: Any, body: Any = b"") -> Any:
    return b"\r\n".join([b"POST /v1/open HTTP/1.1", b"host: a", *lines, b"", body])


def get(*lines: Any) -> Any:
    return b"\r\n".join([b"GET /v1/open HTTP/1.1", b"host: a", *lines, b"", b""])


SMUGGLED = b"0\r\n\r\nGET /v1/closed HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        post(b"content-length: 5", b"transfer-encoding: chunked", body=SMUGGLED),
        post(b"transfer-encoding: chunked", b"content-length: 5", body=SMUGGLED),
        post(b"content-length: 5", b"content-length: 6", body=b"hello!"),
        post(b"content-length: 5", b"content-length: 5", body=b"hello"),
        post(b"content-length: 5, 5", body=b"hello"),
        post(b"content-length: +5", body=b"hello"),
        post(b"content-length: 0x5", body=b"hello"),
        post(b"content-length: -1", body=b"hello"),
        post(b"content-length: 99999999999999999999999", body=b"hello"),
        post(b"transfer-encoding: xchunked", body=SMUGGLED),
        post(b"transfer-encoding: chunked, identity", body=SMUGGLED),
        post(b"transfer-encoding: gzip, chunked", body=SMUGGLED),
        post(b"transfer-encoding: identity", b"transfer-encoding: chunked", body=SMUGGLED),
        post(b"transfer-encoding: chunked", b"transfer-encoding: chunked", body=SMUGGLED),
        post(b"transfer-encoding : chunked", body=SMUGGLED),
        post(b"transfer-encoding:\x0bchunked", body=SMUGGLED),
        post(b"transfer-encoding: chunked", body=b"-1\r\nx\r\n" + SMUGGLED),
        post(b"transfer-encoding: chunked", body=b"0x1\r\nx\r\n" + SMUGGLED),
        post(b"transfer-encoding: chunked", body=b"1\nx\n0\n\n"),
        post(b"transfer-encoding: chunked", body=b"fffffffffffffffff\r\nx"),
        get(b"x: a\r\n b"),
        get(b"x: a\rb: c"),
        get(b"x: a\x00b"),
        get(b"x: a\x01b"),
        get(b": a"),
        get(b"x y: a"),
        get(b"no colon"),
        get(b"host: b"),
        get(b"x: a", b" host: b"),
        b"GET /v1/open HTTP/1.1\nhost: a\n\n",
        b"GET /v1/open HTTP/1.1\r\n\r\n",
        b"GET /v1/open HTTP/1.1\r\nhost: \r\n\r\n",
        b"GET /v1/open HTTP/1.1\r\nhost: a b\r\n\r\n",
        b"GET /v1/open HTTP/1.1\r\nhost: a/b?c\r\n\r\n",
        b"GET /v1/open\r\n\r\n",
        b"GET /v1/op\xc3\xa9n HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /v1/../internal/revocations HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /v1/%2e%2e/internal HTTP/1.1\r\nhost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
        b"CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello\r\n\r\n",
    ],
    ids=range(43),
)
async def test_what_could_be_read_in_two_ways_is_refused_and_reaches_no_service(house: Any, request_: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(request_)
        answer = await asyncio.wait_for(client.answer(), WITHIN)
        assert answer.status in (400, 501, 505)
        assert answer["content-type"] == "application/problem+json"
        assert answer["x-content-type-options"] == "nosniff"
        assert answer.json()["request_id"] == answer["x-request-id"]
        assert b"closed" not in b"".join(door.received)
    assert door.received == []


async def test_trailers_are_not_headers(house: Any) -> None:
    door = await house()
    async with door.client() as client:
        body = b"1\r\nx\r\n0\r\nauthorization: Bearer stolen\r\nx-user-id: 1\r\n\r\n"
        await client.send(post(b"transfer-encoding: chunked", body=body))
        assert (await client.answer()).status == 200
    assert b"stolen" not in door.received[0]
    assert b"x-user-id" not in door.received[0]


@pytest.mark.parametrize("version", [b"1.0", b"2.0", b"0.9"])
async def test_other_versions_are_refused(house: Any, version: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(b"GET /v1/open HTTP/" + version + b"\r\nhost: a\r\n\r\n")
        assert (await client.answer()).status in (400, 505)


@pytest.mark.parametrize("method", [b"TRACE", b"PROPFIND", b"SUBSCRIBE"])
async def test_unknown_methods_are_refused(house: Any, method: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(method + b" /v1/open HTTP/1.1\r\nhost: a\r\n\r\n")
        assert (await client.answer()).status == 501


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_an_upgrade_is_refused_and_what_follows_is_not_read(house: Any, protocol: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(get(b"connection: upgrade", b"upgrade: " + protocol) + get())
        answer = await client.answer()
        assert (answer.status, answer.json()["title"]) == (426, UPGRADE_REFUSED.title)
        assert await client.closed()
    assert door.received == []


async def test_a_long_address_is_refused(house: Any) -> None:
    door = await house()
    answer = await door.ask("/v1/open?" + "x" * 9000)
    assert answer.status == 414


@pytest.mark.parametrize("lines", [[b"x: " + b"y" * 40_000], [b"x%d: y" % number for number in range(120)]])
async def test_too_many_or_too_large_headers_are_refused(house: Any, lines: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(get(*lines))
        assert (await client.answer()).status == 431
        assert await client.closed()


async def test_a_head_without_end_is_cut_off(house: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(b"GET /v1/open HTTP/1.1\r\nx: ")
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                await client.send(b"y" * 65536)
                await asyncio.sleep(0)


async def test_a_trailer_without_end_is_cut_off(house: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(post(b"transfer-encoding: chunked", body=b"1\r\nx\r\n0\r\nx: "))
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                await client.send(b"y" * 65536)
                await asyncio.sleep(0)


async def test_many_tiny_chunks_are_no_attack(house: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(post(b"transfer-encoding: chunked", body=b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n"))
        assert (await client.answer()).status == 200
    assert door.received[0].endswith(b"x" * 50_000)


async def test_a_body_that_says_it_is_too_large_is_refused_at_once(house: Any) -> None:
    door = await house(routes=(SMALL,))
    async with door.client() as client:
        await client.send(post(b"content-length: 1001"))
        answer = await client.answer()
        assert (answer.status, answer.json()["type"]) == (413, "urn:rostrum:problem:content-too-large")
    assert door.received == []


async def test_a_body_that_does_not_say_so_is_refused_when_it_is(house: Any) -> None:
    heads = []

    async def service(reader: Any, _writer: Any) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        await reader.read()

    door = await house(service, routes=(SMALL,))
    async with door.client() as client:
        await client.send(post(b"transfer-encoding: chunked", body=b"10\r\n" + b"x" * 16 + b"\r\n"))
        await asyncio.sleep(0.05)
        await client.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n")
        assert (await client.answer()).status == 413
    assert len(heads) <= 1


async def test_a_body_at_its_limit_passes(house: Any) -> None:
    door = await house(routes=(SMALL,))
    assert (await door.ask("/v1/open", method="POST", body=b"x" * 1000)).status == 200


async def test_a_refused_body_is_not_asked_for(house: Any) -> None:
    door = await house(routes=(SMALL,))
    async with door.client() as client:
        await client.send(post(b"expect: 100-continue", b"content-length: 5000"))
        assert (await client.head())[0] == 413
        await client.reader.read()


@pytest.mark.parametrize("beginning", [b"", b"G", b"GET /v1/open HTTP/1.1\r\nhost: a\r\n", b"\r\n\r\n\r\n"])
async def test_a_head_that_does_not_come_in_time_ends_the_connection(house: Any, beginning: Any) -> None:
    door = await house(bounds=HURRY)
    async with door.client() as client:
        await client.send(beginning)
        answer = await asyncio.wait_for(client.reader.read(), WITHIN)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


async def test_drop_by_drop_is_not_in_time(house: Any) -> None:
    door = await house(bounds=HURRY)
    async with door.client() as client:

        async def drip() -> None:
            for byte in get(b"x: " + b"y" * 500):
                await client.send(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await asyncio.wait_for(client.answer(), WITHIN)).status == 408
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


async def test_a_second_request_has_its_time_too(house: Any) -> None:
    door = await house(bounds=Bounds(head_seconds=1.0))
    async with door.client() as client:
        await client.send(get())
        assert (await client.answer()).status == 200
        await asyncio.sleep(1.2)
        await client.send(get())
        assert (await client.answer()).status == 200
        await client.send(b"GET /v1/op")
        assert (await asyncio.wait_for(client.answer(), WITHIN)).status == 408


@pytest.mark.parametrize("framing", [b"content-length: 100", b"transfer-encoding: chunked"])
async def test_a_body_that_stalls_is_408(house: Any, framing: Any) -> None:
    door = await house(routes=(SLOW,))
    async with door.client() as client:
        await client.send(post(framing, body=b"5\r\nhello\r\n"))
        assert (await asyncio.wait_for(client.answer(), WITHIN)).status == 408
        assert await client.closed()


async def test_a_body_that_comes_drop_by_drop_has_a_bound(house: Any) -> None:
    door = await house(routes=(SLOW,))
    async with door.client() as client:
        await client.send(post(b"content-length: 1000"))

        async def drip() -> None:
            for _ in range(100):
                await client.send(b"x")
                await asyncio.sleep(0.1)

        dripping = asyncio.create_task(drip())
        assert (await asyncio.wait_for(client.answer(), WITHIN)).status == 408
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


async def test_a_client_that_does_not_take_its_answer_is_cut_off(house: Any, tools: Any) -> None:
    ended = asyncio.Event()

    async def generous(reader: Any, writer: Any) -> None:
        await tools.request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                await writer.drain()
        finally:
            ended.set()

    door = await house(generous, bounds=HURRY)
    async with door.client() as client:
        await client.send(get())
        await asyncio.wait_for(ended.wait(), WITHIN)


async def test_an_early_answer_does_not_keep_the_door_open_for_ever(house: Any) -> None:
    door = await house(routes=(SMALL,), bounds=HURRY)
    async with door.client() as client:
        await client.send(post(b"content-length: 100000", body=b"x" * 100))
        assert (await client.answer()).status == 413
        assert await client.closed()


async def test_too_many_requests_at_once_are_told_to_come_back(house: Any, tools: Any) -> None:
    proceed = asyncio.Event()

    async def waiting(reader: Any, writer: Any) -> None:
        await tools.request_of(reader)
        await proceed.wait()
        writer.write(tools.OK)
        await writer.drain()

    door = await house(waiting, max_in_flight=3)
    asking = [asyncio.create_task(door.ask("/v1/open")) for _ in range(6)]
    await until(lambda: sum(task.done() for task in asking) == 3)
    assert {task.result().status for task in asking if task.done()} == {503}
    proceed.set()
    answers = await asyncio.gather(*asking)
    assert sorted(answer.status for answer in answers) == [200] * 3 + [503] * 3
    assert next(answer for answer in answers if answer.status == 503)["retry-after"] == "1"


async def test_too_many_connections_are_turned_away(house: Any) -> None:
    door = await house(bounds=Bounds(connections=2))
    async with door.client() as one, door.client() as two, door.client() as three:
        assert (await asyncio.wait_for(three.answer(), WITHIN)).status == 503
        await one.send(get())
        assert (await one.answer()).status == 200
        await two.send(get())
        assert (await two.answer()).status == 200
