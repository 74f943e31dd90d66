"""Where pictures and videos of posts come from."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from uuid import UUID

from kit.clock import Clock
from kit.db.database import Transaction
from publisher.media.links import Links, Signing
from publisher.media.model import MediaState, Medium
from publisher.media.repository import MediaRepository
from publisher.media.store import MediaStore, ObjectGone
from publisher.media.workshop.verdict import Facts
from publisher.platforms.base import MediaItem


class MediaSource(Protocol):
    """What is stored of pictures and videos, ready to be published."""

    async def find(
        self, tx: Transaction, media_ids: Collection[UUID], *, hold: bool = False
    ) -> Mapping[UUID, MediaItem]:
        """Those of them that there are in the transaction's organizations; with no request to anybody.

        With `hold` nobody deletes them until the transaction ends.
        """


@dataclass(frozen=True, slots=True)
class NoMedia:
    """Nothing is stored here: posts have no pictures and videos."""

    async def find(
        self, tx: Transaction, media_ids: Collection[UUID], *, hold: bool = False
    ) -> Mapping[UUID, MediaItem]:
        """None of them."""
        _ = tx, media_ids, hold
        return {}


@dataclass(frozen=True, slots=True)
class Library:
    """What the organizations have uploaded."""

    store: MediaStore
    signing: Signing
    clock: Clock

    async def find(
        self, tx: Transaction, media_ids: Collection[UUID], *, hold: bool = False
    ) -> Mapping[UUID, MediaItem]:
        """Those of them that may be published."""
        found = await MediaRepository(tx).several(media_ids, lock=hold)
        links = await self.signing.links() if found else None
        return {
            medium.id: self.item(links, medium, medium.id, medium.facts, medium.object)
            for medium in found.values()
            if links is not None and medium.state is MediaState.READY and medium.facts is not None
        }

    def item(self, links: Links, medium: Medium, file_id: UUID, facts: Facts, key: str) -> MediaItem:
        """A medium by one of its files: the one that was uploaded, or one made of it."""
        return MediaItem(
            media_id=medium.id,
            kind=facts.kind,
            mime=facts.mime,
            size_bytes=facts.size_bytes,
            width=facts.width,
            height=facts.height,
            duration_ms=facts.duration_ms,
            alt=medium.declared.alt,
            url=links.address(medium.organization_id, file_id, facts.mime, self.clock.now()),
            read=_reader(self.store, key),
            facts=facts,
            organization_id=medium.organization_id,
            again=partial(self.item, links, medium),
        )


def _reader(store: MediaStore, key: str) -> Callable[[int, int], Awaitable[bytes]]:
    async def read(offset: int, length: int) -> bytes:
        """The bytes from an offset; none where they are gone."""
        try:
            return await store.read(key, offset, length)
        except ObjectGone:
            return b""

    return read
