"""What people ask of the media that are there."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.quota import Use
from publisher.media.errors import LinkEnded, MediaInUse
from publisher.media.links import Signing
from publisher.media.model import STORAGE, MediaState, Medium
from publisher.media.repository import MediaRepository
from publisher.media.store import MediaStore
from publisher.media.uploads import UploadService
from publisher.media.workshop.verdict import Facts

_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that may be read now."""

    id: UUID
    object: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class MediaService:
    """Lists, shows, describes and deletes; and finds what an address leads to."""

    database: Database
    store: MediaStore
    uploads: UploadService
    signing: Signing

    async def page(
        self, caller: MemberCaller, state: MediaState | None, before: UUID | None, limit: int
    ) -> list[Medium]:
        """The newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await MediaRepository(tx).page(state, before, limit)

    async def storage(self, caller: MemberCaller) -> Use:
        """How much is used and may be."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await self.uploads.quota.use(tx, STORAGE)

    async def find(self, media_id: UUID, caller: MemberCaller) -> Medium:
        """One medium.

        Raises:
            MediaNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            return await MediaRepository(tx).find(media_id)

    async def open(self, media_id: UUID, caller: MemberCaller) -> Opened:
        """Its bytes, as they may be published.

        Raises:
            MediaNotFound, MediaNotReady: there is none, or not yet.
        """
        medium = await self.find(media_id, caller)
        return Opened(medium.id, medium.object, medium.opened())

    async def follow(self, token: str) -> Opened:
        """What an address leads to, for whoever has it.

        Raises:
            LinkEnded: it has ended, is not ours, or what it led to was deleted.
        """
        named = (await self.signing.links()).read(token, self.database.clock.now())
        async with self.database.snapshot(named.organization_id) as tx:
            found = await MediaRepository(tx).file(named.file_id)
        if found is None:
            raise LinkEnded
        key, facts = found
        return Opened(named.file_id, key, facts)

    async def describe(self, media_id: UUID, alt: str, caller: MemberCaller, expected: Condition | None) -> Medium:
        """Give it another alternative text.

        Raises:
            MediaNotFound, Changed: there is none, or it is another by now.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            media = MediaRepository(tx)
            medium = await media.find(media_id, lock=True)
            if expected is not None:
                expected.check(medium.version)
            described = await media.describe(media_id, alt)
            await tx.emit(audited("publisher.media.described", caller, "media", media_id))
        return described

    async def delete(self, media_id: UUID, caller: MemberCaller) -> None:
        """Delete it with its bytes and what was made of it; every address of it ends.

        Raises:
            MediaNotFound: there is none.
            MediaInUse: posts that have not been published use it; they are named.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            media = MediaRepository(tx)
            medium = await media.find(media_id, lock=True)
            used = await media.used_by(media_id, _NAMED)
            if used:
                raise MediaInUse(posts=[str(post_id) for post_id in used])
            await self.uploads.let_go(tx, medium)
            await tx.emit(audited("publisher.media.deleted", caller, "media", media_id, state=medium.state.value))
