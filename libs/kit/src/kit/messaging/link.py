"""A connection to the broker spoken as bytes: handshake, heartbeat, frames in and out."""

import asyncio
from contextlib import suppress
from typing import Self, TypeVar, cast

from pamqp import commands, frame
from pamqp.base import Frame
from pamqp.exceptions import PAMQPException

from kit.messaging import wire
from kit.messaging.address import BrokerAddress
from kit.messaging.errors import BrokerLost

_Answer = TypeVar("_Answer", bound=Frame)
_LARGEST_FRAME = 131_072


class Link(asyncio.Protocol):
    """One connection; what it is for is its subclass's business.

    It does not reconnect: after `BrokerLost` its owner opens another. A subclass opens what it needs in `_opened`,
    takes the frames it knows in `_take`, and lets go of who waits in `_failed`.
    """

    def __init__(self, heartbeat: int) -> None:
        self._heartbeat = float(heartbeat)
        self._loop = asyncio.get_running_loop()
        self._lost: BrokerLost | None = None
        self._rest = b""
        self._heard = self._loop.time()
        self._answers: dict[int, asyncio.Future[Frame]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()
        self.ended = asyncio.Event()
        """Set once the connection is lost."""

    @classmethod
    async def connect(cls, address: BrokerAddress, *, name: str, heartbeat: int = 20, within: float = 10.0) -> Self:
        """Open a connection and whatever it needs.

        Raises:
            BrokerLost: the broker does not answer within so many seconds, or refuses the credentials.
        """
        try:
            async with asyncio.timeout(within):
                _, link = await asyncio.get_running_loop().create_connection(
                    lambda: cls(heartbeat), address.host, address.port, ssl=address.context()
                )
                await link._begin(address, name)  # noqa: SLF001 - its own class
        except OSError as trouble:
            raise BrokerLost(f"No broker at {address.host}:{address.port} ({type(trouble).__name__}).") from trouble
        return link

    @property
    def lost(self) -> bool:
        """Whether the connection is gone."""
        return self._lost is not None

    async def close(self) -> None:
        """Say goodbye to the broker, or just hang up when it does not answer."""
        if self._lost is None:
            goodbye = commands.Connection.Close(reply_code=200, reply_text="bye", class_id=0, method_id=0)
            with suppress(TimeoutError, BrokerLost):
                async with asyncio.timeout(2):
                    await self._ask(goodbye, commands.Connection.CloseOk)
            self._lose("closed")
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._gone.wait()

    # What a subclass adds -------------------------------------------------------------------------------------------

    async def _opened(self) -> None:
        """The handshake is done."""

    def _take(self, data: bytes) -> None:
        """One whole frame, from its type to its end."""
        if data[-1] != wire.FRAME_END:
            raise ValueError("a frame without its end")
        if data[0] == wire.METHOD:
            self._take_method(int.from_bytes(data[1:3], "big"), cast("Frame", frame.unmarshal(data)[2]))

    def _taken(self) -> None:
        """All whole frames that arrived together were taken."""

    def _channel_closed(self, _channel: int, reason: str) -> None:
        """The broker has closed a channel."""
        self._lose(f"channel closed by the broker: {reason}")

    def _failed(self) -> None:
        """The connection is gone."""

    # The handshake --------------------------------------------------------------------------------------------------

    async def _begin(self, address: BrokerAddress, name: str) -> None:
        try:
            await self._shake_hands(address, name)
            await self._opened()
        except BaseException:
            self._lose("the handshake did not end well")
            raise

    async def _shake_hands(self, address: BrokerAddress, name: str) -> None:
        greeting = self._await_answer(0)
        self._transport.write(wire.PROTOCOL_HEADER)
        await greeting
        properties = {
            "product": "rostrum",
            "connection_name": name,
            "capabilities": {
                "authentication_failure_close": True,
                "basic.nack": True,
                "connection.blocked": True,
                "consumer_cancel_notify": True,
                "publisher_confirms": True,
            },
        }
        secret = f"\0{address.user}\0{address.password}"
        start = commands.Connection.StartOk(properties, "PLAIN", secret, "en_US")  # type: ignore[arg-type] # a nested table is a FieldValue
        tune = await self._ask(start, commands.Connection.Tune)
        self._heartbeat = min(self._heartbeat, tune.heartbeat) if tune.heartbeat else self._heartbeat
        self._frame_max = min(tune.frame_max or _LARGEST_FRAME, _LARGEST_FRAME)
        self._channel_max = tune.channel_max or 65_535
        self._send(commands.Connection.TuneOk(tune.channel_max, self._frame_max, int(self._heartbeat)))
        await self._ask(commands.Connection.Open(address.vhost), commands.Connection.OpenOk)
        self._beat()

    async def _ask(self, question: Frame, kind: type[_Answer], channel: int = 0) -> _Answer:
        answer = self._await_answer(channel)
        self._send(question, channel)
        got = await answer
        if not isinstance(got, kind):
            self._lose(f"{got.name} instead of {kind.name}")
            raise self._trouble()
        return got

    def _await_answer(self, channel: int) -> "asyncio.Future[Frame]":
        if self._lost is not None:
            raise self._trouble()
        answer: asyncio.Future[Frame] = self._loop.create_future()
        self._answers[channel] = answer
        return answer

    def _send(self, method: Frame, channel: int = 0) -> None:
        self._transport.write(frame.marshal(method, channel))

    # What the event loop tells us -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        self._lose(f"connection closed ({type(exc).__name__ if exc else 'by the broker'})")
        self._gone.set()

    def data_received(self, data: bytes) -> None:
        """Take the whole frames out of what arrived and keep the rest."""
        self._heard = self._loop.time()
        buffer = self._rest + data if self._rest else data
        at, end = 0, len(buffer)
        try:
            while end - at >= wire.FRAME_OVERHEAD and self._lost is None:
                stop = at + wire.FRAME_OVERHEAD + int.from_bytes(buffer[at + 3 : at + 7], "big")
                if buffer[at : at + 4] == b"AMQP" or stop - at > _LARGEST_FRAME + wire.FRAME_OVERHEAD:
                    self._lose("it does not speak AMQP 0-9-1")
                    return
                if stop > end:
                    break
                self._take(buffer[at:stop])
                at = stop
        except (PAMQPException, ValueError, IndexError) as trouble:
            self._lose(f"unreadable frame ({type(trouble).__name__})")
            return
        self._rest = buffer[at:]
        self._taken()

    def _take_method(self, channel: int, method: Frame) -> None:
        match method:
            case commands.Connection.Close():
                self._send(commands.Connection.CloseOk())
                self._lose(f"closed by the broker: {method.reply_code} {method.reply_text}")
            case commands.Channel.Close():
                self._send(commands.Channel.CloseOk(), channel)
                self._channel_closed(channel, f"{method.reply_code} {method.reply_text}")
            case commands.Connection.Blocked() | commands.Connection.Unblocked():
                pass  # of interest to who publishes
            case _ if (answer := self._answers.pop(channel, None)) is not None:
                if not answer.done():
                    answer.set_result(method)
            case _:
                self._lose(f"unexpected {method.name}")

    def _beat(self) -> None:
        if self._lost is not None or not self._heartbeat:
            return
        if self._loop.time() - self._heard > 2 * self._heartbeat:
            self._lose(f"nothing heard for {2 * self._heartbeat:g} s")
            return
        self._transport.write(wire.HEARTBEAT)
        self._timer = self._loop.call_later(self._heartbeat / 2, self._beat)

    def _lose(self, reason: str) -> None:
        """Give the connection up; everything that waits on it fails."""
        if self._lost is not None:
            return
        self._lost = BrokerLost(f"The broker connection is lost: {reason}.")
        self.ended.set()
        if self._timer is not None:
            self._timer.cancel()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._trouble())
        self._failed()
        if reason.startswith(("closed", "channel closed")):
            self._transport.close()
        else:
            self._transport.abort()

    def _trouble(self) -> BrokerLost:
        """A fresh error for each who waits: a shared one would collect all their tracebacks."""
        return BrokerLost(self._lost.detail if self._lost else None)
