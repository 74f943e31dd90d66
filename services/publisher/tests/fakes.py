"""The broker's side of partner queues in memory, with the ways in which it fails."""

import asyncio
from uuid import UUID

from kit.messaging.errors import BrokerLost


class WorkerDied(Exception):
    """Stands for the end of the process: nothing after it is carried out."""


class FakeQueues:
    """Keeps the set of queues; a test says when it cannot be reached, stalls, or takes the worker down with it."""

    def __init__(self) -> None:
        self.there: set[UUID] = set()
        self.calls: list[tuple[str, UUID]] = []
        self.unreachable = False
        self.dies_after_effect = False
        self.called = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()

    async def open(self, organization_id: UUID) -> None:
        await self._called("open", organization_id)
        self.there.add(organization_id)
        self._die()

    async def close(self, organization_id: UUID) -> None:
        await self._called("close", organization_id)
        self.there.discard(organization_id)
        self._die()

    async def _called(self, what: str, organization_id: UUID) -> None:
        self.calls.append((what, organization_id))
        self.called.set()
        if self.unreachable:
            raise BrokerLost
        await self.free.wait()

    def _die(self) -> None:
        if self.dies_after_effect:
            raise WorkerDied
