"""Takes messages as WhatsApp does, with as little of the processor as can be; `GET` says when which came.

`python -m benchmarks.broadcast_receiver PORT`; what was told once is forgotten.
"""

import asyncio
import sys
import time
from typing import ClassVar, Final

import orjson
import uvloop

_OURS: Final = b'"biz_opaque_callback_data":"'


class Receiving(asyncio.Protocol):
    """One connection; all of them note in one list."""

    arrivals: ClassVar[list[tuple[float, str]]] = []

    def __init__(self) -> None:
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (head := self._got.find(b"\r\n\r\n") + 4) > 3:
            lowered = self._got[:head].lower()
            at = lowered.find(b"content-length: ")
            end = head + (0 if at < 0 else int(lowered[at + 16 :].split(b"\r\n", 1)[0]))
            if len(self._got) < end:
                return
            body, self._got = self._got[head:end], self._got[end:]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        if body:
            ours = body[body.index(_OURS) + len(_OURS) :]
            self.arrivals.append((time.monotonic(), ours[: ours.index(b'"')].decode()))
            answer = b'{"messages":[{"id":"wamid.%d"}]}' % len(self.arrivals)
        else:
            answer = orjson.dumps(self.arrivals)
            self.arrivals.clear()
        kind = b"content-type: application/json\r\n"
        self._transport.write(  # type: ignore[attr-defined]  # a stream transport
            b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n%s" % (kind, len(answer), answer)
        )


async def receive(port: int) -> None:
    """Serve until the process is killed."""
    server = await asyncio.get_running_loop().create_server(Receiving, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(receive(int(sys.argv[1])))
