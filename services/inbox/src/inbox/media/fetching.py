"""Media on their way in: an effect of their own, with seven days' time."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from contracts.inbox import MediaFailed, MediaReady
from inbox.channels.base import Line, MediaPlace, Medium, Platforms
from inbox.channels.health import suffer
from inbox.contacts.recognizing import subject
from inbox.media.model import largest, same_digest, type_of
from inbox.media.repository import MediaRepository, StoredMedia
from inbox.media.room import Room
from inbox.media.store import Kept, MediaStore
from inbox.messages.content import TOKEN
from inbox.tenants import by_organization
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotAccepted, NotFound, Receipt, Refused, Settled, Status, Unanswered
from kit.seal import Keyring, KeyShredded

FETCH: Final = "inbox.media"
FILENAME: Final = b"media.filename_sealed"
ADDRESS: Final = b"media.source_sealed"
FETCHABLE: Final = timedelta(days=7)
"""How long the platform keeps what came in."""

_TRIES_OF_A_WRONG_SUM: Final = 3
_TIMING: Final = Timing(
    call_within=90.0,
    looks_after=(0.5, 1.0),
    absent_after=1.0,
    backoff_first=2.0,
    backoff_longest=3600.0,
    unconfirmed_after=FETCHABLE.total_seconds(),
    give_up_after=FETCHABLE.total_seconds(),
)


@dataclass(frozen=True, slots=True)
class Fetching:
    """What fetching one medium takes; with a refusal it is not fetched."""

    organization_id: UUID
    contact_id: UUID
    kind: str
    provider_id: str
    checksum: str
    channel_kind: str = ""
    line: Line | None = None
    url: str = field(default="", repr=False)
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class FetchKind:
    """`inbox.media`: fetch one medium. Fetching twice changes nothing, so what goes wrong is simply tried again."""

    platforms: Platforms
    keyring: Keyring
    store: MediaStore
    room: Room = field(default_factory=Room)
    name: str = FETCH
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Fetching]:
        """Where each medium is to be had, and the token for it."""
        works: dict[UUID, Fetching] = {}
        async for organization_id, own in by_organization(tx, entries):
            rows = {row["id"]: row for row in await MediaRepository(tx).to_fetch([each.subject_id for each in own])}
            for entry in own:
                if entry.subject_id in rows:
                    works[entry.id] = await self._work(organization_id, rows[entry.subject_id])
        return works

    async def _work(self, organization_id: UUID, row: Row) -> Fetching:
        known = (organization_id, row["contact_id"], row["kind"], row["provider_id"], row["announced_hash"])
        if row["channel_state"] != "connected" or row["token_sealed"] is None:
            gone = Refused("The channel was disconnected before this was fetched.", code="channel-disconnected")
            return Fetching(*known, refusal=gone)
        sealed = [(row["token_sealed"], TOKEN)]
        sealed += [(row["source_sealed"], ADDRESS)] if row["source_sealed"] else []
        token, *addresses = await self.keyring.open_many(organization_id, sealed)
        if token is None or None in addresses:
            forgotten = Refused("The contact who sent it was forgotten.", code="contact-forgotten")
            return Fetching(*known, refusal=forgotten)
        url = "".join(each.decode(errors="replace") for each in addresses if each)
        line = Line(row["phone_number_id"], token.decode())
        return Fetching(*known, channel_kind=row["channel_kind"], line=line, url=url)

    async def call(self, entry: Entry, work: Fetching) -> Receipt:
        """Ask where it lies, fetch it, look at it, keep it."""
        if work.refusal is not None or work.line is None:
            raise work.refusal or Refused("It cannot be fetched.")
        try:
            return await self._fetch(entry, work, work.line)
        except Unanswered as trouble:
            raise NotAccepted(str(trouble), code=trouble.code, said=trouble.said) from trouble

    async def _fetch(self, entry: Entry, work: Fetching, line: Line) -> Receipt:
        attempt, at_most, platform = entry.attempt, largest(work.kind), self.platforms[work.channel_kind]
        medium = Medium(work.provider_id, work.kind, "", work.checksum, "", work.url)
        place = await platform.place(line, medium, attempt)
        if place.size > at_most:
            raise Refused(f"It is larger than {platform.errors.name} allows.", code="too-large")
        async with self.room.of(place.size or at_most):
            return await self._taken(work, line, place, at_most, attempt=attempt)

    async def _taken(self, work: Fetching, line: Line, place: MediaPlace, at_most: int, *, attempt: int) -> Receipt:
        content = await self.platforms[work.channel_kind].download(line, place, at_most, attempt)
        digest = hashlib.sha256(content).hexdigest()
        if not (same_digest(work.checksum, digest) and same_digest(place.sha256, digest)):
            if attempt < _TRIES_OF_A_WRONG_SUM:
                raise NotAccepted("its checksum is wrong", code="wrong-checksum")
            raise Refused("What was fetched is not what was sent: its checksum is wrong.", code="wrong-checksum")
        kept = await self._keep(work, content)
        stored = StoredMedia(type_of(content), len(content), kept.file_id, kept.key_sealed)
        return Receipt(str(kept.file_id), result=stored)

    async def _keep(self, work: Fetching, content: bytes) -> Kept:
        try:
            return await self.store.keep(work.organization_id, content, subject(work.contact_id))
        except KeyShredded as shredded:
            raise Refused("The contact who sent it was forgotten.", code="contact-forgotten") from shredded

    async def look(self, entry: Entry, work: Fetching) -> Look:
        """Nothing is left half done, so it counts as not fetched."""
        _ = entry, work
        return NotFound()

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry each outcome into its row."""
        async for _, own in by_organization(tx, settled):
            for each in sorted(own, key=lambda one: one.entry.subject_id):
                await self._record(tx, each)

    async def _record(self, tx: Transaction, settled: Settled) -> None:
        media, media_id = MediaRepository(tx), settled.entry.subject_id
        if settled.status is Status.DONE and isinstance(settled.result, StoredMedia):
            row = await media.ready(media_id, settled.result)
            if row is not None:
                await tx.emit(_ready(tx, media_id, row))
        elif settled.status in (Status.REFUSED, Status.UNCONFIRMED):
            row = await media.fail(media_id, settled.code, settled.reason)
            if row is not None:
                await tx.emit(_failed(tx, media_id, row, settled.code))
        elif settled.status is Status.PENDING:
            await suffer(tx, self.platforms, UUID(settled.entry.lane_key.rpartition(":")[2]), settled)


def _ready(tx: Transaction, media_id: UUID, row: Row) -> MediaReady:
    return MediaReady(
        organization_id=tx.organization_id,
        media_id=media_id,
        message_id=row["message_id"],
        conversation_id=row["conversation_id"],
    )


def _failed(tx: Transaction, media_id: UUID, row: Row, code: str) -> MediaFailed:
    return MediaFailed(
        organization_id=tx.organization_id,
        media_id=media_id,
        message_id=row["message_id"],
        conversation_id=row["conversation_id"],
        code=code,
    )
