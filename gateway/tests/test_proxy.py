import asyncio
import hashlib
import os
from typing import Any

import psutil
import pytest

from gateway.deadlines import Sweep
from gateway.routes import Route, Timeouts
from gateway.upstream import PoolBounds, Upstream

from .conftest import WITHIN

IMPATIENT = Route("/v1/open", "auth", public=True, timeouts=Timeouts(connect=WITHIN, first_byte=0.3))
HASTY = Route("/v1/open", "auth", public=True, timeouts=Timeouts(connect=WITHIN, first_byte=WITHIN, idle=0.3))
BIG = Route("/v1/open", "auth", public=True, body_limit=2**30)
MEGABYTE = 2**20


async def test_a_request_arrives_as_it_was_sent(house: Any) -> None:
    door = await house()
    answer = await door.ask("/v1/open/a%20b?q=%2F&x", method="POST", body=b"hello", accept="text/x", x_custom="1")
    assert answer.json() == {"ok": True}
    head, body = door.received[0].split(b"\r\n\r\n")
    assert body == b"hello"
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1/open/a%20b?q=%2F&x HTTP/1.1"
    assert b"accept: text/x" in lines
    assert b"x-custom: 1" in lines
    assert b"content-length: 5" in lines
    assert b"x-forwarded-host: api.example.com" in lines
    assert b"x-forwarded-for: 127.0.0.1" in lines
    assert b"x-forwarded-proto: http" in lines
    assert f"x-request-id: {answer['x-request-id']}".encode() in lines


@pytest.mark.parametrize(
    ("response", "status", "body"),
    [
        (b'HTTP/1.1 201 Created\r\ncontent-length: 2\r\netag: "1"\r\n\r\nhi', 201, b"hi"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx-t: 1\r\n\r\n",
            200,
            b"abcde",
        ),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", 204, b""),
        (b'HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\netag: "1"\r\n\r\n', 304, b""),
        (
            (
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n"
                b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx"
            ),
            200,
            b"x",
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, b""),
    ],
    ids=["length", "chunks", "until close", "1.0", "204", "304", "interim", "empty"],
)
async def test_every_way_of_framing_an_answer_is_understood(
    house: Any, response: Any, status: Any, body: Any
) -> None:
    async def once(reader: Any, writer: Any) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
            await writer.drain()
            if b"close" in response or b"1.0" in response:
                return

    door = await house(once)
    async with door.client() as client:
        for _ in range(2):
            await client.send(b"GET /v1/open HTTP/1.1\r\nhost: a\r\n\r\n")
            answer = await client.answer()
            assert (answer.status, answer.body, answer.whole) == (status, body, True)
            assert answer.get("x-t") is None
            assert answer.get("link") is None


async def test_head_has_headers_and_no_body(house: Any, tools: Any) -> None:
    door = await house(tools.answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"))
    async with door.client() as client:
        for _ in range(3):
            await client.send(b"HEAD /v1/open HTTP/1.1\r\nhost: a\r\n\r\n")
            answer = await client.answer(method="HEAD")
            assert (answer.status, answer["content-length"]) == (200, "5")


async def test_connections_to_a_service_are_kept(house: Any, tools: Any) -> None:
    connections = []

    async def counted(reader: Any, writer: Any) -> None:
        connections.append(1)
        await tools.answering(tools.OK)(reader, writer)

    door = await house(counted)
    for _ in range(10):
        assert (await door.ask("/v1/open")).status == 200
    assert len(connections) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_kept_connection_that_died_is_replaced_when_repeating_is_harmless(
    house: Any, tools: Any, method: Any
) -> None:
    """The service answers once, then drops the connection when the next request arrives."""
    seen = []

    async def dying(reader: Any, writer: Any) -> None:
        seen.append(await tools.request_of(reader))
        writer.write(tools.OK)
        await reader.readuntil(b"\r\n\r\n")
        seen.append(b"dropped")

    door = await house(dying)
    answers = [await door.ask("/v1/open", method=method) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert seen.count(b"dropped") == 2


async def test_a_post_is_never_sent_twice(house: Any, tools: Any) -> None:
    seen = []

    async def dying(reader: Any, writer: Any) -> None:
        await tools.request_of(reader)
        writer.write(tools.OK)
        seen.append(await tools.request_of(reader))

    door = await house(dying)
    assert (await door.ask("/v1/open", method="POST", body=b"1")).status == 200
    assert (await door.ask("/v1/open", method="POST", body=b"2")).status == 502
    assert len(seen) == 1


async def test_a_get_that_got_half_a_head_is_not_repeated(house: Any, tools: Any) -> None:
    seen = []

    async def half(reader: Any, writer: Any) -> None:
        await tools.request_of(reader)
        writer.write(tools.OK)
        seen.append(await tools.request_of(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncont")
        await writer.drain()

    door = await house(half)
    assert [(await door.ask("/v1/open")).status for _ in range(2)] == [200, 502]
    assert len(seen) == 1


async def test_a_service_that_is_not_there_is_503(house: Any, tools: Any) -> None:
    door = await house(tools.closed_port())
    answer = await door.ask("/v1/open")
    assert (answer.status, answer["retry-after"]) == (503, "1")
    assert answer.json()["type"] == "urn:rostrum:problem:service-unavailable"


async def test_a_service_that_does_not_answer_is_504(house: Any) -> None:
    async def silent(reader: Any, _writer: Any) -> None:
        await reader.read()

    door = await house(silent, routes=(IMPATIENT,))
    answer = await door.ask("/v1/open")
    assert answer.status == 504


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5000,
        b"",
    ],
    ids=range(11),
)
async def test_an_answer_that_is_not_http_is_502(house: Any, tools: Any, nonsense: Any) -> None:
    async def babbling(reader: Any, writer: Any) -> None:
        await tools.request_of(reader)
        writer.write(nonsense)
        await writer.drain()

    door = await house(babbling)
    answer = await door.ask("/v1/open", method="POST", body=b"x")
    assert answer.status == 502
    assert answer.json()["type"] == "urn:rostrum:problem:bad-gateway"


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nZZ\r\n",
    ],
    ids=["length", "chunks", "bad chunk"],
)
async def test_an_answer_that_breaks_off_is_never_taken_for_whole(house: Any, tools: Any, broken: Any) -> None:
    async def dying(reader: Any, writer: Any) -> None:
        await tools.request_of(reader)
        writer.write(broken)
        await writer.drain()
        await asyncio.sleep(0.05)

    door = await house(dying)
    answer = await door.ask("/v1/open")
    assert (answer.status, answer.whole) == (200, False)
    assert b'"outcome":"upstream-broke-off"' in await logged(door)


async def logged(door: Any) -> Any:
    async with asyncio.timeout(WITHIN):
        while not door.parts.log._ended and not door.log.getvalue():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.01)
    door.parts.log.flush()
    return door.log.getvalue()


async def test_an_answer_that_stalls_is_broken_off(house: Any, tools: Any) -> None:
    async def stalling(reader: Any, writer: Any) -> None:
        await tools.request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await reader.read()

    door = await house(stalling, routes=(HASTY,))
    assert not (await door.ask("/v1/open")).whole


async def test_bytes_that_nobody_asked_for_do_not_reach_the_next_caller(house: Any, tools: Any) -> None:
    """A service that answers twice to one request must not have its second answer given to the next request."""
    number = 0

    async def twice(reader: Any, writer: Any) -> None:
        nonlocal number
        while True:
            await tools.request_of(reader)
            number += 1
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % number)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")
            await writer.drain()

    door = await house(twice)
    assert [(await door.ask("/v1/open")).body for _ in range(4)] == [b"1", b"2", b"3", b"4"]


async def test_events_are_passed_on_as_they_come(house: Any, tools: Any) -> None:
    proceed = asyncio.Event()

    async def events(reader: Any, writer: Any) -> None:
        await tools.request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(3):
            writer.write(b"9\r\ndata: %d\n\n\r\n" % number)
            await writer.drain()
            await proceed.wait()
            proceed.clear()
        writer.write(b"0\r\n\r\n")

    door = await house(events)
    async with door.client() as client:
        await client.send(b"GET /v1/open HTTP/1.1\r\nhost: a\r\n\r\n")
        await client.head()
        for number in range(3):
            chunk = await asyncio.wait_for(client.reader.readuntil(b"\n\n\r\n"), WITHIN)
            assert b"data: %d" % number in chunk
            proceed.set()
        assert await client.reader.readexactly(5) == b"0\r\n\r\n"


async def test_a_large_answer_waits_for_a_slow_reader_and_memory_stays_small(house: Any, tools: Any) -> None:
    """50 MB to a client that pauses: the service is held back and the gateway does not hold the difference."""
    size, piece = 50 * MEGABYTE, os.urandom(MEGABYTE)
    sent = 0

    async def generous(reader: Any, writer: Any) -> None:
        nonlocal sent
        await tools.request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(50):
            writer.write(piece)
            await writer.drain()
            sent += MEGABYTE

    door = await house(generous)
    async with door.client() as client:
        await client.send(b"GET /v1/open HTTP/1.1\r\nhost: a\r\n\r\n")
        await client.head()
        before = psutil.Process().memory_info().rss
        held = sent
        while True:
            await asyncio.sleep(0.2)
            if sent == held:
                break
            held = sent
        assert held < 30 * MEGABYTE
        assert psutil.Process().memory_info().rss - before < 25 * MEGABYTE
        digest, left = hashlib.sha256(), size
        while left:
            data = await client.reader.read(MEGABYTE)
            digest.update(data)
            left -= len(data)
    assert digest.digest() == hashlib.sha256(piece * 50).digest()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_upload_streams_and_a_slow_service_holds_the_client_back(
    house: Any, tools: Any, chunked: Any
) -> None:
    size, piece = 50 * MEGABYTE, os.urandom(64 * 1024)
    proceed = asyncio.Event()
    digest, taken = hashlib.sha256(), 0

    async def slow(reader: Any, writer: Any) -> None:
        nonlocal taken
        head = await reader.readuntil(b"\r\n\r\n")
        assert (b"transfer-encoding: chunked" in head) is chunked
        await proceed.wait()
        while taken < size:
            if chunked:
                length = int(await reader.readuntil(b"\r\n"), 16)
                data = (await reader.readexactly(length + 2))[:-2]
            else:
                data = await reader.read(MEGABYTE)
            digest.update(data)
            taken += len(data)
        writer.write(tools.OK)
        await writer.drain()

    door = await house(slow, routes=(BIG,))
    async with door.client() as client:
        framing = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % size
        await client.send(b"POST /v1/open HTTP/1.1\r\nhost: a\r\n" + framing + b"\r\n\r\n")
        written = 0

        async def upload() -> None:
            nonlocal written
            for _ in range(size // len(piece)):
                await client.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                written += len(piece)
            if chunked:
                await client.send(b"0\r\n\r\n")

        uploading = asyncio.create_task(upload())
        held = -1
        while held != written:
            held = written
            await asyncio.sleep(0.2)
        assert held < 30 * MEGABYTE
        proceed.set()
        await uploading
        assert (await client.answer()).status == 200
    assert digest.digest() == hashlib.sha256(piece * (size // len(piece))).digest()


async def test_an_early_answer_reaches_the_client_while_it_still_sends(house: Any) -> None:
    async def early(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        await reader.read()

    door = await house(early)
    async with door.client() as client:
        await client.send(b"POST /v1/open HTTP/1.1\r\nhost: a\r\ncontent-length: 500000\r\n\r\n" + b"x" * 100_000)
        answer = await client.answer()
        assert (answer.status, answer.body) == (403, b"no")
        await client.send(b"x" * 400_000)
        await client.send(b"GET /v1/open HTTP/1.1\r\nhost: a\r\n\r\n")
        assert (await client.answer()).status == 403


async def test_a_client_that_leaves_takes_its_request_along(house: Any, tools: Any) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def patient(reader: Any, _writer: Any) -> None:
        await tools.request_of(reader)
        arrived.set()
        try:
            await reader.read()
        finally:
            gone.set()

    door = await house(patient)
    async with door.client() as client:
        await client.send(b"GET /v1/open HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.wait_for(arrived.wait(), WITHIN)
    await asyncio.wait_for(gone.wait(), WITHIN)
    assert b'"status":499' in await logged(door)


async def test_a_client_that_leaves_in_the_middle_of_its_upload_aborts_it(house: Any) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def patient(reader: Any, _writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        try:
            while await reader.read(65536):
                pass
        finally:
            gone.set()

    door = await house(patient)
    async with door.client() as client:
        await client.send(b"POST /v1/open HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nhalf")
        await asyncio.wait_for(arrived.wait(), WITHIN)
    await asyncio.wait_for(gone.wait(), WITHIN)


async def test_pipelined_requests_are_answered_in_order(house: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(b"".join(b"GET /v1/open/%d HTTP/1.1\r\nhost: a\r\n\r\n" % number for number in range(5)))
        for _ in range(5):
            assert (await client.answer()).status == 200
    assert [request.split(b" ")[1] for request in door.received] == [b"/v1/open/%d" % number for number in range(5)]


async def test_a_client_that_asks_first_is_told_to_continue(house: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(b"POST /v1/open HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert (await client.head())[0] == 100
        await client.send(b"hi")
        assert (await client.answer()).status == 200
    assert door.received[0].endswith(b"\r\n\r\nhi")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_the_head_of_a_probe_brings_no_body_to_be_read_as_the_next_answer(house: Any, path: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(b"HEAD " + path.encode() + b" HTTP/1.1\r\nhost: a\r\n\r\n")
        assert (await client.answer(method="HEAD")).status == 200
        await client.send(b"GET /v1/open HTTP/1.1\r\nhost: a\r\n\r\n")
        assert await asyncio.wait_for(client.reader.readexactly(9), WITHIN) == b"HTTP/1.1 "


async def test_a_connection_that_comes_free_as_its_waiter_gives_up_serves_the_next(tools: Any) -> None:
    async with tools.raw_service(tools.answering(tools.OK)) as port:
        upstream = Upstream("auth", f"http://127.0.0.1:{port}", Sweep(), PoolBounds(connections=1, wait_seconds=0.2))
        only = await upstream.connect(1)
        only.send(b"GET", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", WITHIN)
        await only.head()
        waiting = asyncio.create_task(upstream.connect(1))
        await asyncio.sleep(0)
        only.release()
        waiting.cancel()  # as its time-out would, in the same turn of the loop
        await asyncio.gather(waiting, return_exceptions=True)
        assert upstream.idle(repeatable=True) is only
        upstream.close()
