"""Deliveries are taken apart in the order of their arrival, by one worker at a time for each source."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import repeat
from typing import Final
from uuid import UUID

import structlog

from kit.db.database import Database
from kit.errors import TransientError
from kit.ids import new_id
from kit.intake import measures
from kit.intake.deliveries import MOST_DELIVERIES, NewItem, ReadDelivery, SplitRepository, StoredDelivery
from kit.intake.forgetting import lane_of
from kit.intake.lanes import LeaseLost
from kit.intake.model import Item, Source, Unreadable
from kit.intake.sealing import Sealing, place_of_delivery, place_of_item

log = structlog.get_logger(__name__)

MOST_ATTEMPTS: Final = 3
_BATCHES: Final = 20  # in one step: a process that is to end does not wait until nothing comes in any more
_ID, _TENANT, _KIND, _KEY, _REASON = 512, 256, 128, 1024, 500  # characters that are kept


class Splitter:
    """Turns stored deliveries of one source into items.

    What was answered before another delivery came is split before it; among deliveries that came at the same time any
    order is right. A delivery that its source cannot read, or fails over, is unreadable and stops nobody; so is one
    that three workers died over, for which deliveries are counted and tried alone after a death.
    """

    def __init__(self, database: Database, sealing: Sealing, source: Source, *, lease: float) -> None:
        self._database = database
        self._sealing = sealing
        self._source = source
        self._lease = lease
        self._repository = SplitRepository(database, source.name)
        self._owed: list[UUID] = []

    async def step(self) -> bool:
        """Take apart what waits; False when there was nothing, or another worker is at it."""
        await self._return_owed()
        holder = new_id()
        lapsed = await self._repository.claim(holder, self._lease)
        if lapsed is None:
            return False
        try:
            # After a death one by one, as many as the dead one may have died over.
            for most in repeat(1, MOST_DELIVERIES) if lapsed else repeat(MOST_DELIVERIES, _BATCHES):
                batch = await self._repository.waiting(most)
                if not batch:
                    break
                if lapsed:
                    await self._repository.count(batch[0].id)
                await self._split(holder, batch)
                if len(batch) < most:  # what came meanwhile has left its hint
                    break
        except LeaseLost:
            log.warning("intake.lease_lost", source=self._source.name)
        finally:
            self._owed.append(holder)
            with suppress(TransientError):  # at the next step; and the lease ends by itself
                await self._return_owed()
        return True

    async def _return_owed(self) -> None:
        while self._owed:
            await self._repository.release(self._owed[0])
            self._owed.pop(0)

    async def register(self) -> None:
        """To be done once before the first step."""
        await self._repository.register()

    async def _split(self, holder: UUID, batch: Sequence[StoredDelivery]) -> None:
        try:
            await self._take(holder, batch)
        except (TransientError, asyncio.CancelledError):
            raise
        except Exception as error:
            if len(batch) == 1:
                log.exception("intake.not_split", source=self._source.name, delivery=str(batch[0].id))
                reason = storable(f"cannot be stored: {type(error).__name__}", _REASON)
                await self._save(holder, [ReadDelivery(batch[0].id, 0, reason)], [])
                return
            for delivery in batch:
                await self._split(holder, (delivery,))

    async def _take(self, holder: UUID, batch: Sequence[StoredDelivery]) -> None:
        bodies = await self._sealing.open_many(None, [(each.body, place_of_delivery(each.id)) for each in batch])
        read: list[ReadDelivery] = []
        found: list[tuple[StoredDelivery, int, Item]] = []
        for delivery, body in zip(batch, bodies, strict=True):
            items, reason = self._items(delivery, body)
            read.append(ReadDelivery(delivery.id, len(items), reason))
            found += [(delivery, position, item) for position, item in enumerate(items)]
        await self._save(holder, read, await self._sealed(found))

    def _items(self, delivery: StoredDelivery, body: bytes | None) -> tuple[Sequence[Item], str | None]:
        if body is None:
            return (), "its key was destroyed"
        if delivery.attempts >= MOST_ATTEMPTS:
            return (), f"the worker did not survive it {delivery.attempts} times"
        try:
            return [_fit(item, delivery.id, place) for place, item in enumerate(self._source.split(body))], None
        except Unreadable as unreadable:
            return (), storable(unreadable.reason, _REASON)
        except Exception as error:
            log.exception("intake.split_failed", source=self._source.name, delivery=str(delivery.id))
            return (), storable(type(error).__name__, _REASON)

    async def _sealed(self, found: Sequence[tuple[StoredDelivery, int, Item]]) -> list[NewItem]:
        ids = [new_id() for _ in found]
        contents = [item.key.encode() + b"\0" + item.content for _, _, item in found]
        sealed = await self._sealing.seal_many(
            None, [(content, place_of_item(each)) for content, each in zip(contents, ids, strict=True)]
        )
        return [
            NewItem(
                id=item_id,
                delivery_id=delivery.id,
                position=position,
                item_id=item.id,
                lane=lane_of(item.key),
                tenant=item.tenant,
                kind=item.kind,
                content=content,
                traceparent=delivery.traceparent,
                occurred_at=item.occurred_at,
                received_at=delivery.received_at,
            )
            for item_id, content, (delivery, position, item) in zip(ids, sealed, found, strict=True)
        ]

    async def _save(self, holder: UUID, read: Sequence[ReadDelivery], items: Sequence[NewItem]) -> None:
        async with self._database.transaction() as tx:
            duplicates = await self._repository.save(tx, holder, self._lease, read, items)
        if items:
            self._database.hint(f"intake-items:{self._source.name}")
        if duplicates:
            measures.ITEMS.labels(self._source.name, "duplicate").inc(duplicates)


def _fit(item: Item, delivery_id: UUID, position: int) -> Item:
    """The item as it can be stored; without an id it is nobody's duplicate."""
    occurred_at = item.occurred_at
    if occurred_at is not None and occurred_at.utcoffset() is None:
        occurred_at = occurred_at.replace(tzinfo=UTC)
    return Item(
        id=storable(item.id, _ID) or f"{delivery_id}/{position}",
        key=storable(item.key, _KEY),
        tenant=storable(item.tenant, _TENANT),
        kind=storable(item.kind, _KIND),
        content=bytes(item.content),
        occurred_at=_near(occurred_at),
    )


def _near(time: datetime | None) -> datetime | None:
    """A time that is nonsense is none."""
    return time if time is not None and 1970 <= time.year < 9999 else None


def storable(text: str, most: int) -> str:
    """The text without what a database cannot hold; one that is too long ends in its digest, so it stays itself."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="backslashreplace").decode()
    if len(clean) <= most:
        return clean
    return f"{clean[: most - 34]}…{blake2b(clean.encode(), digest_size=16).hexdigest()}"
