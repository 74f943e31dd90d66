"""The kind `generation.batch`: questions come to a provider, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from generation.batches.ending import Ending
from generation.batches.model import KIND, BatchState
from generation.batches.repository import BatchRepository
from generation.generations import prompts
from generation.generations.sealing import GenerationSeal
from generation.providers import base
from generation.providers.base import Ask
from generation.providers.openai_batches import OpenAiBatches
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import (
    Entry,
    Found,
    Look,
    NotAccepted,
    NotFound,
    Receipt,
    Refused,
    Settled,
    Status,
    Unanswered,
)

TIMING: Final = Timing(
    call_within=120.0,
    looks_after=(5.0, 30.0, 120.0, 300.0),
    absent_after=300.0,
    unconfirmed_after=7200.0,
    give_up_after=14_400.0,
)


@dataclass(frozen=True, slots=True)
class Work:
    """What a batch asks."""

    rows: Sequence[Row]

    @property
    def model(self) -> str:
        """The one model of all."""
        return str(self.rows[0]["model"])


@dataclass(frozen=True, slots=True)
class Submitting:
    """Begins batches. One whose beginning nobody has heard of is looked for by our id, which it carries."""

    batches: Mapping[str, OpenAiBatches]
    seal: GenerationSeal
    ending: Ending

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Work]:
        """The generations of each."""
        found: dict[UUID, list[Row]] = {}
        for row in await BatchRepository(tx).works([entry.subject_id for entry in entries]):
            found.setdefault(row["batch_id"], []).append(row)
        return {entry.id: Work(found[entry.subject_id]) for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Work) -> Receipt:
        """Upload the questions and begin."""
        provider = self.batches.get(str(work.rows[0]["provider"]))
        if provider is None:
            raise Refused("this provider is set up no more", code="no_batches")
        try:
            external_id = await provider.begin(entry.subject_id, work.model, await self._asks(work))
        except base.NotAccepted as trouble:
            if trouble.theirs:
                raise NotAccepted(trouble.code, retry_after=trouble.retry_after or None) from None
            raise Refused(trouble.code, code=trouble.code) from None
        except base.Unanswered as trouble:
            raise Unanswered(trouble.code) from None
        return Receipt(external_id=external_id)

    async def look(self, entry: Entry, work: Work) -> Look:
        """Look for it among the latest, by our id."""
        provider = self.batches.get(str(work.rows[0]["provider"]))
        if provider is None:
            raise Unanswered("no_batches")
        try:
            external_id = await provider.find(entry.subject_id)
        except (base.NotAccepted, base.Unanswered) as trouble:
            raise Unanswered(trouble.code) from None
        return NotFound("it is not among the latest") if external_id is None else Found(Receipt(external_id))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Follow what was begun; what was refused has failed, and gives its money back."""
        organizations = tx.organization_ids
        for each in settled:
            if each.entry.organization_id is not None:
                await tx.bind(each.entry.organization_id)
            batches, batch_id = BatchRepository(tx), each.entry.subject_id
            if each.status is Status.DONE and each.external_id is not None:
                await batches.submitted(batch_id, each.external_id)
            elif each.status in (Status.REFUSED, Status.UNCONFIRMED):
                billed = each.status is Status.UNCONFIRMED
                await self.ending.fail_all(tx, batch_id, "not_accepted", billed=billed)
                await batches.end(batch_id, BatchState.FAILED)
        await tx.bind(*organizations)

    async def _asks(self, work: Work) -> list[tuple[str, Ask]]:
        asks = []
        for row in work.rows:
            wanted = await self.seal.wanted(row["organization_id"], row["id"], row["asked_sealed"])
            if wanted is not None:
                asks.append((str(row["id"]), prompts.ask(wanted, wanted.slots)))
        return asks
