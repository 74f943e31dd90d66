from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL
from publisher.posts.when import When
from publisher.queues.errors import QueueNotFound
from publisher.queues.model import Queue, Wishes
from publisher.queues.slots import Slot

_COLUMNS = "id, organization_id, name, zone, slots, accounts, version, created_at, changed_at"


@dataclass(frozen=True, slots=True)
class QueueRepository:
    """The queues of the transaction's organization, and who has which slot."""

    tx: Transaction

    async def add(self, queue_id: UUID, wishes: Wishes) -> Queue:
        """Add a queue."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO posting_queues (id, organization_id, name, zone, slots, accounts)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            queue_id,
            self.tx.organization_id,
            *_columns(wishes),
        )
        return _queue(row)

    async def save(self, queue_id: UUID, wishes: Wishes) -> Queue:
        """Write what it is to be; the version rises."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE posting_queues
            SET name = $3, zone = $4, slots = $5, accounts = $6, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            queue_id,
            self.tx.organization_id,
            *_columns(wishes),
        )
        return _queue(row)

    async def find(self, queue_id: UUID) -> Queue:
        """Read the queue."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM posting_queues WHERE id = $1 AND organization_id = $2",  # noqa: S608
            queue_id,
            self.tx.organization_id,
        )
        return _queue(row)

    async def lock(self, queue_id: UUID) -> Queue:
        """Read the queue for update: who wants one of its slots waits until we commit."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM posting_queues WHERE id = $1 AND organization_id = $2 FOR UPDATE",  # noqa: S608
            queue_id,
            self.tx.organization_id,
        )
        return _queue(row)

    async def remove(self, queue_id: UUID) -> None:
        """Delete the queue; its posts keep their times."""
        await self.tx.execute(
            "DELETE FROM posting_queues WHERE id = $1 AND organization_id = $2", queue_id, self.tx.organization_id
        )

    async def page(self, after: UUID | None, limit: int) -> list[Queue]:
        """Queues in the order in which they were made."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM posting_queues
            WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            after or BEFORE_ALL,
            limit,
        )
        return [_queue(row) for row in rows]

    async def taken(self, queue_id: UUID, after: datetime, limit: int) -> list[tuple[When, UUID]]:
        """The slots after a time that posts have, in order."""
        rows = await self.tx.fetch(
            """
            SELECT place.at, place.post_id FROM queue_places AS place
            WHERE place.queue_id = $1 AND place.organization_id = $2 AND place.at > $3
            ORDER BY place.at LIMIT $4
            """,
            queue_id,
            self.tx.organization_id,
            after,
            limit,
        )
        return [(When(row["at"]), row["post_id"]) for row in rows]

    async def take(self, queue_id: UUID, places: Mapping[UUID, datetime]) -> None:
        """Let these posts have these slots, and no others."""
        await self.leave(places)
        await self.tx.execute(
            """
            INSERT INTO queue_places (queue_id, organization_id, post_id, at)
            SELECT $1, $2, t.post_id, t.at FROM unnest($3::uuid[], $4::timestamptz[]) AS t (post_id, at)
            """,
            queue_id,
            self.tx.organization_id,
            list(places.keys()),
            list(places.values()),
        )

    async def leave(self, post_ids: Collection[UUID]) -> None:
        """Let the slots of these posts be free again."""
        await self.tx.execute(
            "DELETE FROM queue_places WHERE organization_id = $1 AND post_id = ANY ($2)",
            self.tx.organization_id,
            list(post_ids),
        )


def _columns(wishes: Wishes) -> tuple[object, ...]:
    return wishes.name, wishes.zone, [slot.stored() for slot in wishes.slots], list(wishes.accounts)


def _queue(row: Row | None) -> Queue:
    if row is None:
        raise QueueNotFound
    return Queue(
        id=row["id"],
        organization_id=row["organization_id"],
        name=row["name"],
        zone=row["zone"],
        slots=tuple(Slot.read(each) for each in row["slots"]),
        accounts=tuple(row["accounts"]),
        version=row["version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )
