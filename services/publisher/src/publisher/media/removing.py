"""Bytes that nobody needs any more: of what was deleted, of uploads that are over, of uploads nobody finished."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Entry, Look, NotAccepted, NotFound, Receipt, Settled, Status
from kit.quota import Quota
from publisher.media.binding import one_by_one
from publisher.media.repository import MediaRepository
from publisher.media.store import MediaStore, StoreAway, of_media, of_upload
from publisher.media.uploads import LAPSE, REMOVE, SWEEP, free, remove_bytes

_TIMING: Final = Timing(
    call_within=120.0,
    looks_after=(0.5, 1.0),
    absent_after=1.0,
    backoff_first=2.0,
    backoff_longest=3600.0,
    unconfirmed_after=30 * 86_400.0,
    give_up_after=30 * 86_400.0,
)


@dataclass(frozen=True, slots=True)
class Removal:
    """`publisher.media.remove`, at once, of what was deleted; `publisher.media.sweep`, later, also of what is kept.

    The pieces of an upload are swept when nothing can be on its way to them any more; of what was deleted, once more
    everything.
    """

    store: MediaStore
    name: str
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, tuple[str, ...]]:
        """Below what everything is removed: of what is kept, the pieces only."""
        kept = await MediaRepository(tx).several([entry.subject_id for entry in entries])
        return {
            entry.id: _prefixes(entry.organization_id, entry.subject_id, everything=entry.subject_id not in kept)
            for entry in entries
            if entry.organization_id is not None
        }

    async def call(self, entry: Entry, work: tuple[str, ...]) -> Receipt:
        """Remove it.

        Raises:
            NotAccepted: some may be left.
        """
        _ = entry
        try:
            removed = [await self.store.remove(prefix) for prefix in work]
        except StoreAway as trouble:
            raise NotAccepted("The store could not be reached.", code="store-away") from trouble
        return Receipt(said=f"{sum(removed)} objects")

    async def look(self, entry: Entry, work: tuple[str, ...]) -> Look:
        """Removing twice harms nothing, so it counts as not done."""
        _ = entry, work
        return NotFound(proven=True)

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """No row is left to tell."""


def _prefixes(organization_id: UUID, media_id: UUID, *, everything: bool) -> tuple[str, ...]:
    pieces = of_upload(organization_id, media_id)
    return (pieces, of_media(organization_id, media_id)) if everything else (pieces,)


def removals(store: MediaStore) -> Sequence[Removal]:
    """Both kinds."""
    return Removal(store, REMOVE), Removal(store, SWEEP)


@dataclass(frozen=True, slots=True)
class Lapse:
    """`publisher.media.lapse`: an upload that nobody finished in time goes, and its storage is free again."""

    database: Database
    ledger: Callable[[], Ledger]
    quota: Quota
    name: str = LAPSE
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, datetime]:
        """When each is over; what is not there any more is withdrawn."""
        media = await MediaRepository(tx).several([entry.subject_id for entry in entries])
        return {entry.id: media[entry.subject_id].expires_at for entry in entries if entry.subject_id in media}

    async def call(self, entry: Entry, work: datetime) -> Receipt:
        """Nothing is done outside.

        Raises:
            NotAccepted: it is not over yet.
        """
        _ = entry
        left = (work - self.database.clock.now()).total_seconds()
        if left > 0:
            raise NotAccepted("It is not over yet.", code="not-yet", retry_after=left + 1.0)
        return Receipt()

    async def look(self, entry: Entry, work: datetime) -> Look:
        """What is recorded is all there is."""
        _ = entry, work
        return NotFound(proven=True)

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Delete those that nobody finished."""
        async for each in one_by_one(tx, [one for one in settled if one.status is Status.DONE]):
            lapsed = await MediaRepository(tx).lapse(each.entry.subject_id)
            if lapsed is not None:
                await free(tx, self.quota, lapsed)
                await remove_bytes(tx, self.ledger(), lapsed, each.at)
