"""One queue read over one channel: what has arrived is worked in batches and acknowledged together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from kit.messaging.delivery import Delivery
from kit.messaging.errors import BrokerLost
from kit.messaging.line import Line
from kit.messaging.reader import Reading
from kit.messaging.topology import WITHIN

_GATHER: Final = 0.002

Acknowledge = Callable[[Delivery], Awaitable[None]]


class Work(Protocol):
    """Settles a batch; when it returns, all of it may be acknowledged."""

    async def work(self, deliveries: Sequence[Delivery], acknowledge: Acknowledge) -> None:
        """Settle all of these, acknowledging some earlier if that matters."""


class Lane:
    """Consumes one queue until told to stop or until the channel is lost.

    `declare` asserts the queue with its bindings and names it. Batches are what has arrived, at most `batch`.
    """

    def __init__(
        self,
        name: str,
        declare: Callable[[AbstractChannel], Awaitable[str]],
        work: Work,
        *,
        prefetch: int,
        batch: int,
    ) -> None:
        self.name = name
        self._declare = declare
        self._work = work
        self._prefetch = prefetch
        self._batch = batch
        self._box: deque[Delivery] = deque()
        self._wake = asyncio.Event()
        self._lost = ""
        self.consuming = asyncio.Event()
        self.busy = False
        self.arrivals = 0
        self._reading: Reading | None = None

    async def run(self, line: Line, stop: asyncio.Event) -> None:
        """Declare the queue and read it until `stop`; then finish the batch at hand, acknowledge it and close.

        What was prefetched and not worked goes back to the queue.

        Raises:
            BrokerLost: the channel or the consumer is gone.
            Exception: what the work raised; nothing of that batch is acknowledged.
        """
        self._lost = ""
        stopping = asyncio.ensure_future(self._notice(stop))
        reading = None
        try:
            reading = self._reading = await self._start(line)
            self.consuming.set()
            while not stop.is_set():
                batch = await self._next(stop)
                if batch:
                    await self._settle(reading, batch)
        finally:
            self.consuming.clear()
            self.busy = False
            stopping.cancel()
            if reading is not None:
                await reading.close()

    def lose(self, reason: str) -> None:
        """Give the channel up: the broker says it is gone, or somebody saw that nothing arrives any more."""
        self._lost = self._lost or reason
        self._wake.set()

    async def _start(self, line: Line) -> Reading:
        channel = line.connection.channel(publisher_confirms=False)
        try:
            await channel.initialize(timeout=WITHIN)
            queue = await self._declare(channel)
        except (AMQPError, ChannelInvalidStateError) as trouble:
            raise BrokerLost(f"{self.name}: {type(trouble).__name__}") from trouble
        finally:
            await _close(channel)
        box: deque[Delivery] = deque()  # a new one: what comes late of an earlier channel is not ours to acknowledge
        self._box = box
        async with asyncio.timeout(WITHIN):
            return await line.reader.read(queue, self._prefetch, partial(self._arrived, box), self.lose)

    def _arrived(self, box: deque[Delivery], delivery: Delivery) -> None:
        self.arrivals += 1
        box.append(delivery)
        self._wake.set()

    async def _notice(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _next(self, stop: asyncio.Event) -> list[Delivery]:
        """What has arrived, at most a batch; nothing when it is time to stop."""
        self.busy = False
        while not self._box and not self._lost and not stop.is_set():
            self._wake.clear()
            await self._wake.wait()
        # One alone goes at once; where several arrive together, more are on their way, and a fuller batch is cheaper.
        await asyncio.sleep(_GATHER if 1 < len(self._box) < self._batch else 0)
        if self._lost:
            raise BrokerLost(f"{self.name}: {self._lost}")
        if stop.is_set():
            return []
        self.busy = True
        return [self._box.popleft() for _ in range(min(len(self._box), self._batch))]

    async def _settle(self, reading: Reading, batch: list[Delivery]) -> None:
        done: set[int] = set()

        async def acknowledge(delivery: Delivery) -> None:
            reading.acknowledge(delivery.tag)
            done.add(delivery.tag)

        await self._work.work(batch, acknowledge)
        # Tags run in the order of arrival, so one ack settles the whole batch: every earlier one is settled already.
        last = max((delivery.tag for delivery in batch if delivery.tag not in done), default=0)
        if last:
            reading.acknowledge(last, multiple=True)


async def _close(channel: AbstractChannel) -> None:
    """Close it if it still can be; a broker that is gone must not hold us up."""
    with suppress(AMQPError, ChannelInvalidStateError, OSError, RuntimeError):
        async with asyncio.timeout(5):
            await channel.close()
