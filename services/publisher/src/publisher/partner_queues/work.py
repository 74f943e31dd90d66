"""What is asked of partner queues, done on the broker: claim, call, record."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog

from contracts.publisher import PartnerQueueClosed, PartnerQueueOpened
from kit.db.database import Database
from kit.errors import TransientError
from kit.messaging.errors import TopologyConflict
from publisher.partner_queues.model import Claim, QueueState
from publisher.partner_queues.repository import PartnerQueueRepository, claim_next, open_among

log = structlog.get_logger(__name__)

CALL_WITHIN: Final = 20.0
# Longer than a call and the broker's patience with a silent connection together: when a paused worker wakes up after
# its lease, its connection is gone and a late call of it reaches nobody.
LEASE: Final = timedelta(seconds=90)


class BrokerQueues(Protocol):
    """The broker's side; both calls may be repeated without harm."""

    async def open(self, organization_id: UUID) -> None:
        """Make the organization's queue unless it is there."""

    async def close(self, organization_id: UUID) -> None:
        """Delete the organization's queue if it is there."""


@dataclass(frozen=True, slots=True)
class PartnerQueueWork:
    """Makes and deletes the queues that rows ask for, one at a time and each by one worker at a time.

    When a worker dies with a claim, another takes over once the lease has run out: both calls are idempotent.
    """

    database: Database
    broker: BrokerQueues

    async def settle_next(self) -> bool:
        """Do what the row that is due longest asks for; False when none is due."""
        claim = await self._claim()
        if claim is None:
            return False
        try:
            async with asyncio.timeout(CALL_WITHIN):
                await self._call(claim)
        except (TransientError, TimeoutError, TopologyConflict) as trouble:
            log.warning("partner_queue.postponed", wanted=claim.state, error=type(trouble).__name__)
            await self._postpone(claim)
        else:
            await self._record(claim)
        return True

    async def _claim(self) -> Claim | None:
        async with self.database.transaction() as tx:
            return await claim_next(tx, LEASE)

    async def _call(self, claim: Claim) -> None:
        call = self.broker.open if claim.state is QueueState.OPENING else self.broker.close
        await call(claim.organization_id)

    async def _record(self, claim: Claim) -> None:
        async with self.database.transaction(claim.organization_id) as tx:
            queues = PartnerQueueRepository(tx)
            version = await queues.settle(claim)
            if version is None:
                await queues.release(claim)
                return
            await tx.emit(_outcome(claim, version))

    async def _postpone(self, claim: Claim) -> None:
        async with self.database.transaction(claim.organization_id) as tx:
            await PartnerQueueRepository(tx).postpone(claim)


def _outcome(claim: Claim, version: int) -> PartnerQueueOpened | PartnerQueueClosed:
    if claim.state is QueueState.OPENING:
        return PartnerQueueOpened(organization_id=claim.organization_id, version=version)
    return PartnerQueueClosed(organization_id=claim.organization_id, version=version)


@dataclass(frozen=True, slots=True)
class OpenQueues:
    """Tells the bridge where events may go."""

    database: Database

    async def among(self, organization_ids: Collection[UUID]) -> set[UUID]:
        """Those of these organizations whose partner queue is open now, in one question."""
        async with self.database.transaction() as tx:
            return await open_among(tx, organization_ids)
