"""The kind `generation.sample`: a page that somebody named is fetched, once its turn comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from generation.voices.model import KIND, Sample, SampleState
from generation.voices.reading import Pages
from generation.voices.repository import SampleRepository
from generation.voices.sealing import VoiceSeal
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotFound, Receipt, Settled, Status
from kit.seal import KeyShredded

TIMING: Final = Timing(
    call_within=60.0,
    looks_after=(1.0, 1.0),
    absent_after=0.0,
    unconfirmed_after=600.0,
    backoff_first=5.0,
    backoff_longest=300.0,
    give_up_after=1800.0,
)


@dataclass(frozen=True, slots=True)
class Fetching:
    """Fetches pages. To read one again harms nobody, so one whose end is not known is simply fetched again."""

    pages: Pages
    seal: VoiceSeal

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Sample]:
        """The samples that still wait."""
        found = {each.id: each for each in await SampleRepository(tx).waiting([each.subject_id for each in entries])}
        return {entry.id: found[entry.subject_id] for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Sample) -> Receipt:
        """Fetch it, and seal what is to be read there."""
        _ = entry
        try:
            url = await self.seal.origin(work.organization_id, work.id, work.origin_sealed)
            text = await self.pages.read(url)
            return Receipt(result=await self.seal.texts(work.organization_id, work.id, [text]))
        except KeyShredded:
            return Receipt()

    async def look(self, entry: Entry, work: Sample) -> Look:
        """Nothing was changed anywhere: it is fetched again."""
        _ = entry, work
        return NotFound("a page that was read leaves no trace")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """The text is there, or will not be."""
        samples = SampleRepository(tx)
        for each in settled:
            if each.status is Status.DONE:
                state = SampleState.FAILED if each.result is None else SampleState.READY
                await samples.end(each.entry.subject_id, state, "", each.result)
            elif each.status in (Status.REFUSED, Status.UNCONFIRMED):
                await samples.end(each.entry.subject_id, SampleState.FAILED, each.code or "not_fetched", None)
