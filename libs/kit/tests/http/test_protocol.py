"""What comes before HTTP is understood: raw bytes on a real connection."""

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from kit.http import protocol
from kit.http.app import create_app
from kit.http.protocol import BoundedProtocol

Serving = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]
APP = create_app(service="sample", title="Sample")


async def said(client: httpx.AsyncClient, *parts: bytes) -> bytes:
    """The answer to raw bytes, up to the end of the connection; a reset takes nothing away that came before it."""
    loop, answer = asyncio.get_running_loop(), b""
    with socket.socket() as line, suppress(ConnectionError):
        line.setblocking(False)
        await loop.sock_connect(line, ("127.0.0.1", client.base_url.port))
        with suppress(ConnectionError):
            for part in parts:
                await loop.sock_sendall(line, part)
        async with asyncio.timeout(30):
            while chunk := await loop.sock_recv(line, 65536):
                answer += chunk
    return answer


BROKEN = [
    b"\x16\x03\x01garbage\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nhost a\r\n\r\n",
    b"FOO /livez HTTP/1.1\r\nhost: a\r\n\r\n",
    b"POST /livez HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
    b"POST /livez HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /livez HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999999\r\n\r\n",
]


@pytest.mark.parametrize("raw", BROKEN, ids=ascii)
async def test_what_is_not_http_is_answered_with_a_problem_and_the_connection_closed(
    raw: bytes, serving: Serving
) -> None:
    async with serving(APP) as client:
        head, _, body = (await said(client, raw)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["type"] == "urn:rostrum:problem:malformed-request"


@pytest.mark.parametrize(
    "fields", [b"x: " + b"a" * 40_000 + b"\r\n", b"".join(b"x%d: a\r\n" % number for number in range(200))]
)
async def test_a_head_beyond_its_bound_is_refused(fields: bytes, serving: Serving) -> None:
    async with serving(APP) as client:
        answer = await said(client, b"GET /livez HTTP/1.1\r\nhost: a\r\n" + fields + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"urn:rostrum:problem:head-too-large" in answer


async def test_a_field_without_end_is_not_collected_for_ever(serving: Serving) -> None:
    async with serving(APP) as client:
        answer = await said(client, b"GET /livez HTTP/1.1\r\nhost: a\r\nx: ", *([b"a" * 50_000] * 20))
    assert not answer or answer.startswith(b"HTTP/1.1 431 ")


class Transport:
    closed = False

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


def test_who_sends_nothing_is_not_waited_for_for_ever() -> None:
    waiting: Any = object.__new__(BoundedProtocol)
    waiting.transport = Transport()
    waiting._too_slow()
    assert waiting.transport.closed
    assert protocol.HEADER_SECONDS <= 30


async def test_many_requests_on_one_connection_are_each_answered(serving: Serving) -> None:
    async with serving(APP) as client:
        one = b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n"
        last = b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        answer = await said(client, one * 3, one, last)
    assert answer.count(b"HTTP/1.1 200 OK") == 5
