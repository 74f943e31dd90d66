"""Calls to the outside, against real sockets that misbehave."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, closing
from typing import Any

import pytest

from kit.http.breaker import Breaker, State
from kit.http.client import (
    AddressNotAllowed,
    AnswerTooLarge,
    Call,
    NotSent,
    Outbound,
    Refused,
    Unanswered,
    Unsendable,
)
from kit.http.guard import Rules
from kit.http.http1 import Http1Transport
from kit.http.transport import PyreqwestTransport
from kit.telemetry import tracing
from kit.testing.ports import reserved

Peering = Callable[[Any], AbstractAsyncContextManager[int]]


class Peer:
    """Answers each request with the next thing of its script; the last one goes on."""

    def __init__(self, *script: str | bytes) -> None:
        self.script = list(script)
        self.seen: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.seen.append(head)
            step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if step == "drop":
                return
            if step == "hang":
                await asyncio.Event().wait()
            writer.write(step if isinstance(step, bytes) else answer(step))
            await writer.drain()


def answer(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


Carrier = type[PyreqwestTransport] | type[Http1Transport]


@pytest.fixture(params=[PyreqwestTransport, Http1Transport])
def carrier(request: pytest.FixtureRequest) -> Carrier:
    carrier: Carrier = request.param
    return carrier


@pytest.fixture
async def outbound(carrier: Carrier) -> AsyncIterator[Outbound]:
    made = Outbound(transport=carrier(connect=30, read=30), pause=0.001)
    yield made
    await made.close()


async def test_an_answer_is_given_whole(outbound: Outbound, peer: Peering) -> None:
    there = Peer(answer("200", "X-Kind: a", body='{"a": 1}'))
    async with peer(there) as port:
        got = await outbound.get(f"http://127.0.0.1:{port}/x", {"x-mine": "1"})
    assert (got.status, got.headers["x-kind"], got.json()) == (200, "a", {"a": 1})
    assert b"x-mine: 1" in there.seen[0].lower()


@pytest.mark.parametrize(
    ("method", "given", "body"),
    [
        ("GET", answer("200", body="x" * 300_000), b"x" * 300_000),
        ("GET", answer("200"), b""),
        ("GET", b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
        ("GET", b"HTTP/1.1 204 X\r\n\r\n", b""),
        ("HEAD", b"HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\n", b""),
    ],
)
async def test_calls_one_after_the_other_share_a_connection(
    outbound: Outbound, peer: Peering, method: str, given: bytes, body: bytes
) -> None:
    there, lines = Peer(given), []

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(writer)
        await there(reader, writer)

    async with peer(counted) as port:
        for _ in range(5):
            got = await outbound.send(Call(method, f"http://127.0.0.1:{port}/x"))
            assert got.body == body
    assert len(lines) <= 2  # on a busy machine one may not be back in the pool yet when the next call begins


async def test_what_could_not_connect_was_not_sent(outbound: Outbound) -> None:
    with reserved() as port, pytest.raises(NotSent):
        await outbound.send(Call("POST", f"http://127.0.0.1:{port}/", body=b"x"))


async def test_a_connection_that_is_never_accepted_was_not_sent(carrier: Carrier) -> None:
    outbound = Outbound(transport=carrier(connect=0.2, read=5), pause=0.001)
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with pytest.raises(NotSent):
            await outbound.send(Call("POST", f"http://127.0.0.1:{full.getsockname()[1]}/", body=b"x", attempts=1))
        for one in waiting:
            one.close()
    await outbound.close()


@pytest.mark.parametrize(
    "trouble", ["drop", "hang", b"\x00garbage\r\n\r\n", b"HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\nabc"]
)
async def test_what_was_sent_and_got_no_whole_answer_is_unanswered_and_not_repeated(
    outbound: Outbound, peer: Peering, trouble: Any
) -> None:
    there = Peer(trouble)
    async with peer(there) as port:
        with pytest.raises(Unanswered):
            await outbound.send(Call("POST", f"http://127.0.0.1:{port}/", body=b"", deadline=5))
    assert len(there.seen) == 1


@pytest.mark.parametrize("trouble", ["drop", "503", "502", "504", "429"])
async def test_what_is_harmless_to_repeat_is_repeated(outbound: Outbound, peer: Peering, trouble: Any) -> None:
    there = Peer(trouble, trouble, "200")
    async with peer(there) as port:
        assert (await outbound.get(f"http://127.0.0.1:{port}/")).status == 200
    assert len(there.seen) == 3


@pytest.mark.parametrize(("trouble", "error"), [("drop", Unanswered), ("503", Refused)])
async def test_a_change_is_repeated_only_when_it_carries_its_own_key(
    outbound: Outbound, peer: Peering, trouble: Any, error: type[Exception]
) -> None:
    there = Peer(trouble, "201", trouble, "201")
    async with peer(there) as port:
        url = f"http://127.0.0.1:{port}/"
        assert (await outbound.send(Call("POST", url, idempotent=True))).status == 201
        with pytest.raises(error):
            await outbound.send(Call("POST", url))
    assert len(there.seen) == 3


@pytest.mark.parametrize("status", ["400", "401", "404", "409", "500"])
async def test_a_refusal_is_told_with_its_answer_and_not_repeated(
    outbound: Outbound, peer: Peering, status: str
) -> None:
    there = Peer(answer(status, body="no"))
    async with peer(there) as port:
        with pytest.raises(Refused) as refused:
            await outbound.get(f"http://127.0.0.1:{port}/")
    assert (refused.value.status, refused.value.answer.body) == (int(status), b"no")
    assert len(there.seen) == 1


async def test_retry_after_is_honoured_within_the_deadline(outbound: Outbound, peer: Peering) -> None:
    there = Peer(answer("503", "retry-after: 3600"), "200")
    async with peer(there) as port:
        with pytest.raises(Refused) as refused:
            await outbound.get(f"http://127.0.0.1:{port}/", deadline=30)
    assert refused.value.retry_after == 3600
    assert len(there.seen) == 1


async def test_all_attempts_together_stay_within_the_deadline(outbound: Outbound, peer: Peering) -> None:
    there = Peer("hang")
    started = asyncio.get_running_loop().time()
    async with peer(there) as port:
        with pytest.raises(Unanswered):
            await outbound.get(f"http://127.0.0.1:{port}/", deadline=0.3)
    assert asyncio.get_running_loop().time() - started < 30  # so long would one attempt wait by itself


async def test_an_answer_that_is_too_large_is_thrown_away(outbound: Outbound, peer: Peering) -> None:
    async with peer(Peer(answer("200", body="a" * 5000))) as port:
        with pytest.raises(AnswerTooLarge):
            await outbound.send(Call("GET", f"http://127.0.0.1:{port}/", at_most=1000))


async def test_redirects_are_not_followed(outbound: Outbound, peer: Peering) -> None:
    there = Peer(answer("302", "location: http://169.254.169.254/"))
    async with peer(there) as port:
        assert (await outbound.get(f"http://127.0.0.1:{port}/")).status == 302


async def test_proxies_of_the_environment_are_not_used(peer: Peering, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, there = Peer("200"), Peer("204")
    async with peer(proxy) as proxy_port, peer(there) as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy_port}")
        outbound = Outbound()
        assert (await outbound.get(f"http://127.0.0.1:{port}/")).status == 204
        await outbound.close()
    assert not proxy.seen


async def test_a_header_that_would_split_is_not_sent(outbound: Outbound, peer: Peering) -> None:
    there = Peer("200")
    async with peer(there) as port:
        with pytest.raises(Unsendable):
            await outbound.get(f"http://127.0.0.1:{port}/", {"x-a": "b\r\nx-evil: 1"})
    assert not there.seen


async def test_the_trace_goes_along(outbound: Outbound, peer: Peering) -> None:
    there = Peer("200")
    async with peer(there) as port:
        with tracing.continued("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"):
            await outbound.get(f"http://127.0.0.1:{port}/")
    assert b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00" in there.seen[0].lower()


LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def guarded(port: int, found: list[str], exempt: Any = LOOPBACK, carrier: Carrier = PyreqwestTransport) -> Outbound:
    async def resolver(_host: str, _port: int) -> list[str]:
        return found

    rules = Rules(http=True, http_ports=frozenset({port}), exempt=exempt)
    return Outbound(transport=carrier(connect=30, read=30), rules=rules, resolver=resolver, pause=0.001)


async def test_a_guarded_call_goes_to_the_address_that_was_checked(peer: Peering, carrier: Carrier) -> None:
    there = Peer("200")
    async with peer(there) as port:
        outbound = guarded(port, ["127.0.0.9", "127.0.0.1"], carrier=carrier)
        got = await outbound.send(Call("POST", f"http://hooks.example:{port}/in", guarded=True, body=b"{}"))
        await outbound.close()
    assert got.status == 200
    assert f"host: hooks.example:{port}".encode() in there.seen[0].lower()
    assert b"traceparent" not in there.seen[0].lower()


@pytest.mark.parametrize("found", [["10.0.0.1"], ["127.0.0.1"]])
async def test_a_guarded_call_into_the_house_is_not_sent(peer: Peering, found: list[str]) -> None:
    there = Peer("200")
    async with peer(there) as port:
        outbound = guarded(port, found, exempt=())
        with pytest.raises(AddressNotAllowed):
            await outbound.send(Call("GET", f"http://hooks.example:{port}/", guarded=True))
        await outbound.close()
    assert not there.seen


async def test_a_host_that_keeps_failing_is_left_in_peace_then_tried_with_one_call(peer: Peering) -> None:
    now = [0.0]
    there = Peer("500", "500", "200")
    outbound = Outbound(breaker=lambda: Breaker(failures=2, rest=5, monotonic=lambda: now[0]), pause=0.001)
    async with peer(there) as port:
        url = f"http://127.0.0.1:{port}/"
        for _ in range(2):
            with pytest.raises(Refused):
                await outbound.get(url)
        with pytest.raises(NotSent):
            await outbound.send(Call("GET", url, attempts=1))
        assert len(there.seen) == 2
        now[0] = 6.0
        assert (await outbound.get(url)).status == 200
        assert (await outbound.get(url)).status == 200
    await outbound.close()


async def test_refusals_of_our_own_making_do_not_open_the_breaker(peer: Peering) -> None:
    there = Peer("404")
    outbound = Outbound(breaker=lambda: Breaker(failures=2), pause=0.001)
    async with peer(there) as port:
        for _ in range(5):
            with pytest.raises(Refused):
                await outbound.get(f"http://127.0.0.1:{port}/")
            with pytest.raises(Unsendable):
                await outbound.get(f"http://127.0.0.1:{port}/", {"bad name": "x"})
    assert len(there.seen) == 5
    await outbound.close()


def test_a_breaker_lets_one_probe_through_and_rests_longer_after_each_failure() -> None:
    now = [0.0]
    breaker = Breaker(failures=1, rest=5, longest=8, monotonic=lambda: now[0])
    breaker.failed()
    assert (breaker.state, breaker.let_through()) == (State.OPEN, 5)
    now[0] = 5
    assert (breaker.let_through(), breaker.state) == (0, State.HALF_OPEN)
    assert breaker.let_through() > 0
    breaker.failed()
    assert breaker.let_through() == 8
    now[0] = 13
    assert breaker.let_through() == 0
    breaker.abandoned()
    assert breaker.let_through() == 0
    breaker.succeeded()
    assert breaker.state is State.CLOSED
