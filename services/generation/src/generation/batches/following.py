"""Batches over there are looked at until they have ended; then their answers come in, also if only some are there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from generation.batches.ending import Ending
from generation.batches.model import Batch, BatchState
from generation.batches.repository import BatchRepository, claim_due
from generation.generations.sealing import GenerationSeal
from generation.providers.base import NotAccepted, Unanswered
from generation.providers.openai_batches import OpenAiBatches
from kit.db.database import Database
from kit.process import Loop

log = structlog.get_logger(__name__)

AT_ONCE: Final = 10


@dataclass(frozen=True, slots=True)
class Following:
    """Follows batches; whoever dies midway leaves one that is looked at again a minute later."""

    database: Database
    batches: Mapping[str, OpenAiBatches]
    seal: GenerationSeal
    ending: Ending

    def loop(self) -> Loop:
        """What a worker does for it."""
        return Loop("batches", self.follow_due, every=5.0)

    async def follow_due(self) -> bool:
        """Look at those that are due; true when there may be more."""
        async with self.database.transaction() as tx:
            due = await claim_due(tx, AT_ONCE)
        for row in due:
            try:
                await self._follow(row["organization_id"], row["id"])
            except (NotAccepted, Unanswered) as trouble:
                log.info("batch.not_seen", batch_id=str(row["id"]), code=trouble.code)
        return len(due) == AT_ONCE

    async def _follow(self, organization_id: UUID, batch_id: UUID) -> None:
        async with self.database.snapshot(organization_id) as tx:
            batch = await BatchRepository(tx).find(batch_id)
            rows = await BatchRepository(tx).works([batch_id])
        provider = self.batches.get(batch.provider)
        if provider is None or batch.external_id is None:
            return
        read = await provider.read(batch.external_id)
        if not read.ended:
            await self._stop(provider, batch)
            return
        for row in rows:
            wanted = await self.seal.wanted(organization_id, row["id"], row["asked_sealed"])
            answer = read.answers.get(str(row["id"]))
            if answer is None or wanted is None:
                await self.ending.without_answer(row)
            else:
                await self.ending.answered(row, wanted, answer)
        async with self.database.transaction(organization_id) as tx:
            await BatchRepository(tx).end(batch_id, BatchState.FAILED if read.status == "failed" else BatchState.DONE)

    async def _stop(self, provider: OpenAiBatches, batch: Batch) -> None:
        if batch.cancel_wanted and batch.external_id is not None:
            await provider.cancel(batch.external_id)
