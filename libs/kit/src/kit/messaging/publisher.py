"""A publisher that writes many messages at once and waits until the broker has confirmed every one."""

import asyncio
from collections.abc import Sequence
from typing import cast

from pamqp import commands, frame
from pamqp.base import Frame
from pamqp.header import ContentHeader

from kit.messaging import wire
from kit.messaging.confirms import Confirms
from kit.messaging.errors import PublishRefused
from kit.messaging.link import Link
from kit.messaging.wire import Message

_CHANNEL = wire.CHANNEL


class Publisher(Link):
    """One connection with one channel in confirm mode.

    It does not reconnect: after `BrokerLost` its owner opens another. Safe for many tasks at once.
    """

    def __init__(self, heartbeat: int) -> None:
        super().__init__(heartbeat)
        self._confirms = Confirms()
        self._writable = asyncio.Event()
        self._unblocked = asyncio.Event()
        self._writable.set()
        self._unblocked.set()
        self._returned: commands.Basic.Return | None = None

    async def publish_many(self, messages: Sequence[Message], *, within: float = 15.0) -> None:
        """Write all messages and wait until each is confirmed.

        A broker that does not confirm within so many seconds counts as lost.

        Raises:
            PublishRefused: some were refused; all others are confirmed.
            BrokerLost: nobody knows which of them arrived.
        """
        if not messages:
            return
        try:
            async with asyncio.timeout(within):
                await self._unblocked.wait()
                await self._writable.wait()
                refused = await self._write(messages)
        except TimeoutError:
            self._lose(f"not confirmed within {within:g} s")
            raise self._trouble() from None
        if refused:
            raise PublishRefused(refused)

    def _write(self, messages: Sequence[Message]) -> "asyncio.Future[dict[int, str]]":
        if self._lost is not None:
            raise self._trouble()
        frames: list[bytes] = []
        for message in messages:
            self._encoder.append(message, frames)
        batch = self._confirms.expect(messages)
        self._transport.write(b"".join(frames))
        return batch.done

    def pause_writing(self) -> None:
        """The socket's buffer is full: hold back."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The socket's buffer has drained."""
        self._writable.set()

    async def _opened(self) -> None:
        self._encoder = wire.Encoder(self._frame_max)
        await self._ask(commands.Channel.Open(), commands.Channel.OpenOk, _CHANNEL)
        await self._ask(commands.Confirm.Select(), commands.Confirm.SelectOk, _CHANNEL)

    def _take(self, data: bytes) -> None:
        method = data[7:11]
        if data[0] == wire.METHOD and method in (wire.ACK, wire.NACK) and data[-1] == wire.FRAME_END:
            tag = int.from_bytes(data[11:19], "big")
            self._confirms.answered(tag, multiple=bool(data[19] & 1), refused=method == wire.NACK)
        elif data[0] == wire.HEADER and self._returned is not None:
            header = cast("ContentHeader", frame.unmarshal(data)[2])
            back, self._returned = self._returned, None
            self._confirms.returned((back.exchange, back.routing_key or "", header.properties.message_id or ""))
        else:
            super()._take(data)

    def _taken(self) -> None:
        self._confirms.settle()

    def _take_method(self, channel: int, method: Frame) -> None:
        match method:
            case commands.Basic.Return():
                self._returned = method
            case commands.Connection.Blocked():
                self._unblocked.clear()
            case commands.Connection.Unblocked():
                self._unblocked.set()
            case _:
                super()._take_method(channel, method)

    def _failed(self) -> None:
        self._confirms.fail(self._trouble())
        self._writable.set()
        self._unblocked.set()
