"""A connection that only reads: each queue over a channel of its own, every delivery handed over as it arrives."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pamqp import commands
from pamqp.base import Frame

from kit.messaging import wire
from kit.messaging.delivery import Delivery
from kit.messaging.errors import BrokerLost
from kit.messaging.link import Link

_CLOSE_WITHIN: Final = 5.0

Receive = Callable[[Delivery], None]
Lose = Callable[[str], None]


class Reading:
    """One queue as it is read over one channel."""

    def __init__(self, reader: "Reader", channel: int, receive: Receive, lose: Lose) -> None:
        self._reader = reader
        self._receive = receive
        self._lose = lose
        self._tag = 0
        self._missing = 0
        self._parts: list[bytes] = []
        self._properties = wire.NO_PROPERTIES
        self.channel = channel
        self.consumer_tag = ""
        self._ended = False
        self.closed = False

    def acknowledge(self, tag: int, *, multiple: bool = False) -> None:
        """Say that a delivery, or with `multiple` every one up to it, is settled.

        Raises:
            BrokerLost: the channel is gone; what is not acknowledged comes again.
        """
        if self.closed:
            raise BrokerLost("The channel is gone.")
        self._reader.write(wire.acknowledgement(self.channel, tag, multiple=multiple))

    async def cancel(self) -> None:
        """Let the broker send no more; what is at hand can still be acknowledged.

        Raises:
            BrokerLost: the channel is gone.
        """
        await self._reader.cancel(self.channel, self.consumer_tag)

    async def close(self) -> None:
        """Stop reading; what was not acknowledged goes back to the queue."""
        self._ended = True
        if not self.closed:
            self.closed = True
            await self._reader.close_channel(self.channel)

    def end(self, reason: str, *, closed: bool) -> None:
        """Nothing comes any more; `closed` when the channel itself is gone."""
        self.closed = self.closed or closed
        if not self._ended:
            self._ended = True
            self._lose(reason)

    def take_deliver(self, data: bytes) -> None:
        """`basic.deliver`: the consumer's tag, then the delivery's."""
        at = 12 + data[11]
        self._tag = int.from_bytes(data[at : at + 8], "big")

    def take_header(self, data: bytes) -> None:
        """The size of the body and the properties."""
        self._missing = int.from_bytes(data[11:19], "big")
        self._properties = wire.read_properties(data)
        self._parts = []
        if not self._missing:
            self._complete(b"")

    def take_body(self, data: bytes) -> None:
        """The body, or a part of it."""
        part = data[7:-1]
        self._missing -= len(part)
        if self._missing > 0:
            self._parts.append(part)
        else:
            self._complete(b"".join((*self._parts, part)) if self._parts else part)

    def _complete(self, body: bytes) -> None:
        if not self._ended:
            self._receive(Delivery.of(self._tag, body, self._properties))


class Reader(Link):
    """One connection from which queues are read; publishing and topology have others.

    The client library builds three objects and a task for every message, which costs more than applying it does.
    """

    def __init__(self, heartbeat: int) -> None:
        super().__init__(heartbeat)
        self._readings: dict[int, Reading] = {}

    async def read(self, queue: str, prefetch: int, receive: Receive, lose: Lose) -> Reading:
        """Begin to read a queue: `receive` gets each delivery, `lose` the reason when the channel ends by itself.

        Raises:
            BrokerLost: the connection is gone, or the broker has closed the channel.
        """
        reading = Reading(self, self._free_channel(), receive, lose)
        channel = reading.channel
        self._readings[channel] = reading
        try:
            await self._ask(commands.Channel.Open(), commands.Channel.OpenOk, channel)
            await self._ask(commands.Basic.Qos(prefetch_count=prefetch), commands.Basic.QosOk, channel)
            consuming = await self._ask(commands.Basic.Consume(queue=queue), commands.Basic.ConsumeOk, channel)
        except BaseException:
            await reading.close()
            raise
        reading.consumer_tag = consuming.consumer_tag or ""
        return reading

    async def cancel(self, channel: int, consumer_tag: str) -> None:
        """End one consumer and keep its channel."""
        await self._ask(commands.Basic.Cancel(consumer_tag), commands.Basic.CancelOk, channel)

    def write(self, data: bytes) -> None:
        """Write frames as they are.

        Raises:
            BrokerLost: the connection is gone.
        """
        if self._lost is not None:
            raise self._trouble()
        self._transport.write(data)

    async def close_channel(self, channel: int) -> None:
        """Close one channel; its number stays taken until the broker has agreed."""
        goodbye = commands.Channel.Close(reply_code=200, reply_text="bye", class_id=0, method_id=0)
        with suppress(TimeoutError, BrokerLost):
            async with asyncio.timeout(_CLOSE_WITHIN):
                await self._ask(goodbye, commands.Channel.CloseOk, channel)

    def _free_channel(self) -> int:
        for channel in range(1, self._channel_max + 1):
            if channel not in self._readings:
                return channel
        self._lose("no channel is free")
        raise self._trouble()

    def _take(self, data: bytes) -> None:
        reading = self._readings.get(int.from_bytes(data[1:3], "big"))
        kind = data[0]
        if reading is None or data[-1] != wire.FRAME_END:
            super()._take(data)
        elif kind == wire.BODY:
            reading.take_body(data)
        elif kind == wire.HEADER:
            reading.take_header(data)
        elif data[7:11] == wire.DELIVER:
            reading.take_deliver(data)
        else:
            super()._take(data)

    def _take_method(self, channel: int, method: Frame) -> None:
        reading = self._readings.get(channel)
        if isinstance(method, commands.Channel.CloseOk):
            self._readings.pop(channel, None)
            if channel not in self._answers:  # both sides closed it at once
                return
        elif isinstance(method, commands.Basic.Cancel) and reading is not None:
            reading.end("the broker cancelled the consumer", closed=False)
            return
        elif reading is not None and reading.closed and not isinstance(method, commands.Channel.Close):
            return  # an answer that comes too late: its channel is being closed
        super()._take_method(channel, method)

    def _channel_closed(self, channel: int, reason: str) -> None:
        reading = self._readings.pop(channel, None)
        answer = self._answers.pop(channel, None)
        if answer is not None and not answer.done():
            answer.set_exception(BrokerLost(f"The channel was closed by the broker: {reason}."))
        if reading is not None:
            reading.end(f"the channel was closed: {reason}", closed=True)

    def _failed(self) -> None:
        for reading in self._readings.values():
            reading.end("the connection is lost", closed=True)
