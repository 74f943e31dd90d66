"""After the faults: waiting, with a bound, until nothing is left to do."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aio_pika
import asyncpg
import httpx

from contracts.consumers import CONSUMERS
from kit.messaging.topology import Topology
from local.chaos import books
from local.chaos.books import Book
from local.chaos.evidence import left_over, waiting
from local.chaos.shooting import Shooter
from local.supervisor import answers
from local.trial import Trial

BOUND: Final = 240.0
_CALM: Final = 4.0  # seconds in which webhooks that are on their way arrive, before the clock is moved
_HOP: Final = 720.0  # seconds of the platform's time at once: longer than any lease
_TROUBLE: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    aio_pika.exceptions.AMQPError,
    httpx.TransportError,
)


@dataclass(slots=True)
class Settling:
    """Waits for real where only waiting helps, and moves the platform's clock where its own time must pass."""

    trial: Trial
    shooter: Shooter
    book: Book

    async def settle(self) -> float | None:
        """Seconds until everything was done; None when something was left at the bound."""
        loop = asyncio.get_running_loop()
        began, quiet = loop.time(), 0
        await self._ready(began + BOUND)
        while loop.time() < began + BOUND:
            left = await self._left()
            quiet = 0 if left else quiet + 1
            if quiet == 3:
                return loop.time() - began
            if any("in the ledger" in each for each in left) and loop.time() > began + _CALM:
                await self.shooter.forward(_HOP)
            await asyncio.sleep(0.5)
        return None

    async def _ready(self, until: float) -> None:
        for part in self.trial.plan.parts():
            while not await answers(part.ready):
                if asyncio.get_running_loop().time() > until:
                    return
                await asyncio.sleep(0.2)

    async def _left(self) -> list[str]:
        topology, plan = Topology(self.trial.addresses.namespace), self.trial.plan
        left = ["not looked at"]
        with suppress(*_TROUBLE):
            connection = await asyncpg.connect(plan.admin_url, timeout=30)
            try:
                left = [each for each in await left_over(connection) if "dead letter" not in each]
                received = await connection.fetchval("SELECT count(*) FROM inbox.messages WHERE direction = 'in'")
            finally:
                await connection.close()
            missing = self.book.count(books.SAID) - received
            left += [f"{missing} messages to come"] * (missing > 0)
            untold = await self.shooter.sandbox.untold()
            left += [f"{untold} webhooks of Stripe's to come"] * (untold > 0)
            left += await waiting(plan.servers.rabbitmq.url, topology, _queues(topology))
        return left


def _queues(topology: Topology) -> Sequence[str]:
    return [
        *(topology.queue(reader, event.type) for event, readers in CONSUMERS.items() for reader in readers),
        *(topology.retry_queue(delay) for delay in topology.retry_delays),
        topology.partner_bridge,
        topology.browser_feed,
    ]
