"""The client's connection as such: turns, pipelining, what is read when, and the orderly end."""

import asyncio
import contextlib
from typing import Any

import orjson
import pytest

from gateway.deadlines import Sweep
from gateway.edge import Bounds, Door
from gateway.routes import Route
from gateway.server import listen, serve_public

HURRY = Bounds(head_seconds=0.4, write_seconds=0.4, linger_seconds=0.4)


def get(path: str = "/v1/open", *lines: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: a", *lines, "", ""]).encode()


async def test_requests_that_come_at_once_are_answered_in_their_order(house: Any, tools: Any) -> None:
    """Refusals are said at once, but not before the answer that is still awaited."""

    async def echo(reader: Any, writer: Any) -> None:
        while True:
            target = (await tools.request_of(reader)).split(b" ")[1]
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(target), target))
            await writer.drain()

    door = await house(echo)
    asked = ["/v1/open/1", "/nowhere", "/v1/closed", "/v1/open/2", "/livez", "/v1/open/3"]
    async with door.client() as client:
        await client.send(b"".join(get(path) for path in asked))
        answers = [await asyncio.wait_for(client.answer(), 10) for _ in asked]
    assert [answer.status for answer in answers] == [200, 404, 401, 200, 200, 200]
    assert [answers[at].body for at in (0, 3, 5)] == [b"/v1/open/1", b"/v1/open/2", b"/v1/open/3"]


async def test_thousands_of_requests_in_one_piece_are_each_answered(house: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(get() + get("/nowhere") * 3000 + get("/v1/open/last"))
        answers = [await asyncio.wait_for(client.answer(), 20) for _ in range(3002)]
    assert [answer.status for answer in answers] == [200, *[404] * 3000, 200]


async def test_who_asks_for_thousands_at_once_does_not_keep_others_waiting(house: Any) -> None:
    door = await house()
    async with door.client() as many, door.client() as one:
        await many.send(get("/nowhere") * 3000)
        assert (await many.answer()).status == 404
        await one.send(get("/livez"))
        assert (await one.answer()).status == 200
        assert len(many.reader._buffer) < 1_000_000  # most are still to be answered


async def test_a_client_that_asks_and_takes_nothing_is_served_little_and_cut_off(house: Any, tools: Any) -> None:
    served = []
    body = b"x" * 50_000

    async def generous(reader: Any, writer: Any) -> None:
        while True:
            served.append(await tools.request_of(reader))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()

    door = await house(generous, bounds=HURRY, send_buffer=16_384)
    async with door.client(limit=1024) as client:
        await client.send(get() * 2000)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(30):
                while True:  # until the connection is closed
                    await client.send(get())
                    await asyncio.sleep(0.01)
    assert len(served) < 500


async def test_after_a_request_that_ends_the_connection_nothing_more_is_served(house: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(get("/v1/open/1", "connection: close") + get("/v1/open/2") * 3)
        answer = await client.answer()
        assert (answer.status, answer["connection"]) == (200, "close")
        assert await client.closed()
    async with door.client() as client:
        await client.send(get("/nowhere", "connection: close") + get("/v1/open/3") * 3)
        assert (await client.answer()).status == 404
        assert await client.closed()
    await asyncio.sleep(0.1)
    assert [request.split(b" ")[1] for request in door.received] == [b"/v1/open/1"]


@pytest.mark.parametrize(
    ("target", "status", "seen"),
    [
        (b"http://other.example/v1/open/x?y=1", 200, b"/v1/open/x?y=1"),
        (b"/v1/open/x?y=1#part", 200, b"/v1/open/x?y=1"),
        (b"/v1/open?a=b?c", 200, b"/v1/open?a=b?c"),
        (b"/v1/open?", 200, b"/v1/open"),
        (b"http://other.example", 400, b""),
        (b"/v1/open?\xc3\xa9", 400, b""),
        (b"/v1/open?\x7f", 400, b""),
        (b"/v1/open\x01", 400, b""),
        (b"v1/open", 400, b""),
        (b"?v1/open", 400, b""),
    ],
)
async def test_a_target_is_read_in_one_way(house: Any, target: bytes, status: int, seen: bytes) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(b"GET " + target + b" HTTP/1.1\r\nhost: a\r\n\r\n")
        assert (await asyncio.wait_for(client.answer(), 5)).status == status
    assert [request.split(b" ")[1] for request in door.received] == ([seen] if seen else [])


async def test_a_head_is_read_alike_however_it_is_cut(house: Any) -> None:
    door = await house()
    whole = get("/v1/open/cut?a=1", "x-one: 1", "accept: */*")
    async with door.client() as client:
        for at in range(1, len(whole)):
            await client.send(whole[:at])
            await asyncio.sleep(0)
            await client.send(whole[at:])
            assert (await asyncio.wait_for(client.answer(), 5)).status == 200
    heads = {request.split(b"x-request-id")[0] for request in door.received}
    assert len(heads) == 1


async def test_a_head_in_one_large_piece_has_the_same_bounds(house: Any) -> None:
    door = await house()
    for lines in (["x: " + "y" * 40_000], [f"x{number}: y" for number in range(101)]):
        async with door.client() as client:
            await client.send(get("/v1/open/1") * 20 + get("/v1/open/2", *lines))
            await _ended(client)
    assert not any(b"/v1/open/2" in request for request in door.received)


async def test_a_head_is_measured_with_the_piece_in_which_it_begins(house: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(get("/v1/open", "x: " + "y" * 34_000)[:-2])
        await asyncio.sleep(0.1)
        await client.send(b"z: 1\r\n\r\n")
        assert (await asyncio.wait_for(client.answer(), 5)).status == 431
    assert door.received == []


async def _ended(client: Any) -> None:
    """Wait for the end of the connection; what is still said does not matter."""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            while await client.reader.read(65_536):
                pass


async def test_a_connection_without_requests_is_closed_after_a_while(house: Any) -> None:
    door = await house(bounds=Bounds(rest_seconds=0.3))
    async with door.client() as client:
        await client.send(get())
        assert (await client.answer()).status == 200
        assert await client.closed()


async def test_a_client_that_leaves_ends_the_work_for_it(house: Any, tools: Any) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def waiting(reader: Any, writer: Any) -> None:
        await tools.request_of(reader)
        writer.write(tools.OK)
        await tools.request_of(reader)
        asked.set()
        await reader.read()
        left.set()

    door = await house(waiting)
    assert (await door.ask("/v1/open")).status == 200  # the next one finds a connection that was kept
    async with door.client() as client:
        await client.send(get("/v1/open/gone"))
        await asyncio.wait_for(asked.wait(), 5)
    await asyncio.wait_for(left.wait(), 5)
    door.parts.log.flush()
    told = orjson.loads(door.log.getvalue().splitlines()[-1])
    assert (told["path"], told["status"], told["outcome"]) == ("/v1/open/gone", 499, "client-gone")


async def test_an_answer_that_comes_in_pieces_over_a_kept_connection_is_streamed(house: Any, tools: Any) -> None:
    async def dripping(reader: Any, writer: Any) -> None:
        while True:
            await tools.request_of(reader)
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for _ in range(5):
                writer.write(b"3\r\nabc\r\n")
                await asyncio.sleep(0.01)
            writer.write(b"0\r\n\r\n")
            await writer.drain()

    door = await house(dripping)
    async with door.client() as client:
        for _ in range(4):
            await client.send(get())
            answer = await asyncio.wait_for(client.answer(), 5)
            assert (answer.status, answer.body) == (200, b"abc" * 5)


async def test_a_kept_connection_that_dies_before_it_answers_costs_a_second_try(house: Any, tools: Any) -> None:
    requests = []

    async def once(reader: Any, writer: Any) -> None:
        requests.append(await tools.request_of(reader))
        writer.write(tools.OK)
        await writer.drain()
        requests.append(await tools.request_of(reader))
        writer.transport.abort()

    door = await house(once)
    statuses = [(await door.ask(f"/v1/open/{number}")).status for number in range(3)]
    assert statuses == [200, 200, 200]
    assert [request.split(b" ")[1][-1:] for request in requests] == [b"0", b"1", b"1", b"2", b"2"]


async def test_a_bug_of_ours_is_told_as_500_and_leaves_the_connection_in_order(house: Any) -> None:
    door = await house(routes=(Route("/v1/open", "auth", public=True), Route("/v1/odd", "nobody", public=True)))  # type: ignore[arg-type]
    async with door.client() as client:
        await client.send(get("/v1/odd") + get("/v1/open"))
        assert [(await client.answer()).status for _ in range(2)] == [500, 200]


class Served:
    """A door that answers when it is told to."""

    def __init__(self) -> None:
        self.visits: list[Any] = []
        self.arrived = asyncio.Event()
        self.door = Door(Sweep(), self._serve)

    def _serve(self, visit: Any) -> None:
        self.visits.append(visit)
        self.arrived.set()

    def answer(self) -> None:
        visits, self.visits[:] = list(self.visits), []
        for visit in visits:
            visit.answer(200, [], b"ok")


async def test_at_the_end_each_is_answered_who_was_let_in_and_nobody_else() -> None:
    served, stop = Served(), asyncio.Event()
    listener = listen("127.0.0.1", 0)
    address = listener.getsockname()
    serving = asyncio.create_task(serve_public(served.door, set(), listener, 5.0, stop))
    await asyncio.sleep(0.05)
    idle = await asyncio.open_connection(*address)
    busy = await asyncio.open_connection(*address)
    busy[1].write(get() * 2)
    await asyncio.wait_for(served.arrived.wait(), 5)
    stop.set()
    assert await asyncio.wait_for(idle[0].read(), 5) == b""
    with pytest.raises(ConnectionError):
        await asyncio.open_connection(*address)
    assert not serving.done()
    while not serving.done():
        served.answer()
        await asyncio.sleep(0.01)
    told = await asyncio.wait_for(busy[0].read(), 5)
    assert told.count(b"HTTP/1.1 200 OK") == 2
    assert told.count(b"connection: close") == 1
    for _, writer in (idle, busy):
        writer.close()


async def test_the_end_does_not_wait_for_ever() -> None:
    served, stop = Served(), asyncio.Event()
    listener = listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    serving = asyncio.create_task(serve_public(served.door, set(), listener, 0.3, stop))
    writer.write(get())
    await asyncio.wait_for(served.arrived.wait(), 5)
    stop.set()
    await asyncio.wait_for(serving, 5)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
