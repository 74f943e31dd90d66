import asyncio
import base64
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from gateway.edge import Bounds
from gateway.revocations import Revocation
from gateway.routes import Route, Timeouts
from gateway.stays import Most
from kit.clock import ManualClock, SystemClock

from .conftest import WITHIN, until
from .real_time import ROUTES, Platform, platform, renamed

OURS = uuid4()
PAGE = "https://console.example.com"


@pytest.fixture
async def world(broker_url: str, redis_url: str, namespace: str) -> AsyncIterator[Platform]:
    async with platform(broker_url, redis_url, namespace) as made, made.feeding():
        yield made


def subprotocols(token: str) -> list[Subprotocol]:
    return [Subprotocol("rostrum.v1"), Subprotocol(f"bearer.{token}")]


@asynccontextmanager
async def browser(
    door: Any, organization: UUID = OURS, *, query: str = "", token: str = "", **options: Any
) -> AsyncIterator[ClientConnection]:
    """A page's WebSocket; pages can state a token only as a subprotocol."""
    token = token or door.issuer.token(org=str(organization), role="editor", **options)
    address = f"ws://127.0.0.1:{door.port}/v1/events/ws{query}"
    asked: Any = {"subprotocols": subprotocols(token), "origin": PAGE}
    async with connect(address, ping_interval=None, open_timeout=WITHIN, **asked) as socket:
        yield socket


async def told(socket: ClientConnection) -> Any:
    async with asyncio.timeout(WITHIN):
        return orjson.loads(await socket.recv())


async def closed(socket: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(WITHIN):
        with pytest.raises(ConnectionClosed) as end:
            while True:
                await socket.recv()
    assert end.value.rcvd is not None
    return end.value.rcvd.code, end.value.rcvd.reason


async def test_a_page_is_told_by_web_socket_what_a_stream_would_tell(house: Any, world: Platform) -> None:
    door = await house(routes=ROUTES, origins=frozenset({PAGE}))
    async with browser(door) as ours, browser(door, uuid4()) as theirs:
        assert ours.subprotocol == "rostrum.v1"
        ready = await told(ours)
        assert (ready["event"], (await told(theirs))["event"]) == ("ready", "ready")
        await world.say(renamed(OURS, 5))
        fact = await told(ours)
        assert (fact["event"], fact["data"]["version"], fact["data"]["subject"]) == ("fact", 5, str(OURS))
    await world.say(renamed(OURS, 6))
    async with browser(door, query=f"?last_event_id={fact['id']}") as ours:
        assert [(await told(ours))["event"] for _ in range(2)] == ["ready", "fact"]
    async with browser(door, query="?last_event_id=x-1-1") as ours:
        assert (await told(ours))["event"] == "reset"
    assert (await told_none(theirs)) is None
    door.parts.log.flush()
    lines = [orjson.loads(line) for line in door.log.getvalue().splitlines()]
    assert {line["status"] for line in lines} == {101}
    assert b"bearer" not in door.log.getvalue()


async def told_none(socket: ClientConnection) -> Any:
    with pytest.raises(ConnectionClosed):
        await socket.recv()


async def test_a_web_socket_ends_with_its_session_its_token_or_the_process(house: Any, world: Platform) -> None:
    clock, user = ManualClock(SystemClock().now()), uuid4()
    door = await house(routes=ROUTES, origins=frozenset({PAGE}), clock=clock)
    now = int(clock.now().timestamp())
    made: dict[str, Any] = {"iat": now, "nbf": now}
    async with (
        browser(door, sub=str(user), exp=now + 600, **made) as revoked,
        browser(door, exp=now + 600, **made) as expired,
        browser(door, exp=now + 6000, **made) as last,
    ):
        for socket in (revoked, expired, last):
            await told(socket)
        door.parts.revocations.note(Revocation(user_id=user, epoch=2))
        assert await closed(revoked) == (4003, "revoked")
        clock.forward(minutes=11)
        assert await closed(expired) == (4001, "expired")
        await world.say(renamed(OURS, 2))
        assert (await told(last))["data"]["version"] == 2
        door.parts.stays.drain()
        code, reason = await closed(last)
        assert (code, reason.startswith("come back in ")) == (1012, True)
    await until(lambda: len(door.parts.stays) == 0)


@pytest.mark.usefixtures("world")
async def test_only_pages_that_are_named_and_tokens_that_are_good_open_a_web_socket(house: Any) -> None:
    door = await house(routes=ROUTES, origins=frozenset({PAGE}))
    address = f"ws://127.0.0.1:{door.port}/v1/events/ws"
    good = door.issuer.token(org=str(OURS), role="editor")

    async def refused(token: str, **options: Any) -> int:
        with pytest.raises(InvalidStatus) as refusal:
            async with connect(address, subprotocols=subprotocols(token), **options):
                pass
        assert refusal.value.response.headers["content-type"] == "application/problem+json"
        return refusal.value.response.status_code

    assert await refused(good, origin="https://evil.example.com") == 403
    assert await refused(door.issuer.token()) == 403
    assert await refused("rubbish") == 401
    assert await refused(door.issuer.token(exp=1)) == 401
    assert await refused(good, additional_headers={"authorization": f"Bearer {good}"}) == 400
    async with connect(
        address, subprotocols=[Subprotocol("rostrum.v1")], additional_headers={"authorization": f"Bearer {good}"}
    ) as socket:
        assert (await told(socket))["event"] == "ready"


SHAKE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": base64.b64encode(bytes(16)).decode(),
    "sec-websocket-protocol": "rostrum.v1",
}


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 101),
        ({"upgrade": "h2c"}, 426),
        ({"upgrade": "websocket, h2c"}, 426),
        ({"sec-websocket-version": "8"}, 400),
        ({"sec-websocket-key": "short"}, 400),
        ({"sec-websocket-key": ""}, 400),
        ({"sec-websocket-protocol": "other"}, 400),
        ({"sec-websocket-protocol": ""}, 400),
        ({"content-length": "3"}, 400),
        ({"connection": "keep-alive"}, 400),
    ],
)
async def test_a_handshake_is_valid_or_refused(house: Any, changes: dict[str, str], status: int) -> None:
    door = await house(routes=ROUTES)
    token = door.issuer.token(org=str(OURS), role="editor")
    headers = {"host": "x", "authorization": f"Bearer {token}", **SHAKE, **changes}
    lines = [f"{name}: {value}" for name, value in headers.items()]
    async with door.client() as client:
        await client.send("\r\n".join(["GET /v1/events/ws HTTP/1.1", *lines, "", "abc"]).encode())
        answered, told_headers = await asyncio.wait_for(client.head(), WITHIN)
    assert answered == status
    if status == 101:
        assert dict(told_headers)["sec-websocket-accept"] == "ICX+Yqv66kxgM0FcWaLWlFLwTAI="


@pytest.mark.usefixtures("world")
async def test_plain_requests_and_other_routes_are_answered_as_ever(house: Any) -> None:
    door = await house(routes=ROUTES)
    token = door.issuer.token(org=str(OURS), role="editor")
    answer = await door.ask("/v1/events/ws", token=token)
    assert (answer.status, answer["upgrade"]) == (426, "websocket")
    for path in ("/v1/open", "/v1/closed", "/v1/events"):
        assert (await door.ask(path, token=token, **{k.replace("-", "_"): v for k, v in SHAKE.items()})).status == 426


def frame(first: int, payload: bytes = b"", *, masked: bool = True, claimed: int | None = None) -> bytes:
    """One frame as a hostile client writes it."""
    length = len(payload) if claimed is None else claimed
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head = bytes([first, mask_bit | length])
    elif length < 65536:
        head = bytes([first, mask_bit | 126]) + struct.pack("!H", length)
    else:
        head = bytes([first, mask_bit | 127]) + struct.pack("!Q", length)
    return head + (bytes(4) if masked else b"") + payload


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(0x81, b"hello"), 1003),
        (frame(0x82, b"\x00"), 1003),
        (frame(0x01, b"part"), 1003),
        (frame(0x81, b"bare", masked=False), 1002),
        (frame(0xF1, b"reserved"), 1002),
        (frame(0x83), 1002),
        (frame(0x80, b"of nothing"), 1002),
        (frame(0x89, bytes(126)), 1002),
        (frame(0x09), 1002),
        (frame(0x82, claimed=5000), 1009),
        (frame(0x82, claimed=2**63 - 1), 1009),
        (frame(0x88, b"\x03"), 1002),
        (frame(0x88, struct.pack("!H", 1005)), 1002),
        (frame(0x88, struct.pack("!H", 1000) + b"\xff\xfe"), 1007),
        (frame(0x88, struct.pack("!H", 1000)), 1000),
        (b"".join(frame(0x89, b"x") for _ in range(200)), 1008),
    ],
)
async def test_hostile_frames_end_the_connection_that_sent_them(house: Any, sent: bytes, code: int) -> None:
    door = await house(routes=ROUTES)
    async with opened(door) as client:
        await client.send(sent)
        raw = await asyncio.wait_for(client.reader.read(), WITHIN)
    assert struct.pack("!H", code) in raw
    assert b"\x88" in raw
    await until(lambda: len(door.parts.stays) == 0)


@asynccontextmanager
async def opened(door: Any) -> AsyncIterator[Any]:
    """A raw client after the handshake."""
    token = door.issuer.token(org=str(OURS), role="editor")
    lines = [f"{name}: {value}" for name, value in {"host": "x", "authorization": f"Bearer {token}", **SHAKE}.items()]
    async with door.client() as client:
        await client.send("\r\n".join(["GET /v1/events/ws HTTP/1.1", *lines, "", ""]).encode())
        assert (await asyncio.wait_for(client.head(), WITHIN))[0] == 101
        yield client


@pytest.mark.usefixtures("world")
async def test_rubbish_of_every_kind_harms_nobody_else(house: Any) -> None:
    door = await house(routes=ROUTES)
    async with opened(door) as witness:
        for _ in range(30):
            async with opened(door) as client:
                await client.send(os.urandom(300))
        await witness.send(frame(0x89, b"still there"))
        assert b"still there" in await asyncio.wait_for(witness.reader.readuntil(b"still there"), WITHIN)
    assert (await door.ask("/v1/open")).status == 200
    await until(lambda: len(door.parts.stays) == 0)


@pytest.mark.usefixtures("world")
async def test_a_page_that_answers_no_ping_is_let_go(house: Any) -> None:
    door = await house(routes=ROUTES, heartbeat=0.05)
    async with opened(door) as client:
        assert b"\x89\x00" in await asyncio.wait_for(client.reader.read(), WITHIN)
    await until(lambda: len(door.parts.stays) == 0)


# WebSockets to a service


@asynccontextmanager
async def service(answers: list[Any]) -> AsyncIterator[int]:
    """A real WebSocket server that gives every message back."""

    async def echo(socket: Any) -> None:
        answers.append(socket.request)
        async for message in socket:
            await socket.send(message)

    async with serve(echo, "127.0.0.1", 0, subprotocols=[Subprotocol("chat")], max_size=2**24) as server:
        yield server.sockets[0].getsockname()[1]


def line(door: Any, token: str, *, subprotocols: Any = ("chat",), **options: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    address = f"ws://127.0.0.1:{door.port}/v1/line/1?a=b"
    given = {"subprotocols": subprotocols, "additional_headers": headers, "max_size": 2**24, "open_timeout": WITHIN}
    return connect(address, **given, **options)


async def test_a_web_socket_passes_through_to_its_service(house: Any) -> None:
    seen: list[Any] = []
    async with service(seen) as port:
        door = await house(port, routes=ROUTES)
        token = door.issuer.token()
        async with line(door, token, subprotocols=["chat"]) as socket:
            assert socket.subprotocol == "chat"
            for message in ("hello", "ü" * 1000, os.urandom(3_000_000), ""):
                await socket.send(message)
                assert await socket.recv() == message
            await (await socket.ping())
    [request] = seen
    assert request.path == "/v1/line/1?a=b"
    assert request.headers["authorization"] == f"Bearer {token}"
    assert request.headers["x-forwarded-for"] == "127.0.0.1"
    assert request.headers["x-request-id"]


async def test_a_token_in_the_subprotocol_reaches_the_service_as_any_other(house: Any) -> None:
    seen: list[Any] = []
    async with service(seen) as port:
        door = await house(port, routes=ROUTES)
        token = door.issuer.token()
        async with line(door, "", subprotocols=["chat", f"bearer.{token}"]) as socket:
            assert socket.subprotocol == "chat"
    assert seen[0].headers["authorization"] == f"Bearer {token}"
    assert seen[0].headers["sec-websocket-protocol"] == "chat"


async def test_without_a_good_token_no_service_is_asked(house: Any) -> None:
    seen: list[Any] = []
    async with service(seen) as port:
        door = await house(port, routes=ROUTES)
        for token in ("", "rubbish", door.issuer.token(exp=1)):
            with pytest.raises(InvalidStatus) as refusal:
                await line(door, token)
            assert refusal.value.response.status_code == 401
    assert seen == []


async def test_a_line_ends_with_its_session_and_with_its_process(house: Any) -> None:
    seen: list[Any] = []
    async with service(seen) as port:
        door = await house(port, routes=ROUTES)
        user = uuid4()
        token, other = door.issuer.token(sub=str(user)), door.issuer.token()
        async with line(door, token) as first, line(door, other) as second:
            door.parts.revocations.note(Revocation(user_id=user, epoch=2))
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(first.recv(), WITHIN)
            await second.send("still there")
            assert await second.recv() == "still there"
            door.parts.stays.drain()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(second.recv(), WITHIN)
    await until(lambda: len(door.parts.stays) == 0)


async def test_a_line_on_which_nothing_is_said_is_ended(house: Any) -> None:
    async with service([]) as port:
        routes = (Route("/v1/line", "auth", websocket=True, timeouts=Timeouts(idle=0.2)),)
        door = await house(port, routes=routes)
        async with line(door, door.issuer.token()) as socket:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), WITHIN)


async def test_lines_are_counted_and_limited_like_requests(house: Any) -> None:
    async with service([]) as port:
        limited = Route("/v1/line", "auth", websocket=True, rates=("real-time",))
        door = await house(port, routes=(limited,), scale=3 / 60, most=Most(user=2))
        token = door.issuer.token()
        async with line(door, token), line(door, token):
            for status in (429, 429):
                with pytest.raises(InvalidStatus) as refusal:
                    await line(door, token)
                assert refusal.value.response.status_code == status


async def test_what_a_service_answers_instead_is_passed_on(house: Any, tools: Any) -> None:
    refusal = b"HTTP/1.1 409 Conflict\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    door = await house(tools.answering(refusal), routes=ROUTES)
    with pytest.raises(InvalidStatus) as refused:
        await line(door, door.issuer.token())
    assert (refused.value.response.status_code, refused.value.response.body) == (409, b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        (
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-accept: wrong\r\n\r\n"
        ),
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + bytes(70_000),
        b"",
    ],
)
async def test_a_service_that_shakes_hands_wrongly_is_a_bad_gateway(house: Any, answer: bytes) -> None:
    async def wrong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.write_eof()

    door = await house(wrong, routes=ROUTES)
    with pytest.raises(InvalidStatus) as refused:
        await line(door, door.issuer.token())
    assert refused.value.response.status_code == 502
    await until(lambda: len(door.parts.stays) == 0)


async def test_no_service_means_service_unavailable(house: Any, tools: Any) -> None:
    door = await house(tools.closed_port(), routes=ROUTES)
    with pytest.raises(InvalidStatus) as refused:
        await line(door, door.issuer.token())
    assert refused.value.response.status_code == 503


async def test_a_reader_too_slow_stops_the_service_and_is_let_go_in_the_end(house: Any) -> None:
    """A megabyte is on its way, not more: the gateway does not gather what nobody takes."""
    sent = 0

    async def pouring(socket: Any) -> None:
        nonlocal sent
        while True:
            await socket.send(bytes(100_000))
            sent += 1

    async with serve(pouring, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        door = await house(port, routes=ROUTES, bounds=Bounds(write_seconds=0.5), send_buffer=65_536)
        async with line(door, door.issuer.token()) as socket:
            socket.transport.pause_reading()
            await until(lambda: len(door.parts.stays) == 0)
            socket.transport.abort()
    assert sent < 200


async def test_one_address_cannot_hold_all_connections(house: Any) -> None:
    door = await house(bounds=Bounds(per_address=2))
    async with door.client() as first, door.client() as second:
        for client in (first, second):
            await client.send(b"GET /v1/open HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await client.answer()).status == 200
        async with door.client() as third:
            assert (await asyncio.wait_for(third.answer(), WITHIN)).status == 503
    await asyncio.sleep(0)
    async with asyncio.timeout(WITHIN):
        while (await door.ask()).status != 200:  # noqa: ASYNC110 - the server sees the ends in its own time
            await asyncio.sleep(0.01)
