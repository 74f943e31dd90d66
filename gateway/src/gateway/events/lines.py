"""The two ways to a browser: server-sent events, and a WebSocket with the same content."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Protocol

from websockets.frames import Frame, Opcode
from websockets.protocol import State

from gateway.events.listener import Item
from gateway.events.streams import Place
from gateway.stays import Ending
from gateway.upgrade import Handshake
from gateway.visit import Visit

_STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_CODES: dict[Ending, int] = {"expired": 4001, "revoked": 4003, "closing": 1012}
_FRAMES_PER_BEAT = 100
_CLOSING_SECONDS = 2.0


class Line(Protocol):
    """Carries items to one browser; each method waits while the browser takes no more."""

    @property
    def over(self) -> bool:
        """Whether the browser has ended the conversation."""

    async def open(self) -> None:
        """Answer the request."""

    async def tell(self, items: Sequence[Item]) -> None:
        """Hand over what is ready."""

    async def beat(self, place: Place | None) -> None:
        """Show that the line is alive; with a place, where the browser stands by now."""

    async def end(self, ending: Ending) -> None:
        """Say why it ends, and end it."""


def _pause() -> int:
    """Milliseconds until a browser should come back; random, so that not all come at once."""
    return random.randrange(500, 5000)


class ServerSent:
    """`text/event-stream`."""

    over = False

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    async def open(self) -> None:
        """Begin the stream."""
        self._visit.start(200, list(_STREAM))
        await self._send(b"retry: %d\n\n" % _pause())

    async def tell(self, items: Sequence[Item]) -> None:
        """Hand over what is ready."""
        await self._send(b"".join([item.server_sent for item in items]))

    async def beat(self, place: Place | None) -> None:
        """A comment; an `id` without data moves the browser's last event id."""
        await self._send(b"id: %b\n:\n\n" % str(place).encode() if place else b":\n\n")

    async def end(self, ending: Ending) -> None:
        """The last event says why."""
        if ending == "closing":
            last = b"event: closing\nretry: %d\ndata: {}\n\n" % _pause()
        else:
            last = b'event: expired\ndata: {"reason":"%b"}\n\n' % ending.encode()
        self._visit.outcome = ending
        await self._visit.body(last, more=False)

    async def _send(self, data: bytes) -> None:
        if data:
            await self._visit.body(data, more=True)


class Socket:
    """A WebSocket; browsers only listen, so whatever they say beside control frames ends it."""

    def __init__(self, visit: Visit, shake: Handshake, wake: Callable[[], None]) -> None:
        self._visit = visit
        self._edge = visit.edge
        self._shake = shake
        self._protocol = shake.protocol
        self._wake = wake
        self._frames = 0
        self._pings = 0
        self._closed = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the conversation has ended or is ending."""
        return self._protocol.state is not State.OPEN

    async def open(self) -> None:
        """Switch protocols."""
        self._visit.started = True
        self._visit.status = 101
        self._edge.on_writable = self._writable
        self._edge.switch(self._shake.answer(self._visit.lines), self._on_data)

    async def tell(self, items: Sequence[Item]) -> None:
        """One text message per item."""
        if not self.over:
            for item in items:
                self._protocol.send_text(item.message)
            await self._flush()

    async def beat(self, place: Place | None) -> None:
        """A ping, and where the browser stands; one that has not answered two pings has gone."""
        if self.over:
            return
        if self._pings >= 2:
            self._visit.outcome = "silent"
            self._edge.abort()
            return
        self._pings += 1
        self._frames = 0
        self._protocol.send_ping(b"")
        if place:
            self._protocol.send_text(b'{"event":"position","id":"%b","data":{}}' % str(place).encode())
        await self._flush()

    async def end(self, ending: Ending) -> None:
        """Close with a code that says why, and wait a moment for the other side's close."""
        if ending and not self.over:
            self._visit.outcome = ending
            text = f"come back in {_pause()} ms" if ending == "closing" else ending
            self._protocol.send_close(_CODES[ending], text)
            await self._flush()
        if not self._closed.is_set() and not self._edge.lost:
            self._edge.on_gone = self._closed.set
            try:
                async with asyncio.timeout(_CLOSING_SECONDS):
                    await self._closed.wait()
            except TimeoutError:
                self._visit.outcome = self._visit.outcome or "unclosed"
        self._edge.on_writable = None
        self._edge.hang_up()

    async def _flush(self) -> None:
        self._write()
        await self._edge.drained()

    def _write(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._visit.bytes_out += len(data)
                self._edge.transport.write(data)
            else:
                self._closed.set()

    def _on_data(self, data: bytes) -> None:
        self._visit.bytes_in += len(data)
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._heard(event)
        self._write()
        if self._edge.write_paused:
            self._edge.pause_reading()  # answers to pings must not pile up
        if self.over:
            self._wake()

    def _heard(self, frame: Frame) -> None:
        self._frames += 1
        if frame.opcode is Opcode.PONG:
            self._pings = 0
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._fail(1003, "nothing is expected")
        if self._frames > _FRAMES_PER_BEAT:
            self._fail(1008, "too many frames")

    def _writable(self) -> None:
        self._edge.resume_reading()

    def _fail(self, code: int, reason: str) -> None:
        if not self.over:
            self._visit.outcome = "hostile"
            self._protocol.fail(code, reason)
