"""Making media what platforms take, ahead of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.errors import TransientError
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotAccepted, NotFound, Receipt, Refused, Settled, Status
from publisher.media.bench import RENDERING, WAITING, Bench
from publisher.media.binding import one_by_one
from publisher.media.examining import Examined, Naming, outcome_of
from publisher.media.store import MediaStore, ObjectGone, of_media
from publisher.media.workshop.verdict import Facts, Unfit
from publisher.renditions.model import RENDER
from publisher.renditions.repository import RenditionRepository

_CARRYING: Final = 180.0
_TIMING: Final = Timing(
    call_within=WAITING + RENDERING + _CARRYING,
    looks_after=(0.5, 1.0),
    absent_after=1.0,
    backoff_first=2.0,
    backoff_longest=600.0,
    unconfirmed_after=3 * 86_400.0,
    give_up_after=3 * 86_400.0,
)


@dataclass(frozen=True, slots=True)
class Rendering:
    """`publisher.media.render`. Doing it twice gives the same, so what goes wrong is simply done again."""

    store: MediaStore
    bench: Bench
    naming: Naming
    name: str = RENDER
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Row]:
        """What each is made of; one whose medium was deleted is withdrawn."""
        rows = await RenditionRepository(tx).waiting([entry.subject_id for entry in entries])
        found = {row["id"]: row for row in rows}
        return {entry.id: found[entry.subject_id] for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Row) -> Receipt:
        """Make it, look at it, keep it.

        Raises:
            Refused: it cannot be made.
            NotAccepted: not just now.
        """
        made_of, prefix = Facts(**work["facts"]), of_media(work["organization_id"], work["media_id"])
        try:
            async with self.bench.place() as folder:
                source, target = folder / "kept", folder / "made"
                await self.store.fetch([(work["object"], made_of.size_bytes)], source)
                facts = await self.bench.render(source, target, made_of, work["fit"])
                key = await self.naming.of(prefix, target)
                await self.store.put(key, target)
        except Unfit as unfit:
            raise outcome_of(unfit, entry) from unfit
        except ObjectGone as gone:
            raise Refused("The picture or video is not there any more.", code="media-missing") from gone
        except (TransientError, OSError) as trouble:
            raise NotAccepted("It could not be made just now.", code="not-made") from trouble
        return Receipt(result=Examined(facts, key))

    async def look(self, entry: Entry, work: Row) -> Look:
        """Nothing is left half done, so it counts as not done."""
        _ = entry, work
        return NotFound(proven=True)

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry each outcome into its row."""
        async for each in one_by_one(tx, settled):
            renditions, rendition_id, made = RenditionRepository(tx), each.entry.subject_id, each.result
            if each.status is Status.DONE and isinstance(made, Examined):
                await renditions.ready(rendition_id, made.facts, made.object)
            elif each.status in {Status.REFUSED, Status.UNCONFIRMED}:
                await renditions.fail(rendition_id, each.code, each.reason)
