"""What was uploaded is put together, looked at in the workshop, and kept as what may be published of it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.publisher import UploadAccepted, UploadRefused
from kit.db.database import Transaction
from kit.errors import TransientError
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Entry, Look, NotAccepted, NotFound, Receipt, Refused, Settled, Status
from kit.quota import Quota
from kit.seal import Keyring
from publisher.media.bench import EXAMINING, WAITING, Bench, Unexplained
from publisher.media.binding import one_by_one
from publisher.media.model import MediaState, Medium
from publisher.media.repository import MediaRepository
from publisher.media.store import MediaStore, ObjectGone, of_media
from publisher.media.uploads import EXAMINE, LATER, SWEEP, lane_of
from publisher.media.workshop.verdict import Facts, Unfit

_CARRYING: Final = 180.0
_TIMING: Final = Timing(
    call_within=WAITING + EXAMINING + _CARRYING,
    looks_after=(0.5, 1.0),
    absent_after=1.0,
    backoff_first=2.0,
    backoff_longest=600.0,
    unconfirmed_after=86_400.0,
    give_up_after=86_400.0,
)
_TRIES: Final = 2
_PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An upload that is all there, in its pieces."""

    medium: Medium
    pieces: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Examined:
    """What may be published of it, and where that lies."""

    facts: Facts
    object: str


@dataclass(frozen=True, slots=True)
class Naming:
    """Names for objects that say nothing of their content to whoever has only the content."""

    keyring: Keyring

    async def of(self, prefix: str, file: Path) -> str:
        """The same for the same content under the same prefix.

        Raises:
            TransientError: the key cannot be fetched now.
        """
        secret = await self.keyring.secret(None, "names of media")
        digest = hashlib.blake2b(prefix.encode(), key=secret, digest_size=32)
        with file.open("rb") as content:
            while piece := content.read(_PIECE):
                digest.update(piece)
        return prefix + digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Examination:
    """`publisher.media.examine`. Doing it twice gives the same, so what goes wrong is simply done again."""

    store: MediaStore
    bench: Bench
    naming: Naming
    ledger: Callable[[], Ledger]
    quota: Quota
    name: str = EXAMINE
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Uploaded]:
        """The pieces of each; what was deleted meanwhile is withdrawn."""
        ids = [entry.subject_id for entry in entries]
        media, pieces = await MediaRepository(tx).several(ids), await MediaRepository(tx).pieces(ids)
        return {
            entry.id: Uploaded(media[entry.subject_id], pieces.get(entry.subject_id, ()))
            for entry in entries
            if entry.subject_id in media and media[entry.subject_id].state is MediaState.EXAMINING
        }

    async def call(self, entry: Entry, work: Uploaded) -> Receipt:
        """Fetch it, look at it, keep what may be published.

        Raises:
            Refused: it is not taken.
            NotAccepted: not just now.
        """
        medium = work.medium
        try:
            async with self.bench.place() as folder:
                source, target = folder / "uploaded", folder / "cleaned"
                if await self.store.fetch(work.pieces, source) != medium.declared.size:
                    raise Refused("Part of the upload is missing; upload it again.", code="incomplete")
                facts = await self.bench.examine(source, target, medium.declared.mime, medium.declared.name)
                key = await self.naming.of(of_media(medium.organization_id, medium.id), target)
                await self.store.put(key, target)
        except Unfit as unfit:
            raise outcome_of(unfit, entry) from unfit
        except ObjectGone as gone:
            raise Refused("Part of the upload is missing; upload it again.", code="incomplete") from gone
        except (TransientError, OSError) as trouble:
            raise NotAccepted("It could not be looked at just now.", code="not-examined") from trouble
        return Receipt(result=Examined(facts, key))

    async def look(self, entry: Entry, work: Uploaded) -> Look:
        """Nothing is left half done, so it counts as not done."""
        _ = entry, work
        return NotFound(proven=True)

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry each outcome into its row; the pieces are not needed any more."""
        async for each in one_by_one(tx, settled):
            await self._record(tx, each)

    async def _record(self, tx: Transaction, settled: Settled) -> None:
        media, media_id, found = MediaRepository(tx), settled.entry.subject_id, settled.result
        if settled.status is Status.DONE and isinstance(found, Examined):
            medium = await media.ready(media_id, found.facts, found.object)
            if medium is not None:
                await self.quota.settle(tx, media_id)
                await tx.emit(UploadAccepted(media_id=media_id, kind=found.facts.kind, version=medium.version))
        elif settled.status in {Status.REFUSED, Status.UNCONFIRMED}:
            medium = await media.refuse(media_id, settled.code, settled.reason)
            if medium is not None:
                await self.quota.release(tx, media_id)
                await tx.emit(UploadRefused(media_id=media_id, code=settled.code, version=medium.version))
        else:
            return
        lane = lane_of(tx.organization_id)
        await self.ledger().add(tx, Effect(SWEEP, lane, media_id, settled.at + LATER))


def outcome_of(unfit: Unfit, entry: Entry) -> Refused | NotAccepted:
    """A refusal; but whatever ended without a word is tried once more."""
    if isinstance(unfit, Unexplained) and entry.attempt < _TRIES:
        return NotAccepted(unfit.reason, code=unfit.code)
    return Refused(unfit.reason, code=unfit.code)
