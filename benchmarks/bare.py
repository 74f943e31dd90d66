"""A bare publisher to be measured beside: pipelined, confirming, with nothing around it.

It knows no heartbeat, no refusal, no reconnecting and no database; it sends the same bytes as the relay does.
"""

import asyncio
from collections.abc import Sequence
from typing import Self, cast

from pamqp import commands, frame
from pamqp.base import Frame

from kit.messaging.address import BrokerAddress
from kit.messaging.wire import CONTENT_TYPE, PROTOCOL_HEADER, Message

BATCH, UNCONFIRMED = 500, 2_000
_CONTENT_TYPE_MODE_ID_TYPE = b"\x90\xa0"  # the properties that are set


class BarePublisher(asyncio.Protocol):
    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._answers: asyncio.Queue[Frame] = asyncio.Queue()
        self._sent = self._confirmed = 0
        self._early: set[int] = set()
        self._moved = asyncio.Event()

    @classmethod
    async def connect(cls, url: str) -> Self:
        address = BrokerAddress.parse(url)
        _, self = await asyncio.get_running_loop().create_connection(cls, address.host, address.port)
        self.write(PROTOCOL_HEADER)
        await self._answers.get()
        secret = f"\0{address.user}\0{address.password}"
        tune = await self.ask(commands.Connection.StartOk({}, "PLAIN", secret, "en_US"))
        assert isinstance(tune, commands.Connection.Tune)
        self.write(frame.marshal(commands.Connection.TuneOk(tune.channel_max, tune.frame_max, 0), 0))
        await self.ask(commands.Connection.Open(address.vhost))
        await self.ask(commands.Channel.Open(), 1)
        await self.ask(commands.Confirm.Select(), 1)
        return self

    async def publish(self, messages: Sequence[Message]) -> None:
        """Write all, at most so many unconfirmed, and wait for the last confirm."""
        method = frame.marshal(
            commands.Basic.Publish(exchange=messages[0].exchange, routing_key=messages[0].routing_key), 1
        )
        for start in range(0, len(messages), BATCH):
            part = messages[start : start + BATCH]
            self.write(b"".join(_frames(method, message) for message in part))
            self._sent += len(part)
            await self._until(self._sent - UNCONFIRMED)
        await self._until(self._sent)

    async def ask(self, question: Frame, channel: int = 0) -> Frame:
        self.write(frame.marshal(question, channel))
        return await self._answers.get()

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    async def _until(self, confirmed: int) -> None:
        while self._confirmed < confirmed:
            self._moved.clear()
            await self._moved.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        buffer, at = self._rest + data, 0
        while len(buffer) - at >= 8:
            end = at + 8 + int.from_bytes(buffer[at + 3 : at + 7], "big")
            if end > len(buffer):
                break
            if buffer[at + 7 : at + 11] == b"\x00\x3c\x00\x50":
                self._acked(int.from_bytes(buffer[at + 11 : at + 19], "big"), multiple=bool(buffer[at + 19] & 1))
            else:
                self._answers.put_nowait(cast("Frame", frame.unmarshal(buffer[at:end])[2]))
            at = end
        self._rest = buffer[at:]
        self._moved.set()

    def _acked(self, tag: int, *, multiple: bool) -> None:
        if multiple:
            self._confirmed = max(self._confirmed, tag)
            self._early = {each for each in self._early if each > tag}
        else:
            self._early.add(tag)
        while self._confirmed + 1 in self._early:
            self._confirmed += 1
            self._early.discard(self._confirmed)


def _frames(method: bytes, message: Message) -> bytes:
    """basic.publish, the content header and the body, which fits one frame."""
    strings = b"".join(bytes((len(each),)) + each.encode() for each in (message.message_id, message.type))
    properties = _CONTENT_TYPE_MODE_ID_TYPE + bytes((len(CONTENT_TYPE),)) + CONTENT_TYPE.encode() + b"\x02" + strings
    header = b"\x00\x3c\x00\x00" + len(message.body).to_bytes(8, "big") + properties
    parts = (method, b"\x02\x00\x01", len(header).to_bytes(4, "big"), header)
    return b"".join((*parts, b"\xce\x03\x00\x01", len(message.body).to_bytes(4, "big"), message.body, b"\xce"))
