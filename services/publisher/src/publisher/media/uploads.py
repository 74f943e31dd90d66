"""Taking files in piece by piece, by the protocol tus 1.0: what was answered for is in the store, whatever dies."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from starlette.requests import ClientDisconnect

from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane
from kit.quota import Quota
from publisher.media.errors import (
    MediaNotFound,
    OffsetMismatch,
    TooManyUploads,
    UploadNotFound,
    UploadTooLong,
)
from publisher.media.model import MOST_UPLOADS, STORAGE, UPLOAD_WITHIN, Declared, MediaState, Medium, checked
from publisher.media.repository import MediaRepository
from publisher.media.store import MediaStore, of_upload

EXAMINE: Final = "publisher.media.examine"
LAPSE: Final = "publisher.media.lapse"
REMOVE: Final = "publisher.media.remove"
SWEEP: Final = "publisher.media.sweep"
LATER: Final = timedelta(hours=2)
PIECE: Final = 4 * 1024 * 1024
"""What a request holds in memory before it is stored."""


def lane_of(organization_id: UUID) -> Lane:
    """Organizations take turns at the bench."""
    return Lane(organization_id, "media")


@dataclass(frozen=True, slots=True)
class UploadService:
    """What people ask of uploads."""

    database: Database
    ledger: Ledger
    store: MediaStore
    quota: Quota

    async def begin(self, declared: Declared, caller: MemberCaller, key: Idempotency) -> Medium:
        """A new upload; the storage it will take is set aside.

        Raises:
            UploadNotAcceptable, FileTooLarge, TooManyUploads, QuotaExhausted: it is not taken.
        """
        declared = checked(declared)
        async with self.database.transaction(caller.organization_id) as tx:
            media = MediaRepository(tx)
            earlier = await key.claim(tx)
            if earlier is not None:
                return await media.find(earlier.resource_id)
            if await media.count_uploading(MOST_UPLOADS) >= MOST_UPLOADS:
                raise TooManyUploads(f"Up to {MOST_UPLOADS} uploads may be under way.")
            begun = await media.add(new_id(), declared, caller.user_id)
            await self.quota.reserve(tx, STORAGE, begun.megabytes, begun.id, 2 * UPLOAD_WITHIN)
            lane = lane_of(caller.organization_id)
            await self.ledger.add(tx, Effect(LAPSE, lane, begun.id, begun.expires_at))
            await tx.emit(audited("publisher.media.uploaded", caller, "media", begun.id, bytes=declared.size))
            await key.remember(tx, begun.id, begun.version)
        return begun

    async def find(self, media_id: UUID, caller: MemberCaller) -> Medium:
        """Where an upload stands; one that is finished stands at its end.

        Raises:
            UploadNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            return await _found(tx, media_id)

    async def append(
        self, media_id: UUID, offset: int, content: AsyncIterator[bytes], caller: MemberCaller
    ) -> Medium:
        """Take what comes, from where the upload stands; what came before the connection broke is kept.

        Raises:
            UploadNotFound, OffsetMismatch, UploadTooLong: it cannot be taken.
            StoreAway: not just now; HEAD tells what was taken.
        """
        medium = await self.find(media_id, caller)
        if medium.state is MediaState.UPLOADING and medium.expires_at <= self.database.clock.now():
            raise UploadNotFound
        if offset != medium.received:
            raise OffsetMismatch(offset=medium.received)
        waiting = bytearray()
        try:
            async for piece in content:
                waiting += piece
                if medium.received + len(waiting) > medium.declared.size:
                    raise UploadTooLong(f"It was declared to have {medium.declared.size} bytes.")
                while len(waiting) >= PIECE:
                    medium = await self._keep(medium, bytes(waiting[:PIECE]))
                    del waiting[:PIECE]
        except ClientDisconnect:
            pass
        return await self._keep(medium, bytes(waiting)) if waiting else medium

    async def _keep(self, medium: Medium, piece: bytes) -> Medium:
        """First the bytes, then the row that counts them: one of two writers at the same place wins."""
        start = medium.received
        key = f"{of_upload(medium.organization_id, medium.id)}{start:015d}-{secrets.token_hex(16)}"
        await self.store.put(key, piece)
        try:
            async with self.database.transaction(medium.organization_id) as tx:
                grown = await MediaRepository(tx).append(medium.id, start, len(piece), key)
                if grown.state is MediaState.EXAMINING:
                    await self.ledger.add(tx, Effect(EXAMINE, lane_of(medium.organization_id), medium.id))
        except UploadNotFound:
            await self.store.delete(key)
            async with self.database.snapshot(medium.organization_id) as tx:
                now = await _found(tx, medium.id)
            raise OffsetMismatch(offset=now.received) from None
        return grown

    async def stop(self, media_id: UUID, caller: MemberCaller) -> None:
        """Give an upload up, with what has come of it.

        Raises:
            UploadNotFound: there is none under way.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            media = MediaRepository(tx)
            try:
                medium = await media.find(media_id, lock=True)
            except MediaNotFound as missing:
                raise UploadNotFound from missing
            if medium.state is not MediaState.UPLOADING:
                raise UploadNotFound
            await self.let_go(tx, medium)
            await tx.emit(audited("publisher.media.deleted", caller, "media", media_id, state=medium.state.value))

    async def let_go(self, tx: Transaction, medium: Medium) -> None:
        """Delete a medium with all that counts it; its bytes go after the commit."""
        await MediaRepository(tx).remove(medium.id)
        await free(tx, self.quota, medium)
        await remove_bytes(tx, self.ledger, medium, self.database.clock.now())


async def free(tx: Transaction, quota: Quota, medium: Medium) -> None:
    """Let the storage it takes be free again; what was refused takes none."""
    if medium.state is MediaState.READY:
        await quota.give_back(tx, STORAGE, medium.megabytes)
    elif medium.state is not MediaState.REFUSED:
        await quota.release(tx, medium.id)


async def remove_bytes(tx: Transaction, ledger: Ledger, medium: Medium, now: datetime) -> None:
    """Have its bytes removed, and once more later: a piece may have been on its way just then."""
    lane = lane_of(medium.organization_id)
    await ledger.add(tx, Effect(REMOVE, lane, medium.id), Effect(SWEEP, lane, medium.id, now + LATER))


async def _found(tx: Transaction, media_id: UUID) -> Medium:
    try:
        return await MediaRepository(tx).find(media_id)
    except MediaNotFound as missing:
        raise UploadNotFound from missing
