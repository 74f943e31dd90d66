"""Requests sent at a fixed rate, whether answers come or not, and how late each answer is."""

import asyncio
import time
from collections.abc import Sequence

CONNECTIONS = 50


async def paced(port: int, requests: Sequence[bytes], rate: float) -> tuple[list[float], list[float]]:
    """When each request was due (monotonic seconds), and how many seconds after that its answer came.

    A connection that waits for an answer holds up its own next request only, and that one's lateness counts.

    Raises:
        RuntimeError: something but 200 was answered.
    """
    start = time.monotonic() + 0.1
    due = [start + number / rate for number in range(len(requests))]
    took = [0.0] * len(requests)
    lines = (_Line(port, requests, due, took, first) for first in range(min(CONNECTIONS, len(requests))))
    await asyncio.gather(*(line.send() for line in lines))
    return due, took


class _Line:
    """One connection, which has every so-manieth request."""

    def __init__(
        self, port: int, requests: Sequence[bytes], due: Sequence[float], took: list[float], first: int
    ) -> None:
        self._port, self._requests, self._due, self._took, self._first = port, requests, due, took, first

    async def send(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for number in range(self._first, len(self._requests), CONNECTIONS):
            await asyncio.sleep(max(0.0, self._due[number] - time.monotonic()))
            writer.write(self._requests[number])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            self._took[number] = time.monotonic() - self._due[number]
        writer.close()
        await writer.wait_closed()


def post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A POST, byte for byte."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nhost: here\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body
