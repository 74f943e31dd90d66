"""A server that leaves a socket open fails some later test, far away: none may be left, whenever it ends."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from kit.testing.listening import Handler, Listener, listening
from kit.testing.ports import reserved
from kit.testing.proxy import proxied

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def open_at(port: int) -> int:
    """How many sockets of this process are bound to a port."""
    return sum(one.fd >= 0 and one.laddr.port == port for one in psutil.Process().net_connections(kind="tcp4"))


def open_to(port: int) -> int:
    """How many sockets of this process are connected to a port."""
    seen = psutil.Process().net_connections(kind="tcp4")
    return sum(one.fd >= 0 and bool(one.raddr) and one.raddr.port == port for one in seen)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def silence(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readexactly(5))


async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"x" * 2**24)


async def test_what_a_handler_wrote_arrives_before_the_connection_ends() -> None:
    async with listening(echo) as port, connected(port) as (reader, writer):
        writer.write(b"hello")
        assert await reader.read() == b"hello"


@pytest.mark.parametrize("handler", [silence, echo, flood])
async def test_nothing_is_left_of_connections_in_any_state(handler: Handler) -> None:
    async with listening(handler) as port:
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        await asyncio.sleep(0)
        clients += [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    assert open_at(port) == 0
    for client in clients:
        client.close()


@pytest.mark.parametrize("turns", range(6))
async def test_nothing_is_left_of_a_connection_that_comes_in_the_moment_of_the_end(turns: int) -> None:
    async with listening(silence) as port:
        client = socket.create_connection(("127.0.0.1", port))
        for _ in range(turns):
            await asyncio.sleep(0)
    assert open_at(port) == 0
    client.close()


async def test_nothing_is_left_of_a_handshake_that_never_ends() -> None:
    async with listening(silence, ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as port, connected(port):
        while open_at(port) < 2:  # noqa: ASYNC110 - accepted is all that can be seen of it
            await asyncio.sleep(0)
    assert open_at(port) == 0


async def test_it_can_be_opened_again_at_the_same_port() -> None:
    listener = Listener(echo)
    with reserved() as port:
        assert listener.open(port) == port
        async with connected(port):
            await listener.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert listener.open(port) == port
        async with connected(port) as (reader, writer):
            writer.write(b"again")
            assert await reader.read() == b"again"
        await listener.close()


async def test_a_bug_in_a_handler_is_raised_and_a_client_that_leaves_is_none() -> None:
    async def wrong(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)
        raise LookupError("no such thing")

    async with listening(wrong) as port, connected(port):
        pass
    listener = Listener(wrong)
    async with connected(listener.open()) as (reader, writer):
        writer.write(b"hello")
        assert await reader.read() == b""
    with pytest.raises(LookupError, match="no such thing"):
        await listener.close()


@pytest.mark.parametrize("turns", range(8))
async def test_a_proxy_that_stops_leaves_neither_of_its_two_connections(turns: int) -> None:
    async with listening(silence) as behind, proxied("127.0.0.1", behind) as proxy:
        client = socket.create_connection(("127.0.0.1", proxy.listening_on))
        for _ in range(turns):
            await asyncio.sleep(0)
        await proxy.stop()
        assert open_at(proxy.listening_on) == 0
        assert open_to(behind) == 0
        client.close()


async def test_a_proxy_before_nothing_ends_the_connection() -> None:
    with reserved() as nobody:
        async with proxied("127.0.0.1", nobody) as proxy, connected(proxy.listening_on) as (reader, _):
            assert await reader.read() == b""
