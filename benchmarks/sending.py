"""Senders of one request again and again: as fast as it is answered, or at a pace, whether it is answered or not."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable

Answered = Callable[[int], None]


class Line(asyncio.Protocol):
    """One kept connection; tells the status of each answer, which must state its length."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._got = b""
        self.on_answer: Answered = lambda _status: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream transport, by create_connection

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self.on_answer(0)

    def send(self) -> None:
        assert self._transport is not None
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0:
            return
        lowered = self._got[:head].lower()
        at = lowered.index(b"content-length: ") + 16
        length = int(lowered[at:].split(b"\r\n", 1)[0])
        if len(self._got) >= head + 4 + length:
            status, self._got = int(lowered[9:12]), b""
            self.on_answer(status)

    def close(self) -> None:
        self.on_answer = lambda _status: None
        if self._transport is not None:
            self._transport.abort()


async def lines(port: int, request: bytes, count: int) -> list[Line]:
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: Line(request), "127.0.0.1", port) for _ in range(count)]
    return [line for _, line in opened]


def request(path: str, token: str, **headers: str) -> bytes:
    given = {"host": "api.example.com", "authorization": f"Bearer {token}"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return "".join(
        [f"GET {path} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in given.items()), "\r\n"]
    ).encode()


async def at_pace(port: int, sent: bytes, *, rate: float, seconds: float, connections: int = 256) -> list[float]:
    """Milliseconds from the moment at which each request was to leave until it was answered.

    A request whose turn comes while every connection is taken waits for one, and the waiting counts.
    """
    free = deque(await lines(port, sent, connections))
    everyone, took, waiting = list(free), list[float](), deque[float]()
    began, total, due = time.perf_counter() + 0.05, round(rate * seconds), 0

    def leave(line: Line, slot: float) -> None:
        def answered(status: int) -> None:
            if status != 200:
                raise RuntimeError(f"answered with {status}")
            took.append((time.perf_counter() - slot) * 1000)
            free.append(line)
            if waiting:
                leave(free.popleft(), waiting.popleft())

        line.on_answer = answered
        line.send()

    async with asyncio.timeout(seconds + 10):
        while len(took) < total:
            while due < total and began + due / rate <= time.perf_counter():
                slot = began + due / rate
                leave(free.popleft(), slot) if free else waiting.append(slot)
                due += 1
            await asyncio.sleep(0.0005)
    for line in everyone:
        line.close()
    return took


async def as_fast_as_answered(
    ports: list[int], sent: bytes, *, clients: int, seconds: float
) -> tuple[Counter[int], float]:
    """How many answers of each status so many clients got from these ports, and within how many seconds."""
    statuses = Counter[int]()
    opened = [line for port in ports for line in await lines(port, sent, clients // len(ports))]
    began = time.perf_counter()
    until, ended = began + seconds, asyncio.Semaphore(0)

    def ask(line: Line) -> None:
        def answered(status: int) -> None:
            statuses[status] += 1
            if time.perf_counter() < until:
                line.send()
            else:
                ended.release()

        line.on_answer = answered
        line.send()

    for line in opened:
        ask(line)
    for _ in opened:
        await asyncio.wait_for(ended.acquire(), seconds + 10)
    elapsed = time.perf_counter() - began
    for line in opened:
        line.close()
    return statuses, elapsed
